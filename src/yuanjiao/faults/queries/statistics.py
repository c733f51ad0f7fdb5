"""Figures of faults over a period: reports by month and channel, under-reporting, causes, delays; each with its rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yuanjiao.faults.models import FaultReport, ReportHandling, WorkOrder
from yuanjiao.faults.queries.orders import orders_in
from yuanjiao.faults.rules import CHANNEL_NAMES, Channel, ParetoBar, Ratio, pareto
from yuanjiao.lib.clock import local_day
from yuanjiao.network.queries import OutageView, detected_outages


@dataclass(frozen=True)
class ReportedMonth:
    """Reported faults of one month by channel; automatic orders stand in their own column (OPS05)."""

    month: str
    by_channel: dict[str, int] = field(default_factory=dict)

    @property
    def people(self) -> int:
        """Reports by people: every channel but the automatic one."""
        return sum(count for name, count in self.by_channel.items() if name != CHANNEL_NAMES[Channel.AUTOMATIC])

    @property
    def total(self) -> int:
        return sum(self.by_channel.values())


def reported_faults(path: str, start: datetime, end: datetime) -> list[ReportedMonth]:
    """Month by month (China time) and channel, of the reports filed in [start, end) under the path; months without are kept."""
    counts: Counter[tuple[str, str]] = Counter()
    reports = FaultReport.objects.filter(path__startswith=path, filed_at__gte=start, filed_at__lt=end)
    for channel, filed_at in reports.values_list("channel", "filed_at"):
        counts[_month(filed_at), channel] += 1
    for order in orders_in(path, start, end).filter(raised_by=Channel.AUTOMATIC).values_list("item__created_at", flat=True):
        counts[_month(order), Channel.AUTOMATIC] += 1
    return [ReportedMonth(month, {CHANNEL_NAMES[channel]: counts[month, channel] for channel in Channel}) for month in _months(start, end)]


def _month(at: datetime) -> str:
    return f"{local_day(at):%Y-%m}"


def _months(start: datetime, end: datetime) -> list[str]:
    day, last, months = local_day(start).replace(day=1), local_day(end - timedelta(microseconds=1)), []
    while day <= last:
        months.append(f"{day:%Y-%m}")
        day = (day + timedelta(days=32)).replace(day=1)
    return months


@dataclass(frozen=True)
class UnderReporting:
    """Detected outages without anybody's report, of all detected outages that began in the period (OPS06), with both lists."""

    ratio: Ratio
    detected: list[OutageView]
    unreported: list[OutageView]


def under_reporting(path: str, start: datetime, end: datetime) -> UnderReporting:
    """One count per root outage. Reported means: a report was attached to the outage or to the order made of it."""
    detected = detected_outages(path, start, end)
    reported = _reported_outage_ids([view.outage_id for view in detected])
    unreported = [view for view in detected if view.outage_id not in reported]
    return UnderReporting(Ratio(len(unreported), len(detected)), detected, unreported)


def _reported_outage_ids(wanted: list[int]) -> set[int]:
    found: set[int] = set()
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        direct = ReportHandling.objects.filter(outage__in=part).values_list("outage", flat=True)
        through_order = WorkOrder.objects.filter(outage__in=part, handlings__isnull=False).values_list("outage", flat=True)
        found.update(pk for pk in (*direct, *through_order) if pk is not None)
    return found


def cause_pareto(path: str, start: datetime, end: datetime) -> list[ParetoBar]:
    """Causes of the orders written in [start, end), most frequent first (OPS09)."""
    rows = orders_in(path, start, end).exclude(cause=None).order_by().values_list("cause__code", "cause__name")
    counts = Counter(rows)
    return pareto([(code, name, count) for (code, name), count in counts.items()])


def filing_delays(path: str, start: datetime, end: datetime) -> list[ReportHandling]:
    """Reports filed in [start, end) whose outage is known, slowest first: the time from outage to filing (OPS07)."""
    rows = ReportHandling.objects.filter(report__path__startswith=path, report__filed_at__gte=start, report__filed_at__lt=end)
    return list(rows.exclude(filing_delay_s=None).select_related("report", "order__item").order_by("-filing_delay_s"))
