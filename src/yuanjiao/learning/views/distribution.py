"""Distributions (发放, DLV23, CW24): copies of documents and books by organisation: needed, delivered, missing. Never readers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.courseware.queries import item_detail, released_items
from yuanjiao.learning import commands, queries
from yuanjiao.learning.inputs import CopiesForm, DistributionForm
from yuanjiao.learning.models import Distribution, DistributionLine
from yuanjiao.learning.views.plans import LIBRARY_LENGTH
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.lib.shares import per_cent
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

TITLE = "文件读本发放"
RULE = "只统计各单位需要、已发、还缺的份数，不登记发到谁手上、谁看过。"


@door(Permission.SEE_LEARNING)
def distribution_list(request: ActingRequest) -> HttpResponseBase:
    """Distributions that concern the reader's places, with the sums of what the reader sees."""
    paths = request.actor.paths(Permission.SEE_LEARNING)
    may_begin = request.actor.holds(Permission.PLAN_LEARNING) and queries.plans_are_made_here()

    def fill(rows: Any) -> None:
        for row in rows:
            row.copies = queries.copies_of(queries.distribution_lines(row, paths))

    page = ListPage[Any](
        title=_(TITLE),
        rows=queries.distributions(paths),
        columns=[
            Column(_("文件或书名"), lambda row: row.title, link=lambda row: reverse("learning:distribution", args=[row.uid]), width=30),
            Column(_("版本"), lambda row: row.edition, width=16),
            Column(_("形式"), lambda row: row.get_form_display(), order=("form",)),
            Column(_("单位"), lambda row: row.copies.units),
            Column(_("需要"), lambda row: row.copies.needed),
            Column(_("已发"), lambda row: row.copies.delivered),
            Column(_("还缺"), lambda row: row.copies.missing, badge=lambda row: "yellow" if row.copies.missing else "green"),
            Column(_("开始日期"), lambda row: row.begun_on, order=("begun_on",)),
            Column(_("发放单位"), lambda row: row.unit.name, width=20),
        ],
        search=("title", "document"),
        search_hint=_("名称或文号"),
        lead=RULE,
        notes=[RULE],
        empty=_("还没有登记发放。"),
        actions=[(_("开始发放"), reverse("learning:distribution_new"))] if may_begin else [],
        prepare=fill,
    )
    return respond(request, page)


@door(Permission.SEE_LEARNING)
def distribution(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """One distribution: every unit with what it needs, has and lacks."""
    paths = request.actor.paths(Permission.SEE_LEARNING)
    row = queries.distribution_by_uid(uid, paths)
    lines = queries.distribution_lines(row, paths)
    sums = queries.copies_of(lines)
    told = _(
        "截至 %(at)s：%(units)d 个单位需要 %(needed)d 份，已发 %(given)d 份（%(share)s），还缺 %(missing)d 份；%(done)d 个单位已发齐。"
    ) % {
        "at": f"{clock.now().astimezone(clock.CHINA):%Y-%m-%d %H:%M}",
        "units": sums.units,
        "needed": sums.needed,
        "given": sums.delivered,
        "share": per_cent(sums.delivered / sums.needed) if sums.needed else "—",
        "missing": sums.missing,
        "done": sums.complete,
    }
    page = ListPage[Any](
        title=f"{row.title} {row.edition}".strip(),
        rows=lines,
        columns=[
            Column(_("单位"), lambda one: one.unit.name, link=lambda one: _line_address(request, one), order=("unit__name",), width=26),
            Column(_("单位代码"), lambda one: one.unit.code, order=("unit__code",), width=20),
            Column(_("所在"), lambda one: one.unit.division.name, order=("unit__division__path",), width=18),
            Column(_("需要"), lambda one: one.needed, order=("needed",)),
            Column(_("已发"), lambda one: one.delivered, order=("delivered",)),
            Column(_("还缺"), lambda one: one.missing, badge=lambda one: "yellow" if one.missing else "green", order=("missing",)),
            Column(_("最近一次送达"), lambda one: one.delivered_on, order=("delivered_on",)),
        ],
        search=("unit__name", "unit__code"),
        search_hint=_("单位名称或代码"),
        filters=[Filter("state", _("情况"), [("missing", _("还缺")), ("complete", _("已发齐"))], _by_state)],
        lead=told + RULE,
        notes=[told, RULE],
        empty=_("没有这样的单位。"),
        context={"distribution": row, "files": _files(row)},
    )
    return respond(request, page, "learning/distribution.html")


def _files(row: Distribution) -> list[tuple[str, int]]:
    """In which forms the electronic copy can be saved, and their bytes; empty when it is not in the library (any more)."""
    if row.courseware_uid is None:
        return []
    try:
        found = item_detail(row.courseware_uid, on=clock.today())
    except NotFound:
        return []
    offered = [(found.file, "PDF"), (found.book, "EPUB")]
    return [(name, one.size_bytes) for one, name in offered if one]


def _by_state(rows: Any, value: str) -> Any:
    return rows.filter(missing__gt=0) if value == "missing" else rows.filter(missing=0)


def _line_address(request: ActingRequest, line: DistributionLine) -> str | None:
    """The form of a unit, for who may tell of it."""
    may = _may_need(request, line.distribution) or request.actor.covers(Permission.RECORD_SESSION, line.unit.division.path)
    return reverse("learning:distribution_line", args=[line.pk]) if may else None


def _may_need(request: ActingRequest, row: Distribution) -> bool:
    return request.actor.covers(Permission.PLAN_LEARNING, row.scope)


@door(Permission.PLAN_LEARNING)
def distribution_new(request: ActingRequest) -> HttpResponse:
    """Begin to give out."""
    if not queries.plans_are_made_here():
        raise Refused(_("发放在中心登记。请登录中心的网页。"))
    today, paths = clock.today(), request.actor.paths(Permission.PLAN_LEARNING)
    places = [row for path in paths for row in divisions(on=today, under=path) if Level.CITY <= row.level <= Level.TOWN]
    own = {grant.unit_id for grant in request.actor.grants}
    bodies = sorted({unit for path in paths for unit in units(on=today, under=path)}, key=lambda unit: (unit.pk not in own, unit.code))
    form = DistributionForm(request.POST or None, places=places, units=bodies, cards=released_items(on=today, limit=LIBRARY_LENGTH))
    if request.method == "POST" and form.is_valid():
        try:
            row = commands.begin_distribution(**form.asked(), by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已开始发放“%s”。") % row.title)
            return redirect("learning:distribution", uid=row.uid)
    context = {"page_title": _("开始发放"), "form": form, "back": reverse("learning:distribution_list"), "list_title": TITLE}
    return render(request, "learning/distribution_form.html", context, status=400 if form.errors else 200)


@door(Permission.PLAN_LEARNING, Permission.RECORD_SESSION)
def distribution_line(request: ActingRequest, pk: int) -> HttpResponse:
    """What one unit needs and has."""
    paths = {*request.actor.paths(Permission.PLAN_LEARNING), *request.actor.paths(Permission.RECORD_SESSION)}
    line = queries.distribution_line(pk, sorted(paths))
    form = CopiesForm(request.POST or None, line=line, may_need=_may_need(request, line.distribution), today=clock.today())
    back = reverse("learning:distribution", args=[line.distribution.uid])
    if request.method == "POST" and form.is_valid():
        try:
            commands.note_copies(line=line, **form.cleaned_data, by=request.actor, at=clock.now())
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已登记。"))
            return redirect(back)
    context = {"page_title": f"{line.distribution.title}：{line.unit.name}", "form": form, "back": back, "list_title": TITLE}
    return render(request, "learning/distribution_form.html", context, status=400 if form.errors else 200)
