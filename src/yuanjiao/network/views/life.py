"""The life of an object in the register: its dated story, taking it out of service by decision, moving it, what a site is, and how often
it beats."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.network import commands, queries
from yuanjiao.network.models import Lifecycle, ManagedObject, ObjectKind
from yuanjiao.network.views.forms import LabelsForm, PlaceForm, RhythmForm, ServiceForm, act_on
from yuanjiao.network.views.parts import address_of, county_filter, division_filter, seen_paths
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import division_by_code
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

TURNS: dict[str, list[tuple[str, Any]]] = {
    Lifecycle.IN_SERVICE: [("suspend", gettext_lazy("停用")), ("retire", gettext_lazy("退役"))],
    Lifecycle.SUSPENDED: [("resume", gettext_lazy("恢复使用")), ("retire", gettext_lazy("退役"))],
}
"""What may be done next with an object in this lifecycle; the others come and go with the register's import."""


@door(Permission.SEE_NETWORK)
def service(request: ActingRequest, code: str) -> HttpResponseBase:
    """One object's story of places and lifecycles, with the forms that continue it."""
    row = _visible(code, request)
    return _page(request, row)


def _visible(code: str, request: ActingRequest) -> ManagedObject:
    row = queries.object_by_code(code)
    request.actor.require(Permission.SEE_NETWORK, row.division.path)
    return row


def _page(request: ActingRequest, row: ManagedObject, **told: Form) -> HttpResponse:
    """The page; `told` are forms that were filled in and refused, by name."""
    may = request.actor.covers(Permission.IMPORT_REGISTER, row.division.path)
    turns = TURNS.get(row.lifecycle, [])
    today = {"on": clock.today()}
    forms: dict[str, Form | None] = {
        "turn": ServiceForm(initial=today, turns=turns) if may and turns else None,
        "place": PlaceForm(initial=today) if may and row.lifecycle != Lifecycle.RETIRED else None,
        "labels": _labels_form(row) if may and row.kind == ObjectKind.SITE else None,
        "rhythm": _rhythm_form(row) if may and row.kind != ObjectKind.LINE else None,
    }
    context = {
        "page_title": f"{row.name} 隶属与状态",
        "row": row,
        "address": address_of(row),
        "story": queries.placement_story(row),
        "label_story": queries.label_story(queries.site_by_id(row.pk)) if row.kind == ObjectKind.SITE else [],
        "windows": queries.windows_of(row)[:20],
        "beats": row.kind != ObjectKind.LINE,
        "usual": {"period_s": settings.BEAT_PERIOD_S, "grace_s": settings.BEAT_GRACE_S},
        "may_announce": row.lifecycle == Lifecycle.IN_SERVICE and request.actor.covers(Permission.PLAN_MAINTENANCE, row.division.path),
    }
    return render(request, "network/service.html", context | forms | told, status=400 if told else 200)


def _rhythm_form(row: ManagedObject) -> RhythmForm:
    return RhythmForm(initial={"period_s": row.period_s, "grace_s": row.grace_s})


def _labels_form(row: ManagedObject) -> LabelsForm:
    site = queries.site_by_id(row.pk)
    now = {"site_kind": site.site_kind, "access_mode": site.access_mode, "programmes": site.programmes}
    return LabelsForm(initial=now | {"on": clock.today()})


@door(Permission.IMPORT_REGISTER)
def service_turn(request: ActingRequest, code: str) -> HttpResponseBase:
    """Suspend, resume or retire."""
    row = _visible(code, request)
    form = ServiceForm(request.POST or None, turns=TURNS.get(row.lifecycle, []))
    done = act_on(form, lambda told: _turn(row, told, request))
    return _done(request, row) if done else _page(request, row, turn=form)


def _turn(row: ManagedObject, told: dict[str, Any], request: ActingRequest) -> None:
    common: dict[str, Any] = {"subject": row, "by": request.actor, "on": told["on"], "at": clock.now()}
    if told["turn"] == "suspend":
        commands.suspend_object(document=told["document"], **common)
    elif told["turn"] == "resume":
        commands.resume_object(**common)
    else:
        commands.retire_object(document=told["document"], **common)


@door(Permission.IMPORT_REGISTER)
def service_move(request: ActingRequest, code: str) -> HttpResponseBase:
    """Move the object to another place."""
    row = _visible(code, request)
    form = PlaceForm(request.POST or None)
    done = act_on(form, lambda told: _move(row, told, request))
    return _done(request, row) if done else _page(request, row, place=form)


def _move(row: ManagedObject, told: dict[str, Any], request: ActingRequest) -> None:
    division = division_by_code(told["division"], on=clock.today())
    commands.move_object(subject=row, division=division, by=request.actor, on=told["on"], at=clock.now())


@door(Permission.IMPORT_REGISTER)
def service_labels(request: ActingRequest, code: str) -> HttpResponseBase:
    """Say what the site is, from a day on."""
    row = _visible(code, request)
    if row.kind != ObjectKind.SITE:
        raise NotFound("只有终端站点有类型和接入方式")
    form, site = LabelsForm(request.POST or None), queries.site_by_id(row.pk)
    done = act_on(form, lambda told: commands.relabel_site(site=site, **told, by=request.actor, at=clock.now()))
    return _done(request, row) if done else _page(request, row, labels=form)


@door(Permission.IMPORT_REGISTER)
def service_rhythm(request: ActingRequest, code: str) -> HttpResponseBase:
    """Set how often the object beats and how late it may be."""
    row = _visible(code, request)
    form = RhythmForm(request.POST or None)
    done = act_on(form, lambda told: commands.set_rhythm(subject=row, **told, by=request.actor, at=clock.now()))
    return _done(request, row) if done else _page(request, row, rhythm=form)


def _done(request: ActingRequest, row: ManagedObject) -> HttpResponseBase:
    messages.success(request, _("已办理，并记入操作日志。"))
    return redirect("network:service", code=row.code)


def _story(row: ManagedObject) -> str:
    return reverse("network:service", args=[row.code])


COLUMNS: tuple[Column[Any], ...] = (
    Column(
        "站点", lambda p: p.object.name, link=lambda p: reverse("network:service", args=[p.object.code]), order=("object__name",), width=24
    ),
    Column("编号", lambda p: p.object.code, order=("object__code",), width=18),
    Column("状态", lambda p: p.get_lifecycle_display(), badge=lambda p: "grey", order=("lifecycle",), width=8),
    Column("所在区划", lambda p: p.division.name, order=("division__path",), width=18),
    Column("依据文件", lambda p: p.document or "—", order=("document",), width=30),
    Column("自", lambda p: p.valid_from, order=("valid_from",), width=12),
    Column("至", lambda p: p.valid_to or "", order=("valid_to",), width=12),
    Column("天数", lambda p: ((p.valid_to or clock.today()) - p.valid_from).days, width=8),
)


@door(Permission.SEE_NETWORK)
def suspended(request: ActingRequest) -> HttpResponseBase:
    """Sites that are or were out of the denominator, each with the decision and its days (OPS19)."""
    actor = request.actor
    page = ListPage[Any](
        title="停用与退役站点",
        rows=queries.suspended_sites(seen_paths(actor)),
        columns=COLUMNS,
        empty="没有停用过的站点。站点只有凭文件停用才不计入畅通率；在站点的“隶属与状态”页办理。",
        search=("object__name", "object__code", "document"),
        search_hint="名称、编号或文号",
        filters=[
            *division_filter(actor, request.GET.get("division", "")),
            county_filter(actor),
            Filter(
                "when",
                "时间",
                [("now", "仍不计入"), ("over", "已经恢复")],
                lambda rows, value: rows.filter(valid_to__isnull=value == "now"),
            ),
            Filter("kind", "状态", [("suspended", "停用"), ("retired", "退役")], lambda rows, value: rows.filter(lifecycle=value)),
        ],
        lead="不计入畅通率的站点，每个都有依据文件和日期；停用期间的时间在畅通率旁另列。",
    )
    return respond(request, page)
