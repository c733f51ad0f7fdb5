"""Figures of faults over a period: reports by month and channel, causes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yuanjiao.faults.models import FaultReport
from yuanjiao.faults.queries.orders import orders_in
from yuanjiao.faults.rules import CHANNEL_NAMES, Channel, ParetoBar, pareto
from yuanjiao.lib.clock import local_day
from yuanjiao.people.queries import within


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
    reports = FaultReport.objects.filter(within("path", [path]), filed_at__gte=start, filed_at__lt=end)
    for channel, filed_at in reports.values_list("channel", "filed_at"):
        counts[month_of(filed_at), channel] += 1
    for order in orders_in(path, start, end).filter(raised_by=Channel.AUTOMATIC).values_list("item__created_at", flat=True):
        counts[month_of(order), Channel.AUTOMATIC] += 1
    return [
        ReportedMonth(month, {CHANNEL_NAMES[channel]: counts[month, channel] for channel in Channel}) for month in months_in(start, end)
    ]


def month_of(at: datetime) -> str:
    """The month of China time, as 2026-03."""
    return f"{local_day(at):%Y-%m}"


def months_in(start: datetime, end: datetime) -> list[str]:
    """Every month touched by [start, end), oldest first."""
    day, last, months = local_day(start).replace(day=1), local_day(end - timedelta(microseconds=1)), []
    while day <= last:
        months.append(f"{day:%Y-%m}")
        day = (day + timedelta(days=32)).replace(day=1)
    return months


def cause_pareto(path: str, start: datetime, end: datetime) -> list[ParetoBar]:
    """Causes of the orders written in [start, end), most frequent first (OPS09)."""
    rows = orders_in(path, start, end).exclude(cause=None).order_by().values_list("cause__code", "cause__name")
    counts = Counter(rows)
    return pareto([(code, name, count) for (code, name), count in counts.items()])
