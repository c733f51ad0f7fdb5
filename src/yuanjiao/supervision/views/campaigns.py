"""Campaigns: the list, one being prepared, and the page of one on which it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import own_unit_first
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.inputs import CampaignForm, month_from
from yuanjiao.supervision.models import Campaign
from yuanjiao.supervision.queries.figures import together_compared
from yuanjiao.supervision.rules import AT_WORK, LINE_NAMES, STATE_NAMES, CampaignState, Tally, chart, together
from yuanjiao.supervision.views.scope import all_units, found, opened, own_places, own_units, seen, sends
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.middleware import status_of

BADGES = {CampaignState.RUNNING: "blue", CampaignState.REVIEW: "yellow", CampaignState.CLOSED: "green"}
NAMED = 20
"""So many of what holds up the closing are named on the page; the lists have them all."""
ACTS: dict[str, tuple[str, CampaignState, Callable[..., Campaign]]] = {
    "start": ("启动并固定基线", CampaignState.PLANNED, commands.start_campaign),
    "review": ("转入复核", CampaignState.RUNNING, commands.begin_review),
    "close": ("结束并固定结果", CampaignState.REVIEW, commands.close_campaign),
}


@door(Permission.SEE_ITEMS)
def campaign_list(request: ActingRequest) -> HttpResponseBase:
    """Every campaign that touches the reader's subtree."""
    may_open = request.actor.holds(Permission.OPEN_CAMPAIGN)
    page: ListPage[Campaign] = ListPage(
        title=_("专项行动"),
        rows=queries.campaigns_seen_by(request.actor),
        columns=[
            Column(_("名称"), lambda row: row.title, link=lambda row: opened("campaign", row), order=("title",), width=30),
            Column(
                _("状态"),
                lambda row: row.get_state_display(),
                badge=lambda row: BADGES.get(CampaignState(row.state), "grey"),
                order=("state",),
            ),
            Column(_("范围"), lambda row: "、".join(scope.name for scope in row.scopes.all()), width=24),
            Column(_("开始"), lambda row: row.starts_on, order=("starts_on",)),
            Column(_("结束"), lambda row: row.ends_on, order=("ends_on",)),
            Column(_("组织单位"), lambda row: row.unit.name, width=24),
            Column(_("依据"), lambda row: row.document, width=24),
        ],
        empty=_("还没有专项行动。市级管理员可以点“筹备专项行动”，定下范围、起止和目标。") if may_open else _("还没有涉及本地的专项行动。"),
        search=("title", "document"),
        search_hint=_("名称或文号"),
        filters=[
            Filter(
                "state", _("状态"), [(one.value, name) for one, name in STATE_NAMES.items()], lambda rows, value: rows.filter(state=value)
            )
        ],
        actions=[(_("筹备专项行动"), reverse("supervision:campaign_new"))] if may_open else [],
    )
    return respond(request, page)


@door(Permission.OPEN_CAMPAIGN)
def campaign_new(request: ActingRequest) -> HttpResponseBase:
    """Prepare a campaign; one month from today is proposed."""
    form = CampaignForm(request.POST or None, places=own_places(request.actor), initial=month_from(clock.today()))
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("supervision:campaign", _open(request, form).uid)
        except Refused as error:
            form.add_error(None, error.message)
            status = status_of(error)
    context = {
        "page_title": _("筹备专项行动"),
        "form": form,
        "button": _("保存"),
        "back": reverse("supervision:campaign_list"),
        "back_title": _("专项行动"),
    }
    return render(request, "supervision/form.html", context, status=400 if form.errors and status == 200 else status)


def _open(request: ActingRequest, form: CampaignForm) -> Campaign:
    mine = own_unit_first(all_units().filter(pk__in=own_units(request.actor)), request.actor)
    unit = next((one for one in mine if request.actor.covers(Permission.OPEN_CAMPAIGN, one.division.path)), None)
    if unit is None:
        raise Refused(_("您没有可以组织专项行动的单位"))
    plain = {name: form.cleaned_data[name] for name in ("title", "document", "starts_on", "ends_on", "plan_due_on")}
    return commands.open_campaign(
        unit=unit, places=form.cleaned_data["scope"], targets=form.targets(), by=request.actor, at=clock.now(), **plain
    )


@dataclass(frozen=True)
class Row:
    """One county of the page: how far it is, what its rate was and is, who answers on both sides, which lines have been there."""

    code: str
    name: str
    tally: Tally
    compared: Any
    home: str
    operator: str
    lines: list[int]


@door(Permission.SEE_ITEMS)
def campaign(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One campaign as far as the reader's subtree goes; whoever runs it takes it to its next state here."""
    row = found(request, uid)
    if request.method != "POST":
        return _page(request, row)
    if request.POST.get("act", "") not in ACTS:
        raise Refused(_("不认识的操作"))
    name, _from, act = ACTS[request.POST["act"]]
    request.actor.require(Permission.OPEN_CAMPAIGN, row.unit.division.path)
    try:
        act(campaign=row, by=request.actor, at=clock.now())
    except Refused as error:
        messages.error(request, error.message)
        return _page(request, found(request, uid), status=status_of(error))
    messages.success(request, _("已办理：%s") % name)
    return redirect("supervision:campaign", uid)


def _page(request: ActingRequest, row: Campaign, status: int = 200) -> HttpResponse:
    actor, paths, at = request.actor, seen(request.actor), clock.now()
    lines = queries.tallies(row, paths)
    compared = queries.compared(row, paths)
    context = {
        "page_title": row.title,
        "campaign": row,
        "rows": _rows(row, paths, lines, {one.code: one for one in compared}, at),
        "total": together(line.tally for line in lines),
        "whole": together_compared(compared, row),
        "line_names": list(LINE_NAMES.values()),
        "targets": queries.targets_now(row),
        "curve": _curve(row, paths),
        "planless": list(queries.planless(row, paths)[:NAMED]),
        "gaps": _gaps(row, actor),
        "acts": [(key, title) for key, (title, state, _act) in ACTS.items() if state == row.state] if sends(actor, row) else [],
        "sends": sends(actor, row) and row.state in AT_WORK,
        "rule": queries.rule_of(row).sentence if row.rule_version else "",
        "today": clock.today(),
        "lists": {
            name: opened(name, row)
            for name in ("object_list", "problem_list", "visit_list", "day_list", "plan_list", "draw_list", "inspector_list")
        },
    }
    return render(request, "supervision/campaign.html", context, status=status)


def _rows(row: Campaign, paths: tuple[str, ...], lines: list[queries.CountyLine], compared: dict[str, Any], at: datetime) -> list[Row]:
    people = queries.answering_by_county([line.code for line in lines], clock.local_day(at))
    covered = queries.coverage(row, paths)
    return [
        Row(
            line.code, line.name or row.unit.division.name, line.tally, compared.get(line.code), "、".join(people[line.code, False]),
            "、".join(people[line.code, True]), [covered.get((line.code, one), 0) for one in LINE_NAMES],
        )
        for line in lines
    ]  # fmt: skip


def _curve(row: Campaign, paths: tuple[str, ...]) -> dict[str, Any] | None:
    """The nights as two lines: what is not inspected, what is open."""
    days = list(queries.days_of(row, paths).order_by("day").values_list("day").annotate(Sum("population"), Sum("inspected"), Sum("open")))
    if not days:
        return None
    lines, top = chart(
        [day for day, *_sums in days],
        [(_("未检查"), [every - done for _day, every, done, _open in days]), (_("未办结"), [one[3] for one in days])],
    )
    return {"lines": lines, "top": top, "first": days[0][0], "last": days[-1][0]}


def _gaps(row: Campaign, actor: Actor) -> dict[str, Any] | None:
    """What holds up the closing, by name, for whoever may read it."""
    if row.state not in AT_WORK:
        return None
    bare = queries.frozen_objects(row, seen(actor)).filter(inspected_at=None)
    unowned = queries.problems_seen_by(actor, row).filter(queries.unowned())
    return {"bare": list(bare[:NAMED]), "unowned": list(unowned[:NAMED])}
