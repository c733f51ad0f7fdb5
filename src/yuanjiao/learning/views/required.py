"""Required lists (必学清单, CW05): asked of organisations, completed by sessions, told by organisation. Never of persons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.courseware.queries import released_items
from yuanjiao.learning import commands, queries
from yuanjiao.learning.inputs import RequiredForm
from yuanjiao.learning.models import RequiredList
from yuanjiao.learning.queries import UnitCompletion
from yuanjiao.learning.rules import STANDING_NAMES, Standing
from yuanjiao.learning.views.plans import LIBRARY_LENGTH
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

RULE = (
    "完成＝该组织范围内的站点在集中学习登记中放过清单里的每一件课件（新版课件视同原件）。只统计组织，不登记、不统计个人。"
    "断网站点的登记在线路恢复后自动补到。"
)
COLOURS = {Standing.DONE: "green", Standing.DONE_LATE: "yellow", Standing.OPEN: "blue", Standing.OVERDUE: "red"}


@door(Permission.SEE_LEARNING)
def required_list(request: ActingRequest) -> HttpResponseBase:
    """Lists that concern the reader's places."""
    paths, today = request.actor.paths(Permission.SEE_LEARNING), clock.today()
    rows = queries.required_lists(paths)
    names = queries.place_names(rows.values_list("scope", flat=True), today)
    may_assign = request.actor.holds(Permission.PLAN_LEARNING) and queries.plans_are_made_here()
    page = ListPage[RequiredList](
        title=_("必学清单"),
        rows=rows,
        columns=[
            Column(
                _("名称"), lambda row: row.title, link=lambda row: reverse("learning:required", args=[row.uid]), order=("title",), width=26
            ),
            Column(_("范围"), lambda row: names.get(row.scope, ""), width=16),
            Column(_("哪一级组织"), lambda row: row.get_level_display()),
            Column(_("课件"), lambda row: "、".join(item.title for item in row.items.all()), width=34),
            Column(_("起"), lambda row: row.starts_on, order=("starts_on",)),
            Column(_("期限"), lambda row: row.due_on, order=("due_on",)),
            Column(_("状态"), lambda row: state_of(row, today)[0], badge=lambda row: state_of(row, today)[1]),
            Column(_("依据文件"), lambda row: row.document, width=24),
            Column(_("布置单位"), lambda row: row.unit.name, width=20),
        ],
        search=("title", "document"),
        search_hint=_("名称或文号"),
        lead=RULE,
        empty=_("还没有布置必学清单。"),
        actions=[(_("布置必学清单"), reverse("learning:required_new"))] if may_assign else [],
    )
    return respond(request, page)


def state_of(row: RequiredList, today: date) -> tuple[str, str]:
    """A word and its colour."""
    if row.taken_back_on is not None:
        return _("已收回"), "grey"
    if row.starts_on > today:
        return _("未开始"), "blue"
    return (_("进行中"), "green") if today <= row.due_on else (_("已到期限"), "grey")


@door(Permission.SEE_LEARNING)
def required(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """One list: what each organisation has shown of it."""
    paths, today = request.actor.paths(Permission.SEE_LEARNING), clock.today()
    row = queries.required_by_uid(uid, paths)
    titles = {item.courseware_uid: item.title for item in row.items.all()}
    rows = queries.required_completion(row, paths, today)

    def standing(one: UnitCompletion) -> Standing:
        return one.completion.standing(row.due_on, today)

    done = sum(not one.completion.missing for one in rows)
    page = ListPage[UnitCompletion](
        title=row.title,
        rows=rows,
        columns=[
            Column(_("组织"), lambda one: one.unit.name, width=26),
            Column(_("单位代码"), lambda one: one.unit.code, width=20),
            Column(_("所在"), lambda one: one.unit.division.name, width=16),
            Column(_("完成"), lambda one: f"{one.completion.done} / {len(titles)}"),
            Column(_("情况"), lambda one: STANDING_NAMES[standing(one)], badge=lambda one: COLOURS[standing(one)]),
            Column(_("还没有放的"), lambda one: "、".join(titles[item] for item in one.completion.missing), width=34),
            Column(_("完成日期"), lambda one: one.completion.done_on),
            Column(_("场次"), lambda one: one.completion.sessions, link=lambda one: _sessions(row, one)),
        ],
        filters=[Filter("standing", _("情况"), [(str(key), name) for key, name in STANDING_NAMES.items()], _by(standing))],
        lead=_("%(title)s（%(document)s），%(start)s 至 %(due)s。截至 %(today)s，%(done)d / %(all)d 个组织完成。")
        % {
            "title": row.title, "document": row.document, "start": row.starts_on, "due": row.due_on, "today": today, "done": done,
            "all": len(rows),
        }
        + RULE,
        notes=[RULE],
        empty=_("范围内没有这样的组织。"),
        context={"required": row, "state": state_of(row, today), "may_take_back": _may_take_back(request, row)},
    )  # fmt: skip
    return respond(request, page, "learning/required.html")


def _by(standing: Any) -> Any:
    def narrow(rows: Sequence[UnitCompletion], value: str) -> list[UnitCompletion]:
        return [one for one in rows if standing(one) == value]

    return narrow


def _sessions(row: RequiredList, one: UnitCompletion) -> str | None:
    """The sessions of the organisation's place, where it has any."""
    return f"{reverse('learning:session_list')}?place={one.unit.division.code}" if one.completion.sessions else None


def _may_take_back(request: ActingRequest, row: RequiredList) -> bool:
    may = request.actor.covers(Permission.PLAN_LEARNING, row.scope) and queries.plans_are_made_here()
    return may and row.taken_back_on is None


@door(Permission.PLAN_LEARNING)
def required_new(request: ActingRequest) -> HttpResponse:
    """Ask for a list."""
    if not queries.plans_are_made_here():
        raise Refused(_("必学清单在中心布置，由目录下发到这里。请登录中心的网页。"))
    today, paths = clock.today(), request.actor.paths(Permission.PLAN_LEARNING)
    places = [row for path in paths for row in divisions(on=today, under=path) if Level.CITY <= row.level <= Level.TOWN]
    own = {grant.unit_id for grant in request.actor.grants}
    bodies = sorted({unit for path in paths for unit in units(on=today, under=path)}, key=lambda unit: (unit.pk not in own, unit.code))
    cards = released_items(on=today, limit=LIBRARY_LENGTH)
    form = RequiredForm(request.POST or None, places=places, units=bodies, cards=cards, today=today)
    if request.method == "POST" and form.is_valid():
        try:
            row = commands.assign_required_list(**form.asked(), by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已布置“%s”，随下一次目录下发。") % row.title)
            return redirect("learning:required", uid=row.uid)
    return render(request, "learning/plan_new.html", {"page_title": _("布置必学清单"), "form": form}, status=400 if form.errors else 200)


@door(Permission.PLAN_LEARNING)
@require_POST
def required_end(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Ask for it no more."""
    row = queries.required_by_uid(uid, request.actor.paths(Permission.PLAN_LEARNING))
    if not queries.plans_are_made_here():
        raise Refused(_("必学清单在中心布置，请在中心收回。"))
    commands.take_back_required_list(required=row, on=clock.today(), by=request.actor, at=clock.now())
    messages.success(request, _("已收回“%s”。") % row.title)
    return redirect("learning:required", uid=uid)
