"""Problems of a campaign: the list with who answers, naming an owner, looking again at what was closed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.items.rules import ENDED, Act, State, clean_code, grouped_code
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.inputs import OwnerForm, RecheckForm
from yuanjiao.supervision.models import CampaignItem
from yuanjiao.supervision.rules import PROBLEM_NAMES
from yuanjiao.supervision.views.scope import all_units, county_filter, found, opened
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.middleware import status_of

STANDING = [("unowned", "没有责任人"), ("open", "未办结"), ("closed", "已销号"), ("spot", "当场整改"), ("failed", "复查未过")]
FORM = "supervision/form.html"


def _narrow(rows: object, value: str) -> object:
    chosen = {
        "unowned": lambda: rows.filter(queries.unowned()),  # type: ignore[attr-defined]
        "open": lambda: rows.exclude(item__state__in=ENDED),  # type: ignore[attr-defined]
        "closed": lambda: rows.filter(item__state=State.CLOSED),  # type: ignore[attr-defined]
        "spot": lambda: rows.filter(item__steps__act=Act.SETTLE),  # type: ignore[attr-defined]
        "failed": lambda: rows.filter(rechecks__passed=False).distinct(),  # type: ignore[attr-defined]
    }.get(value)
    return chosen() if chosen else rows


@door(Permission.SEE_ITEMS)
def problem_list(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """Every item that came of the campaign in the reader's subtree."""
    campaign = found(request, uid)
    page: ListPage[CampaignItem] = ListPage(
        title=_("行动问题"),
        rows=queries.problems_seen_by(request.actor, campaign),
        columns=[
            Column(_("编号"), lambda row: grouped_code(row.item.code), link=lambda row: reverse("items:item", args=[row.item.code])),
            Column(_("问题"), lambda row: row.item.title, width=34),
            Column(_("类别"), lambda row: row.get_kind_display(), order=("kind",)),
            Column(_("县"), lambda row: row.target.county_name, order=("target__county_code",)),
            Column(_("责任单位"), lambda row: row.item.lead_unit.name if row.item.lead_unit else "", width=24),
            Column(
                _("责任人"),
                lambda row: row.owner_name or _("待定"),
                badge=lambda row: None if row.is_answered else "red",
                link=lambda row: reverse("supervision:problem", args=[row.item.code]),
                order=("owner_name",),
            ),
            Column(
                _("状态"),
                lambda row: row.item.get_state_display(),
                order=("item__state",),
                badge=lambda row: "green" if row.item.state == State.CLOSED else None,
            ),
            Column(_("时限"), lambda row: row.item.due_at, order=("item__due_at",), width=18),
            Column(_("来源"), lambda row: row.visit.get_method_display() if row.visit else _("底数确认")),
            Column(_("重开"), lambda row: row.item.reopened_count, order=("item__reopened_count",)),
        ],
        empty=_("还没有问题。检查发现的、站点管理员在底数确认里写的，会逐件列在这里。"),
        search=("item__title", "item__code", "owner_name"),
        search_hint=_("问题、编号或责任人"),
        filters=[
            Filter("standing", _("办理"), STANDING, _narrow),
            Filter(
                "kind", _("类别"), [(one.value, name) for one, name in PROBLEM_NAMES.items()], lambda rows, value: rows.filter(kind=value)
            ),
            county_filter(campaign, request.actor, "target__county_code"),
        ],
        actions=[(campaign.title, opened("campaign", campaign))],
    )
    return respond(request, page)


@door(Permission.SEE_ITEMS)
def problem(request: ActingRequest, code: str) -> HttpResponse:
    """Who answers for one problem; whoever gives it out names a unit and a person here."""
    row = queries.problem_seen_by(request.actor, clean_code(code))
    may = request.actor.covers(Permission.ISSUE_ITEM, row.item.division.path) and row.item.state not in ENDED
    form = OwnerForm(request.POST or None, units=all_units()) if may else None
    status = 200
    if request.method == "POST":
        request.actor.require(Permission.ISSUE_ITEM, row.item.division.path)
        if form is None:
            raise Conflict(_("这件问题已经办结"))
        if form.is_valid():
            try:
                commands.name_owner(problem=row, by=request.actor, at=clock.now(), **form.cleaned_data)
                messages.success(request, _("责任单位和责任人已落实。"))
                return redirect("supervision:problem", row.item.code)
            except (Refused, Conflict) as error:
                form.add_error(None, error.message)
                status = status_of(error)
    context = {
        "page_title": row.item.title,
        "problem": row,
        "form": form,
        "rechecks": list(row.rechecks.order_by("pk")),
        "may_recheck": request.actor.covers(Permission.ISSUE_ITEM, row.item.division.path),
        "back": opened("problem_list", row.campaign),
    }
    return render(request, "supervision/problem.html", context, status=400 if form and form.errors and status == 200 else status)


@door(Permission.ISSUE_ITEM)
def recheck(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Look again at one closed problem that was drawn."""
    row = queries.recheck_seen_by(request.actor, uid)
    form, status = RecheckForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        try:
            passed = form.cleaned_data["passed"] == "yes"
            commands.record_recheck(recheck=row, passed=passed, note=form.cleaned_data["note"], by=request.actor, at=clock.now())
            messages.success(request, _("复查通过。") if passed else _("问题还在，已重新打开。"))
            return redirect("supervision:problem", row.problem.item.code)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
            status = status_of(error)
    context = {
        "page_title": _("复查：%s") % row.problem.item.title,
        "form": form if row.passed is None else None,
        "button": _("记下复查结果"),
        "lead": row.note,
        "back": reverse("supervision:draw", args=[row.draw.uid]),
        "back_title": _("抽取复查"),
    }
    return render(request, FORM, context, status=400 if form.errors and status == 200 else status)
