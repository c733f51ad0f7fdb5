"""Figures of faults for one month or year and one area: reports by channel, under-reporting, causes, orders; each with its list."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.faults import queries
from yuanjiao.faults.rules import CHANNEL_NAMES, UNDER_REPORTING_RULE, Channel
from yuanjiao.faults.views.scope import counties, county_code, county_names
from yuanjiao.lib import clock
from yuanjiao.lib.clock import CHINA, day_start
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.network.queries import OutageView
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, ListPage, respond

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
    """One page; every figure says its rule and leads to its rows."""
    month, path = _month(request), _path(request)
    start, end = _span(month)
    back = month
    for _number in range(MONTHS_SHOWN - 1):
        back = (back - timedelta(days=1)).replace(day=1)
    whole = [row for row in counties(request.actor, Permission.SEE_REPORTS) if row.path.startswith(path)]
    context: dict[str, Any] = {
        "page_title": _("故障统计"),
        "month": f"{month:%Y-%m}",
        "path": path,
        "counties": counties(request.actor, Permission.SEE_REPORTS),
        "under": queries.under_reporting(path, start, end),
        "rule": UNDER_REPORTING_RULE,
        "by_county": [(row, queries.under_reporting(row.path, start, end)) for row in whole],
        "months": queries.reported_faults(path, day_start(back), end),
        "channels": [CHANNEL_NAMES[channel] for channel in Channel],
        "pareto": queries.cause_pareto(path, start, end),
        "orders": queries.orders_summary(path, start, end, at=min(clock.now(), end)),
        "delays": queries.filing_delays(path, start, end)[:10],
        "list_query": urlencode({"month": f"{month:%Y-%m}", "county": path}),
    }
    return render(request, "faults/statistics.html", context)


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
        actions=[(_("返回统计"), reverse("faults:statistics") + "?" + urlencode({"month": f"{month:%Y-%m}", "county": path}))],
    )
    return respond(request, page)
