"""Agreements, the official calendar, duty, and urging sheets that wait for a person's decision."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.faults import commands
from yuanjiao.faults.inputs import AgreementForm, CalendarForm, DecideForm, DutyForm, HoursForm
from yuanjiao.faults.models import Agreement, Urging
from yuanjiao.faults.queries import agreements as queries
from yuanjiao.faults.queries.messages import messages_of_sheet
from yuanjiao.faults.rules.calendar import EXPIRY_WARNING_DAYS, ends_soon
from yuanjiao.items.queries import colour_now
from yuanjiao.items.rules import COLOUR_NAMES, grouped_code
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import people_rows, within
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import units
from yuanjiao.places.rules import Chain, Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.middleware import status_of

PROPOSED = 300
"""Units in the list a browser proposes from; any other is typed in full."""
DECISIONS = [("open", _("待批准")), ("sent", _("已批准")), ("dropped", _("不发"))]


@door(Permission.SEE_ORDERS)
def agreement_list(request: ActingRequest) -> HttpResponseBase:
    """Agreements of the person's area, the soonest to end first (OPS16)."""
    today = clock.today()
    ending = queries.agreements_ending(request.actor, today).count()

    def state(row: Agreement) -> str:
        if row.valid_to < today:
            return _("已到期")
        if row.valid_from > today:
            return _("未生效")
        return _("%d 天后到期") % (row.valid_to - today).days if ends_soon(row.valid_to, today) else _("有效")

    def colour(row: Agreement) -> str:
        return "red" if row.valid_to < today else "yellow" if ends_soon(row.valid_to, today) else "green"

    page = ListPage[Agreement](
        title=_("维护协议"),
        rows=queries.agreements_seen_by(request.actor),
        columns=[
            Column(_("编号"), lambda a: a.number, link=lambda a: reverse("faults:agreement", args=[a.uid]), order=("number",)),
            Column(_("名称"), lambda a: a.title, width=30),
            Column(_("甲方"), lambda a: a.client.name, width=24),
            Column(_("乙方"), lambda a: a.operator.name, width=24),
            Column(_("地区"), lambda a: a.division.name),
            Column(_("生效"), lambda a: a.valid_from, order=("valid_from",)),
            Column(_("到期"), lambda a: a.valid_to, order=("valid_to",)),
            Column(_("情况"), state, badge=colour),
        ],
        search=("number", "title", "operator__name", "client__name"),
        search_hint=_("编号、名称、单位"),
        actions=[(_("登记协议"), reverse("faults:agreement_new"))] if request.actor.holds(Permission.IMPORT_REGISTER) else [],
        lead=_("%(n)d 份协议在 %(d)d 天内到期或已到期，还没有续签") % {"n": ending, "d": EXPIRY_WARNING_DAYS} if ending else "",
        empty=_("没有登记维护协议。没有协议的地区按“故障设置”里的服务时限。"),
    )
    return respond(request, page)


@door(Permission.IMPORT_REGISTER)
def agreement_new(request: ActingRequest) -> HttpResponse:
    """Enter an agreement."""
    own = units(on=clock.today()).filter(within("division__path", request.actor.paths(Permission.IMPORT_REGISTER)))
    own = own.filter(division__level__lte=Level.COUNTY)
    clients, operators = own.exclude(chain=Chain.OPERATOR), own.filter(chain=Chain.OPERATOR)
    form = AgreementForm(request.POST or None, clients=clients, operators=operators)
    if request.method == "POST" and form.is_valid():
        try:
            row = commands.sign_agreement(by=request.actor, at=clock.now(), **form.cleaned_data)
            messages.success(request, _("协议已登记，请写各类故障的时限。"))
            return redirect("faults:agreement", row.uid)
        except Refused as error:
            form.add_error(None, error.message)
    context = {
        "page_title": _("登记协议"),
        "form": form,
        "back": reverse("faults:agreement_list"),
        "back_title": _("维护协议"),
        "proposed": [("clients", clients[:PROPOSED]), ("operators", operators[:PROPOSED])],
    }
    return render(request, "faults/form.html", context, status=400 if form.errors else 200)


@door(Permission.SEE_ORDERS)
def agreement(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One agreement with what it promises; POST enters the hours of one class and area."""
    found = queries.agreement_seen_by(request.actor, str(uid))
    may = request.actor.covers(Permission.IMPORT_REGISTER, found.division.path)
    form, status = HoursForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        try:
            commands.promise_hours(agreement=found, by=request.actor, at=clock.now(), **form.cleaned_data)
            messages.success(request, _("已保存，今后派出的工单按新时限。"))
            return redirect("faults:agreement", uid)
        except Refused as error:
            form.add_error(None, error.message)
            status = status_of(error)
    context = {
        "page_title": found.title,
        "agreement": found,
        "hours": list(found.hours.all()),
        "form": form if may else None,
        "soon": ends_soon(found.valid_to, clock.today()),
        "left": (found.valid_to - clock.today()).days,
    }
    return render(request, "faults/agreement.html", context, status=400 if form.errors and status == 200 else status)


@door(Permission.SEE_ORDERS)
def calendar(request: ActingRequest) -> HttpResponse:
    """The official holidays and working weekends of a year; POST takes an arrangement over."""
    today, may = clock.today(), request.actor.holds(Permission.IMPORT_REGISTER)
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isdecimal() and 2000 <= int(asked) <= 2100 else today.year
    form = CalendarForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            count = commands.enter_calendar(by=request.actor, at=clock.now(), **form.cleaned_data)
            messages.success(request, _("已登记 %d 天。") % count)
            return redirect(reverse("faults:calendar") + f"?year={year}")
        except Refused as error:
            form.add_error(None, error.message)
            status = status_of(error)
    days = list(queries.calendar_days(year))
    years = range(today.year - 1, today.year + 3)
    context = {"page_title": _("工作日历"), "days": days, "year": year, "years": years, "form": form if may else None}
    return render(request, "faults/calendar.html", context, status=400 if form.errors and status == 200 else status)


@door(Permission.SEE_ORDERS)
def duty(request: ActingRequest) -> HttpResponse:
    """Who is on duty from today on; POST enters a turn (OPS21): whoever orders the duty and may see people."""
    today, paths = clock.today(), request.actor.paths(Permission.VERIFY_ORDER)
    may = bool(paths) and request.actor.holds(Permission.SEE_PEOPLE)
    if request.method == "POST":
        request.actor.require(Permission.SEE_PEOPLE)
    own = units(on=today).filter(within("division__path", paths))
    people = people_rows().filter(within("unit__division__path", request.actor.paths(Permission.SEE_PEOPLE)))
    form = DutyForm(request.POST or None, units=own, people=people)
    if request.method == "POST" and form.is_valid():
        try:
            data = form.cleaned_data
            commands.enter_duty(by=request.actor, at=clock.now(), **data)
            messages.success(request, _("值班已登记。"))
            return redirect("faults:duty")
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
    turns = list(queries.duty_turns(request.actor.paths(Permission.SEE_ORDERS), today)[:200])
    context = {"page_title": _("值班表"), "turns": turns, "today": today, "form": form if may else None, "units": own[:PROPOSED]}
    return render(request, "faults/duty.html", context, status=400 if form.errors else 200)


@door(Permission.SEE_ORDERS, Permission.SEE_ITEMS)
def urging_list(request: ActingRequest) -> HttpResponseBase:
    """Urging sheets of the person's area: what waits for a decision first in mind."""
    at = clock.now()
    rows = queries.urgings_seen_by(request.actor)
    waiting = rows.filter(approved=None).count()
    page = ListPage[Urging](
        title=_("催办单"),
        rows=rows,
        columns=[
            Column(_("事项"), lambda u: u.item.title, link=lambda u: reverse("faults:urging", args=[u.pk]), width=30),
            Column(_("编号"), lambda u: grouped_code(u.item.code), width=12),
            Column(_("时限"), lambda u: COLOUR_NAMES[colour_now(u.item, at)], badge=lambda u: colour_now(u.item, at) or None),
            Column(_("承办单位"), lambda u: u.item.lead_unit.name if u.item.lead_unit else "", width=22),
            Column(_("送达"), lambda u: _("值班人") if u.on_duty else u.get_rung_display()),
            Column(_("姓名"), lambda u: u.person.name),
            Column(_("单位"), lambda u: u.person.unit.name, width=22),
            Column(_("拟稿"), lambda u: u.drafted_at, width=17),
            Column(_("审批"), _decision, badge=lambda u: "yellow" if u.approved is None else "green" if u.approved else "grey"),
            Column(_("审批人"), lambda u: u.decided_by),
        ],
        filters=[Filter("decision", _("审批"), DECISIONS, _by_decision)],
        lead=_("%d 张待批准") % waiting if waiting else "",
        notes=[_("系统只拟稿；经人批准才送出，谁批准的记入操作日志")],
        empty=_("没有催办单。事项超过时限后，系统会拟稿送直接责任人；再超一天，拟稿送第一责任人。"),
    )
    return respond(request, page)


def _decision(urging: Urging) -> str:
    return _("待批准") if urging.approved is None else _("已批准") if urging.approved else _("不发")


def _by_decision(rows: object, value: str) -> object:
    wanted = {"open": None, "sent": True, "dropped": False}
    return rows.filter(approved=wanted[value]) if value in wanted else rows  # type: ignore[attr-defined]


@door(Permission.SEE_ORDERS, Permission.SEE_ITEMS)
def urging(request: ActingRequest, pk: int) -> HttpResponse:
    """One sheet as it is printed; POST approves or drops it."""
    found = queries.urging_seen_by(request.actor, pk)
    form = DecideForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        approved = request.POST.get("decision") == "send"
        try:
            commands.decide_urging(urging=found, approved=approved, by=request.actor, at=clock.now(), **form.cleaned_data)
            messages.success(request, _("已批准，请送达。") if approved else _("已定为不发。"))
            return redirect("faults:urging", pk)
        except (Refused, Conflict) as error:
            messages.error(request, error.message)
            found, status = queries.urging_seen_by(request.actor, pk), status_of(error)
    context = {
        "page_title": _("催办单"),
        "urging": found,
        "form": form if queries.may_decide(found, request.actor) else None,
        "sent": messages_of_sheet(found),
    }
    return render(request, "faults/urging.html", context, status=status)
