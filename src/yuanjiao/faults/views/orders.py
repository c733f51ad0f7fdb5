"""Work orders: the list, and the page of one order on which everything is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.faults import commands, queries
from yuanjiao.faults.inputs import DispatchForm, ExtendForm, ReasonForm, SubmitForm, VerifyForm
from yuanjiao.faults.models import CHANNELS, CLASSES, WorkOrder
from yuanjiao.faults.queries.orders import orders_of_sites
from yuanjiao.faults.rules import CLASS_NAMES, FaultClass
from yuanjiao.faults.views.scope import county_code, county_filter, county_names
from yuanjiao.items.models import STATES
from yuanjiao.items.queries import acts_open_to, colour_filter, colour_now, happened_since, story, verifications
from yuanjiao.items.rules import (
    ACT_NAMES,
    COLOUR_NAMES,
    ENDED,
    STATE_NAMES,
    Act,
    Colour,
    State,
    clean_code,
    grouped_code,
    one_at_a_time,
)
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.queries import outage, state_now, upstream
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import masked_phone, phone_of, responsible_for, within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.queries import full_name, units
from yuanjiao.places.rules import Chain
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.middleware import status_of

PROPOSED = 300
"""Units in the list a browser proposes from; any other is typed in full."""
STATE_BADGES: dict[str, str] = {State.CLOSED: "green", State.VERIFIED: "green", State.CANCELLED: "grey", State.SUBMITTED: "blue"}


def class_name(order: WorkOrder) -> str:
    """The class found at the repair, else the proposed one with a question mark."""
    return CLASS_NAMES[FaultClass(order.fault_class)] if order.fault_class else f"{CLASS_NAMES[FaultClass(order.proposed_class)]}？"


@door(Permission.SEE_ORDERS)
def order_list(request: ActingRequest) -> HttpResponseBase:
    """Orders of the person's area; open ones first in mind, every state by filter."""
    at, names = clock.now(), county_names()
    rows = queries.orders_seen_by(request.actor)
    page = ListPage[WorkOrder](
        title=_("故障工单"),
        rows=rows,
        columns=_columns(at, names),
        search=("item__code", "subject__name", "subject__code", "item__title"),
        search_hint=_("工单号、站点或线路名称、编号"),
        filters=_filters(request, at),
        actions=[(_("申报故障"), reverse("faults:report_new"))] if request.actor.holds(Permission.FILE_FAULT) else [],
        lead=_colour_line(rows, at),
        notes=[_("时限自派单起算；蓝：临期（剩余不足三分之一），黄：滞后（超过响应时限未签收或退回返工），红：超过修复时限")],
        empty=_("没有工单。中断超过约定时间或有人申报，系统会自动开单派给运营商。"),
    )
    return respond(request, page)


def _colour_line(rows: Any, at: datetime) -> str:
    counts = queries.colour_counts(rows, at)
    return "　".join(f"{COLOUR_NAMES[colour]} {count}" for colour, count in reversed(counts.items()))


def _columns(at: datetime, names: dict[str, str]) -> list[Column[WorkOrder]]:
    def badge(order: WorkOrder) -> str | None:
        return colour_now(order.item, at) or None

    def state_badge(order: WorkOrder) -> str:
        return STATE_BADGES.get(order.item.state, "grey")

    def unit_name(order: WorkOrder) -> str:
        return order.item.lead_unit.name if order.item.lead_unit else _("待派")

    return [
        Column(_("工单号"), lambda o: grouped_code(o.item.code), link=lambda o: reverse("faults:order", args=[o.item.code]), width=12),
        Column(_("故障对象"), lambda o: o.subject.name, order=("subject__name",), width=24),
        Column(_("县"), lambda o: names.get(county_code(o.item.division.path), ""), order=("item__division__path",)),
        Column(_("类别"), class_name, order=("fault_class", "proposed_class"), width=20),
        Column(_("状态"), lambda o: o.item.get_state_display(), badge=state_badge, order=("item__state",)),
        Column(_("时限"), lambda o: COLOUR_NAMES[colour_now(o.item, at)], badge=badge),
        Column(_("应修复"), lambda o: o.item.due_at, order=("item__due_at",), width=17),
        Column(_("派单"), lambda o: o.item.issued_at, order=("item__issued_at",), width=17),
        Column(_("承办单位"), unit_name, order=("item__lead_unit__name",), width=22),
        Column(_("来源"), lambda o: o.get_raised_by_display(), order=("raised_by",)),
    ]


def _filters(request: ActingRequest, at: datetime) -> list[Filter]:
    return [
        Filter("state", _("状态"), [("open", _("未办结")), *STATES], _by_state),
        Filter(
            "colour",
            _("时限"),
            [(colour.value, COLOUR_NAMES[colour]) for colour in (Colour.RED, Colour.YELLOW, Colour.BLUE)],
            lambda rows, value: rows.filter(colour_filter(value, at, "item__")),
        ),
        Filter("class", _("类别"), CLASSES, _by_class),
        county_filter(request.actor, "item__division__path"),
        Filter("source", _("来源"), CHANNELS, lambda rows, value: rows.filter(raised_by=value)),
    ]


def _by_state(rows: Any, value: str) -> Any:
    return rows.exclude(item__state__in=ENDED) if value == "open" else rows.filter(item__state=value)


def _by_class(rows: Any, value: str) -> Any:
    return rows.filter(fault_class=value) | rows.filter(fault_class="", proposed_class=value)


@dataclass
class Panel:
    """One act on the order's page with its form (None: a bare button)."""

    act: str
    title: str
    form: forms.Form | None
    primary: bool


PANEL_TITLES = {Act.VERIFY: "核实（三问三答）"}
PRIMARY = {Act.ACCEPT, Act.START, Act.SUBMIT, Act.VERIFY, Act.CLOSE, Act.ISSUE}


@door(Permission.SEE_ORDERS)
def order(request: ActingRequest, code: str) -> HttpResponse:
    """One order: what is broken, who answers, what was done, and what this person may do now."""
    found = queries.order_by_code(clean_code(code), request.actor)
    if request.method != "POST":
        return _order_page(request, found)
    act = request.POST.get("act", "")
    if act == "dial":
        return _dial(request, found)
    if act not in DO:
        raise Refused(_("不认识的操作"))
    form = _form_of(Act(act), found, request.actor, request.POST)
    if (seen := request.POST.get("seen", "")).isdecimal() and int(seen) != found.item.step_count:
        return _overtaken(request, found, Act(act), form, int(seen))
    if form is not None and not form.is_valid():
        return _order_page(request, found, bound={act: form}, status=400)
    try:
        one_at_a_time(request.POST.getlist("code") or [found.item.code])
        DO[Act(act)](found, form.cleaned_data if form else {}, form, request.actor, clock.now())
    except (Refused, Conflict) as error:
        again = queries.order_by_code(found.item.code, request.actor)
        if isinstance(error, Conflict) and seen.isdecimal() and again.item.step_count != int(seen):
            return _overtaken(request, again, Act(act), form, int(seen))
        messages.error(request, error.message)
        unsent = _written(form) if isinstance(error, Conflict) else []
        return _order_page(request, again, bound={act: form} if form else {}, status=status_of(error), unsent=unsent)
    messages.success(request, _("已办理：%s") % ACT_NAMES[Act(act)])
    return redirect("faults:order", found.item.code)


def _written(form: forms.Form | None) -> list[tuple[str, str]]:
    """What the person had written when somebody else was faster: it stays on the page until they have seen what changed."""
    if form is None:
        return []
    texts = [(str(field.label), str(form.cleaned_data.get(name) or "")) for name, field in form.fields.items()]
    return [(label, text) for label, text in texts if text]


def _overtaken(request: ActingRequest, found: WorkOrder, act: Act, form: forms.Form | None, seen: int) -> HttpResponse:
    """Somebody was faster: what happened since, what was about to be done, and the choice. Nothing has been written."""
    names = [name for name in request.POST if name not in {"csrfmiddlewaretoken", "seen"}]
    context = {
        "page_title": _("这张工单刚刚有人办理过"),
        "item": found.item,
        "address": reverse("faults:order", args=[found.item.code]),
        "happened": happened_since(found.item, seen),
        "act_name": ACT_NAMES[act],
        "sent": [(name, value) for name in names for value in request.POST.getlist(name)],
        "said": [(field.label, field.value()) for field in form.visible_fields() if field.value()] if form else [],
        "possible": act in acts_open_to(found.item, request.actor),
    }
    return render(request, "items/conflict.html", context, status=409)


Doing = Callable[[WorkOrder, dict[str, Any], Any, Any, datetime], object]
DO: dict[Act, Doing] = {
    Act.ISSUE: lambda order, data, form, by, at: commands.dispatch_order(order=order, unit=data["unit"], by=by, at=at),
    Act.ACCEPT: lambda order, data, form, by, at: commands.accept_order(order=order, by=by, at=at),
    Act.DECLINE: lambda order, data, form, by, at: commands.decline_order(order=order, reason=data["reason"], by=by, at=at),
    Act.START: lambda order, data, form, by, at: commands.start_order(order=order, by=by, at=at),
    Act.SUBMIT: lambda order, data, form, by, at: commands.submit_order(order=order, by=by, at=at, **data),
    Act.RETURN: lambda order, data, form, by, at: commands.return_order(order=order, reason=data["reason"], by=by, at=at),
    Act.VERIFY: lambda order, data, form, by, at: commands.verify_order(order=order, answers=form.answers(), by=by, at=at),
    Act.CLOSE: lambda order, data, form, by, at: commands.close_order(order=order, by=by, at=at),
    Act.REOPEN: lambda order, data, form, by, at: commands.reopen_order(order=order, reason=data["reason"], by=by, at=at),
    Act.EXTEND: lambda order, data, form, by, at: commands.extend_order(order=order, by=by, at=at, **data),
    Act.CANCEL: lambda order, data, form, by, at: commands.cancel_order(order=order, reason=data["reason"], by=by, at=at),
}


def _form_of(act: Act, order: WorkOrder, actor: Actor, data: Any = None) -> forms.Form | None:
    if act in {Act.ACCEPT, Act.START, Act.CLOSE}:
        return None
    if act is Act.ISSUE:
        lead = order.item.lead_unit
        return DispatchForm(data, units=_operators(actor), initial={"unit": lead.name if lead else ""})
    if act is Act.SUBMIT:
        return SubmitForm(data, order=order)
    if act is Act.VERIFY:
        return VerifyForm(data, order=order, check=queries.acceptance_check(order, at=clock.now()))
    return ExtendForm(data) if act is Act.EXTEND else ReasonForm(data)


def _operators(actor: Actor) -> QuerySet[OrgUnit]:
    own = within("division__path", actor.paths(Permission.DISPATCH_ORDER))
    return units(on=clock.today()).filter(own, chain=Chain.OPERATOR)


def _panels(order: WorkOrder, request: ActingRequest, bound: dict[str, Any]) -> list[Panel]:
    """The acts open to this person, the usual one first."""
    panels = []
    for act in acts_open_to(order.item, request.actor):
        form = bound.get(act) or _form_of(act, order, request.actor)
        panels.append(Panel(act, PANEL_TITLES.get(act, ACT_NAMES[act]), form, act in PRIMARY))
    return sorted(panels, key=lambda panel: not panel.primary)


def _dial(request: ActingRequest, order: WorkOrder) -> HttpResponse:
    """Show one responsible person's whole number to somebody who must call; who looked is written down."""
    wanted = request.POST.get("person", "")
    person = next((r.person for r in _responsible(order) if str(r.person.uid) == wanted), None)
    if person is None:
        raise Refused(_("该人员不是这张工单的责任人"))
    at = clock.now()
    write_audit(by=request.actor, action="查看责任人电话", subject=f"工单 {order.item.code}", at=at, detail=person.name)
    return _order_page(request, order, revealed={wanted: phone_of(person)})


def _responsible(order: WorkOrder) -> list[Any]:
    return list(responsible_for(order.subject.division, on=clock.today(), object_code=order.subject.code))


def _order_page(
    request: ActingRequest,
    order: WorkOrder,
    *,
    bound: dict[str, Any] | None = None,
    revealed: dict[str, str] | None = None,
    status: int = 200,
    unsent: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    at, item = clock.now(), order.item
    people = [(r, (revealed or {}).get(str(r.person.uid), ""), masked_phone(r.person)) for r in _responsible(order)]
    context = {
        "page_title": f"{order.subject.name}",
        "order": order,
        "item": item,
        "spoken": grouped_code(item.code),
        "class_name": class_name(order),
        "state_name": STATE_NAMES[State(item.state)],
        "colour": colour_now(item, at),
        "colour_name": COLOUR_NAMES[colour_now(item, at)],
        "late": item.due_at is not None and at > item.due_at,
        "address": full_name(order.subject.division),
        "site": getattr(order.subject, "site", None),
        "now": state_now([order.subject_id], at=at)[order.subject_id],
        "outage": outage(order.outage.uid) if order.outage else None,
        "chain": upstream(order.subject),
        "people": people,
        "panels": (panels := _panels(order, request, bound or {})),
        "units": _operators(request.actor)[:PROPOSED] if any(one.act == Act.ISSUE for one in panels) else [],
        "check": queries.acceptance_check(order, at=at) if item.state == State.SUBMITTED else None,
        "story": story(item),
        "verifications": verifications(item),
        "handlings": list(order.handlings.select_related("report").order_by("report__filed_at")),
        "earlier": list(orders_of_sites([order.subject.code]).exclude(pk=order.pk)[:5]),
        "at": at,
        "unsent": unsent,
    }
    return render(request, "faults/order.html", context, status=status)
