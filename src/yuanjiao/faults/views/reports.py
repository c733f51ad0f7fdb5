"""Filing a fault for one's own sites, the list of reports, and the page of one report: the receipt, then its progress."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.faults import commands, queries
from yuanjiao.faults.inputs import CallBackForm, ReportForm
from yuanjiao.faults.models import CHANNELS, SYMPTOMS, FaultReport, ReportHandling
from yuanjiao.faults.queries.reports import report_of
from yuanjiao.faults.queries.sites import site_in
from yuanjiao.faults.rules import Channel
from yuanjiao.faults.views.scope import county_code, county_filter, county_names
from yuanjiao.items.rules import STATE_NAMES, State, grouped_code
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network.models import Site
from yuanjiao.network.queries import sites_in
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Actor, Permission, Role
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.middleware import status_of


@door(Permission.FILE_FAULT)
def report_new(request: ActingRequest) -> HttpResponseBase:
    """File a fault at ?site=; a person with one site is not asked which."""
    paths = request.actor.paths(Permission.FILE_FAULT)
    code = request.GET.get("site", "")
    site = site_in(paths, code) if code else _only_site(paths)
    if code and site is None:
        raise NotFound(_("没有这个站点，或不在您负责的范围内"))
    return _choose_site(request, paths) if site is None else _file_at(request, site)


def _only_site(paths: tuple[str, ...]) -> Site | None:
    first = list(sites_in(paths)[:2])
    return first[0] if len(first) == 1 else None


def _choose_site(request: ActingRequest, paths: tuple[str, ...]) -> HttpResponseBase:
    text = request.GET.get("q", "")
    rows = queries.find_sites(text, paths) if text else sites_in(paths)
    page = ListPage[Site](
        title=_("申报故障：选站点"),
        rows=rows,
        columns=[
            Column(_("站点"), lambda one: one.name, link=lambda one: f"?site={one.code}", order=("name",), width=24),
            Column(_("编号"), lambda one: one.code, order=("code",), width=20),
            Column(_("所在地"), lambda one: one.division.name, order=("division__path",), width=20),
        ],
        search=("name", "code", "pinyin", "division__name"),
        search_hint=_("站点名称、编号或拼音首字母"),
        empty=_("您负责的范围内没有站点。请市级管理员在台账里导入站点，或核对您的任职单位。"),
        export=False,
    )
    return respond(request, page)


def _channel(actor: Actor) -> Channel:
    """Officers file as officers; the site's own people by the site's button; anybody else by web."""
    if actor.roles & {Role.COUNTY_OFFICER, Role.CITY_ADMIN}:
        return Channel.OFFICER
    return Channel.SITE_BUTTON if Role.SITE_MANAGER in actor.roles else Channel.WEB


def _file_at(request: ActingRequest, site: Site) -> HttpResponse:
    form, status, at = ReportForm(request.POST or None), 200, clock.now()
    if request.method == "POST" and form.is_valid():
        try:
            report = commands.report_fault(site=site, channel=_channel(request.actor), by=request.actor, at=at, **form.details())
            return redirect("faults:report", report.receipt_code)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
            status = status_of(error)
    card = queries.site_card(site, at=at, people=False)
    return render(request, "faults/report_new.html", {"page_title": _("申报故障"), "card": card, "form": form, "at": at}, status=status)


def _order_state(report: FaultReport) -> str:
    handling: ReportHandling | None = getattr(report, "handling", None)
    return STATE_NAMES[State(handling.order.item.state)] if handling else _("待受理")


def _order_link(report: FaultReport) -> str | None:
    handling: ReportHandling | None = getattr(report, "handling", None)
    return reverse("faults:order", args=[handling.order.item.code]) if handling else None


def _delay_hours(report: FaultReport) -> float | None:
    handling: ReportHandling | None = getattr(report, "handling", None)
    return None if handling is None or handling.filing_delay_s is None else round(handling.filing_delay_s / 3600, 1)


@door(Permission.SEE_ORDERS)
def report_list(request: ActingRequest) -> HttpResponseBase:
    """Reports of the person's area, newest first, with the time from outage to filing (OPS05, OPS07)."""
    names = county_names()
    page = ListPage[FaultReport](
        title=_("故障申报"),
        rows=queries.reports_seen_by(request.actor),
        columns=[
            Column(_("受理编号"), lambda r: grouped_code(r.receipt_code), link=lambda r: reverse("faults:report", args=[r.receipt_code])),
            Column(_("申报时间"), lambda r: r.filed_at, order=("filed_at",), width=17),
            Column(_("站点"), lambda r: r.site_name, order=("site_name",), width=22),
            Column(_("县"), lambda r: names.get(county_code(r.path), "")),
            Column(_("渠道"), lambda r: r.get_channel_display(), order=("channel",)),
            Column(_("现象"), lambda r: r.get_symptom_display(), width=18),
            Column(_("距中断（小时）"), _delay_hours, badge=lambda r: "red" if _is_late(r) else None),
            Column(_("工单"), _order_state, link=_order_link),
        ],
        search=("receipt_code", "site_name", "site_code"),
        search_hint=_("受理编号、站点名称或编号"),
        filters=[
            Filter("channel", _("渠道"), CHANNELS, lambda rows, value: rows.filter(channel=value)),
            Filter("symptom", _("现象"), SYMPTOMS, lambda rows, value: rows.filter(symptom=value)),
            county_filter(request.actor, "path"),
        ],
        actions=[(_("申报故障"), reverse("faults:report_new"))] if request.actor.holds(Permission.FILE_FAULT) else [],
        notes=[_("“距中断”为中断开始到申报的时间，超过约定时限标红；没有对应中断的不计")],
        empty=_("还没有故障申报。站点管理员、组织员和热线都可以申报，中断久了系统也会自动开工单。"),
    )
    return respond(request, page)


def _is_late(report: FaultReport) -> bool:
    handling: ReportHandling | None = getattr(report, "handling", None)
    return handling is not None and handling.is_late


@door(Permission.SEE_ORDERS)
def report(request: ActingRequest, code: str) -> HttpResponse:
    """The receipt to read out, the order behind it, and the call back when the repair is done."""
    found = report_of(request.actor, code)
    if found is None:
        raise NotFound(_("没有这份申报，或不在您负责的范围内"))
    may_call = request.actor.covers(Permission.ANSWER_HOTLINE, found.path)
    form, status = CallBackForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        try:
            happy = form.cleaned_data["satisfied"] == "yes"
            commands.record_callback(report=found, satisfied=happy, note=form.cleaned_data["note"], by=request.actor, at=clock.now())
            messages.success(request, _("回访已记录。") if happy else _("回访已记录，工单已重新打开。"))
            return redirect("faults:report", found.receipt_code)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
            status = status_of(error)
    context = _report_context(found, may_call) | {"form": form, "may_call": may_call, "may_open": _may_open(request.actor, found)}
    is_piece = bool(getattr(request, "htmx", False)) and request.method == "GET"
    return render(request, "faults/_progress.html" if is_piece else "faults/report.html", context, status=status)


def _may_open(actor: Actor, found: FaultReport) -> bool:
    """An order on a line or an edge lies above a village manager's area."""
    handling: ReportHandling | None = getattr(found, "handling", None)
    return handling is not None and actor.covers(Permission.SEE_ORDERS, handling.order.item.division.path)


def _report_context(found: FaultReport, may_call: bool) -> dict[str, Any]:
    handling: ReportHandling | None = getattr(found, "handling", None)
    item = handling.order.item if handling else None
    return {
        "page_title": _("故障申报"),
        "report": found,
        "handling": handling,
        "spoken": grouped_code(found.receipt_code),
        "order_spoken": grouped_code(item.code) if item else "",
        "state_name": STATE_NAMES[State(item.state)] if item else "",
        "can_call_back": may_call and item is not None and item.state in {State.VERIFIED, State.CLOSED},
        "phone": queries.callback_phone(found) if may_call else "",
        "callbacks": list(found.callbacks.all()),
        "followed": queries.follow(found.receipt_code),
    }
