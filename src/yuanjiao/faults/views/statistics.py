"""Figures of faults for one month or year and one area: reports by channel, under-reporting, causes, orders; each with its list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import F
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.faults import queries
from yuanjiao.faults.models import ReportHandling
from yuanjiao.faults.rules import ASSUMPTIONS, CHANNEL_NAMES, DELAY_RULE, LIST_ASSUMPTIONS, UNDER_REPORTING_RULE, Channel, Delays
from yuanjiao.faults.views.scope import counties, county_code, county_names
from yuanjiao.lib import clock
from yuanjiao.lib.clock import CHINA, day_start
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.network.queries import OutageView
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.templatetags.zh import duration

MONTHS_SHOWN = 6


def _month(request: ActingRequest) -> date:
    """The month asked for (?month=2026-03), else the present one."""
    text = request.GET.get("month", "")
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=CHINA).date() if text else clock.today().replace(day=1)
    except ValueError:
        raise Refused(_("月份应写作 2026-03")) from None


def _span(month: date) -> tuple[datetime, datetime]:
    return day_start(month), day_start((month + timedelta(days=32)).replace(day=1))


def _path(request: ActingRequest) -> str:
    """The area asked for, if it is the person's; else the person's own."""
    own = request.actor.paths(Permission.SEE_REPORTS)
    asked = request.GET.get("county", "")
    if asked and not any(asked.startswith(path) for path in own):
        raise NotFound(_("没有找到，或不在您负责的范围内"))
    return asked or own[0]


@door(Permission.SEE_REPORTS)
def statistics(request: ActingRequest) -> HttpResponse:
    """One page; every figure says its rule, its cut-off and both its numbers, and leads to its rows."""
    month, path = _month(request), _path(request)
    start, end = _span(month)
    months_from, seen = day_start(_months_back(month)), counties(request.actor, Permission.SEE_REPORTS)
    whole = [row for row in seen if row.path.startswith(path)] or list(divisions(on=clock.today()).filter(path=path))
    under = queries.under_reporting(path, start, end)
    delays = queries.delays_by_place([path, *(row.path for row in whole)], start, end)
    context: dict[str, Any] = {
        "page_title": _("故障统计"),
        "month": f"{month:%Y-%m}",
        "cut_off": min(clock.now(), end),
        "path": path,
        "counties": seen,
        "under": under,
        "unseen": queries.faults_nobody_saw(path, start, end, under),
        "assumptions": ASSUMPTIONS,
        "list_assumptions": LIST_ASSUMPTIONS,
        "rule": UNDER_REPORTING_RULE,
        "delay_rule": DELAY_RULE,
        "by_county": _county_rows(whole, path, months_from, end, delays),
        "month_names": queries.months_in(months_from, end),
        "months": queries.reported_faults(path, months_from, end),
        "channels": [CHANNEL_NAMES[channel] for channel in Channel],
        "pareto": queries.cause_pareto(path, start, end),
        "orders": queries.orders_summary(path, start, end, at=min(clock.now(), end)),
        "delay": delays[path],
        "slowest": queries.filing_delays(path, start, end)[:8],
        "list_query": urlencode({"month": f"{month:%Y-%m}", "county": path}),
    }
    return render(request, "faults/statistics.html", context)


def _months_back(month: date) -> date:
    for _number in range(MONTHS_SHOWN - 1):
        month = (month - timedelta(days=1)).replace(day=1)
    return month


def _county_rows(places: Sequence[Division], path: str, start: datetime, end: datetime, delays: dict[str, Delays]) -> list[dict[str, Any]]:
    """Per county the ratio of each month shown, the newest beside its interval, and the delays of the month asked."""
    ratios = {row.path: row.months for row in queries.under_reporting_by_month([place.path for place in places], start, end)}
    return [
        {
            "place": place,
            "now": list(ratios[place.path].values())[-1],
            "months": [(name, ratio) for name, ratio in ratios[place.path].items()],
            "delay": delays[place.path],
        }
        for place in places
    ]


@door(Permission.SEE_REPORTS)
def unreported_list(request: ActingRequest) -> HttpResponseBase:
    """The list behind the under-reporting ratio (OPS06)."""
    month, path, names = _month(request), _path(request), county_names()
    under = queries.under_reporting(path, *_span(month))
    page = ListPage[OutageView](
        title=_("未申报的中断 %s") % f"{month:%Y-%m}",
        rows=under.unreported,
        columns=[
            Column(_("对象"), lambda o: o.name, width=26),
            Column(_("编号"), lambda o: o.code, width=20),
            Column(_("县"), lambda o: names.get(county_code(o.path), "")),
            Column(_("类别"), lambda o: o.class_name, width=16),
            Column(_("开始"), lambda o: o.started_at, width=17),
            Column(_("结束"), lambda o: o.ended_at, width=17),
            Column(_("影响站点"), lambda o: o.affected_count),
        ],
        lead=f"{len(under.unreported)} / {len(under.detected)}　{UNDER_REPORTING_RULE}",
        notes=[UNDER_REPORTING_RULE],
        empty=_("这个月的中断都有人申报，或没有中断。"),
        actions=_back(month, path),
    )
    return respond(request, page)


def _back(month: date, path: str) -> list[tuple[str, str]]:
    return [(_("返回统计"), reverse("faults:statistics") + "?" + urlencode({"month": f"{month:%Y-%m}", "county": path}))]


def _report_address(row: ReportHandling) -> str:
    return reverse("faults:report", args=[row.report.receipt_code])


def _order_address(row: ReportHandling) -> str:
    return reverse("faults:order", args=[row.order.item.code])


HANDLING_COLUMNS = [
    Column[ReportHandling](_("站点"), lambda row: row.report.site_name, _report_address),
    Column[ReportHandling](_("编号"), lambda row: row.report.site_code, width=20),
    Column[ReportHandling](_("渠道"), lambda row: row.report.get_channel_display()),
    Column[ReportHandling](_("现象"), lambda row: row.report.get_symptom_display(), width=18),
    Column[ReportHandling](_("申报时间"), lambda row: row.report.filed_at, width=17),
    Column[ReportHandling](_("工单"), lambda row: row.order.item.title, _order_address, width=30),
]


@door(Permission.SEE_REPORTS)
def people_only_list(request: ActingRequest) -> HttpResponseBase:
    """Faults that people reported and the monitoring did not see: the other half of the estimate."""
    month, path = _month(request), _path(request)
    page = ListPage[ReportHandling](
        title=_("只有人发现的故障 %s") % f"{month:%Y-%m}",
        rows=queries.only_people_saw(path, *_span(month)),
        columns=HANDLING_COLUMNS,
        lead=_("期内申报的、没有对应中断的故障；图像、声音不好不属于中断，不列入。每张工单一行，撤销的不列。"),
        empty=_("这个月的申报都有对应的中断，或没有申报。"),
        actions=_back(month, path),
    )
    return respond(request, page)


@door(Permission.SEE_REPORTS)
def delay_list(request: ActingRequest) -> HttpResponseBase:
    """Every report with the time from outage to filing, slowest first (OPS07)."""
    month, path = _month(request), _path(request)
    late = Column[ReportHandling](_("时限"), _limit_words, badge=lambda row: "red" if row.is_late else None)
    page = ListPage[ReportHandling](
        title=_("申报时延 %s") % f"{month:%Y-%m}",
        rows=queries.filing_delays(path, *_span(month)),
        columns=[
            *HANDLING_COLUMNS,
            Column(_("中断开始"), lambda row: row.outage_started_at, width=17),
            Column(_("时延"), lambda row: duration(row.filing_delay_s), order=("filing_delay_s",)),
            late,
        ],
        lead=DELAY_RULE,
        notes=[DELAY_RULE],
        filters=[Filter("late", _("时限"), [("1", _("超过时限"))], lambda rows, value: rows.filter(filing_delay_s__gt=F("limit_s")))],
        empty=_("这个月没有对应中断的申报。"),
        actions=_back(month, path),
    )
    return respond(request, page)


def _limit_words(row: ReportHandling) -> str:
    return _("超过 %s") % duration(row.limit_s) if row.is_late else _("未超")
