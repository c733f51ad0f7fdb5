"""Reported against observed: which outages somebody reported, how late, and which faults only people saw (OPS06, OPS07)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import QuerySet

from yuanjiao.faults.models import ReportHandling, WorkOrder
from yuanjiao.faults.queries.statistics import month_of, months_in
from yuanjiao.faults.rules import (
    LIST_OF,
    LISTS,
    MATCH_EARLY,
    MATCH_LATE,
    MONITOR,
    Delays,
    Estimate,
    Ratio,
    SeenBy,
    Symptom,
    delays_of,
    estimate_all,
    lower_bound,
    tells_of,
)
from yuanjiao.items.rules import State
from yuanjiao.network.queries import OutageView, detected_outages, outage_spans, root_spans, spans_of
from yuanjiao.people.queries import within

T = TypeVar("T")
AT_ONCE = 500
"""Keys per query: below every database's limit of parameters."""


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


@dataclass(frozen=True)
class UnderReporting:
    """Detected outages without anybody's report, of all detected outages that began in the period (OPS06), with both lists."""

    ratio: Ratio
    detected: list[OutageView]
    unreported: list[OutageView]


def under_reporting(path: str, start: datetime, end: datetime) -> UnderReporting:
    """One count per root outage. Reported means: a report was attached to the outage or to the order made of it, or fits it by time."""
    detected = detected_outages(path, start, end)
    reported = reported_outages([view.outage_id for view in detected])
    unreported = [view for view in detected if view.outage_id not in reported]
    return UnderReporting(Ratio(len(unreported), len(detected)), detected, unreported)


def reported_outages(wanted: Sequence[int]) -> set[int]:
    """Those of the root outages that somebody reported."""
    return set(wanted) & (_attached(wanted) | set(_matched_by_time(_unmatched(wanted)).values()))


def _attached(wanted: Sequence[int]) -> set[int]:
    found: set[int | None] = set()
    for part in _parts(wanted):
        found.update(ReportHandling.objects.filter(outage__in=part).values_list("outage", flat=True))
        found.update(ReportHandling.objects.filter(outage__in=part).values_list("outage__root", flat=True))
        found.update(WorkOrder.objects.filter(outage__in=part, handlings__isnull=False).values_list("outage", flat=True))
        found.update(ReportHandling.objects.filter(outage__root__in=part).values_list("outage__root", flat=True))
    return {pk for pk in found if pk is not None}


def _without_outage() -> QuerySet[ReportHandling]:
    """Reports taken up when no outage was known, neither then nor in their order since; picture and sound are no outage's matter."""
    rows = ReportHandling.objects.filter(outage=None, order__outage=None).exclude(report__symptom=Symptom.PICTURE_SOUND)
    return rows.select_related("report").order_by("report__filed_at", "pk")


def _unmatched(wanted: Sequence[int]) -> list[ReportHandling]:
    """Reports without an outage that were filed while any of the outages may have been spoken of."""
    if not wanted:
        return []
    spans = [(span.started_at, span.ended_at) for part in _parts(wanted) for span in outage_spans(part)]
    first = min(started for started, _ in spans) - MATCH_EARLY
    rows = _without_outage().filter(report__filed_at__gte=first)
    if all(ended for _, ended in spans):
        rows = rows.filter(report__filed_at__lte=max(ended for _, ended in spans if ended) + MATCH_LATE)
    return list(rows)


def _matched_by_time(handlings: Sequence[ReportHandling]) -> dict[int, int]:
    """Report → the root of the newest outage of its site that it can speak of; reports that fit none are left out."""
    found = {}
    for part in _parts(handlings):
        spans = _outages_of({handling.report.site_code for handling in part}, part[0].report.filed_at, part[-1].report.filed_at)
        for handling in part:
            fitting = [row for row in spans[handling.report.site_code] if tells_of(handling.report.filed_at, row[0], row[1])]
            if fitting:
                found[handling.report_id] = max(fitting, key=lambda row: row[0])[2]
    return found


def _outages_of(codes: set[str], first: datetime, last: datetime) -> dict[str, list[tuple[datetime, datetime | None, int]]]:
    """Site code → (started, ended, root) of the outages that reports filed in [first, last] can speak of."""
    spans: dict[str, list[tuple[datetime, datetime | None, int]]] = defaultdict(list)
    for span in spans_of(codes, ended_from=first - MATCH_LATE, started_to=last + MATCH_EARLY):
        spans[span.code].append((span.started_at, span.ended_at, span.root_id))
    return spans


def only_people_saw(path: str, start: datetime, end: datetime) -> list[ReportHandling]:
    """One handling per fault that people reported in [start, end) and the monitoring did not see; cancelled orders left out."""
    rows = _without_outage().filter(within("report__path", [path]), report__filed_at__gte=start, report__filed_at__lt=end)
    handlings = list(rows.exclude(order__item__state=State.CANCELLED).select_related("order__item"))
    matched = _matched_by_time(handlings)
    seen = {one.order_id for one in handlings if one.report_id in matched}
    first: dict[int, ReportHandling] = {}
    for one in handlings:
        if one.order_id not in seen:
            first.setdefault(one.order_id, one)
    return list(first.values())


@dataclass(frozen=True)
class Unseen:
    """Faults of a period by who saw them, and the estimate of all there were (None where nothing can be said)."""

    seen: SeenBy
    estimate: Estimate | None
    lists: list[ListRow]
    """Every way by which a fault of the period became known."""
    bound: Estimate | None
    """At least so many there were, by all lists; None when fewer than three of them share faults."""


@dataclass(frozen=True)
class ListRow:
    """One way by which faults become known: how many it saw, how many of those nobody else did."""

    name: str
    saw: int
    alone: int


def faults_nobody_saw(path: str, start: datetime, end: datetime, under: UnderReporting | None = None) -> Unseen:
    """The lists of the period: monitoring and people crossed, and every way for itself; `under` when it has been computed already."""
    under = under or under_reporting(path, start, end)
    people = only_people_saw(path, start, end)
    seen = SeenBy(under.ratio.whole - under.ratio.part, under.ratio.part, len(people))
    cells = _cells(under, people)
    rows = [
        ListRow(name, sum(count for lists, count in cells.items() if key in lists), cells[frozenset({key})]) for key, name in LISTS.items()
    ]
    return Unseen(seen, estimate_all(seen), rows, lower_bound(cells))


def _cells(under: UnderReporting, people: Sequence[ReportHandling]) -> Counter[frozenset[str]]:
    """How many faults each set of lists has: monitored ones by who reported them too, the others by who reported them."""
    heard = _reporters([view.outage_id for view in under.detected])
    silent = {view.outage_id for view in under.unreported}
    cells = Counter(frozenset({MONITOR, *heard.get(pk, ())}) for pk in (view.outage_id for view in under.detected) if pk not in silent)
    cells[frozenset({MONITOR})] += len(silent)
    by_order: dict[int, set[str]] = defaultdict(set)
    for part in _parts([one.order_id for one in people]):
        for order, channel in ReportHandling.objects.filter(order__in=part).values_list("order", "report__channel"):
            by_order[order] |= _list_of(channel)
    cells.update(frozenset(lists) for lists in by_order.values() if lists)
    return cells


def _list_of(channel: str) -> set[str]:
    return {LIST_OF[channel]} if channel in LIST_OF else set()


def _reporters(wanted: Sequence[int]) -> dict[int, set[str]]:
    """Root outage → the lists of those who reported it."""
    found: dict[int, set[str]] = defaultdict(set)
    for field in ("outage", "outage__root", "order__outage"):
        for part in _parts(wanted):
            for pk, channel in ReportHandling.objects.filter(**{f"{field}__in": part}).values_list(field, "report__channel"):
                found[pk] |= _list_of(channel)
    handlings = _unmatched(wanted)
    roots = _matched_by_time(handlings)
    for one in handlings:
        if one.report_id in roots:
            found[roots[one.report_id]] |= _list_of(one.report.channel)
    return found


@dataclass(frozen=True)
class MonthRow:
    """Under-reporting of one place month by month, in the order of the months asked."""

    path: str
    months: dict[str, Ratio]


def under_reporting_by_month(paths: Sequence[str], start: datetime, end: datetime) -> list[MonthRow]:
    """One row per place, one ratio per month of China time; from one reading of all outages of the span."""
    outages = list(root_spans(paths, start, end))
    reported = reported_outages([span.outage_id for span in outages])
    whole: Counter[tuple[str, str]] = Counter()
    silent: Counter[tuple[str, str]] = Counter()
    for span in outages:
        for path in paths:
            if span.path.startswith(path):
                whole[path, month_of(span.started_at)] += 1
                silent[path, month_of(span.started_at)] += span.outage_id not in reported
    months = months_in(start, end)
    return [MonthRow(path, {month: Ratio(silent[path, month], whole[path, month]) for month in months}) for path in paths]


def filing_delays(path: str, start: datetime, end: datetime) -> QuerySet[ReportHandling]:
    """Reports filed in [start, end) whose outage is known, slowest first: the time from outage to filing (OPS07)."""
    return _delayed([path], start, end).select_related("report", "order__item").order_by("-filing_delay_s", "pk")


def _delayed(paths: Sequence[str], start: datetime, end: datetime) -> QuerySet[ReportHandling]:
    rows = ReportHandling.objects.filter(within("report__path", paths), report__filed_at__gte=start, report__filed_at__lt=end)
    return rows.exclude(filing_delay_s=None)


def delays_by_place(paths: Sequence[str], start: datetime, end: datetime) -> dict[str, Delays]:
    """Place → median, nine in ten, share past the limit; one reading for all places."""
    rows = _delayed(paths, start, end).values_list("report__path", "filing_delay_s", "limit_s")
    seconds: dict[str, list[int]] = {path: [] for path in paths}
    late: Counter[str] = Counter()
    for of, delay, limit in rows:
        for path in paths:
            if of.startswith(path) and delay is not None:
                seconds[path].append(delay)
                late[path] += limit is not None and delay > limit
    return {path: delays_of(seconds[path], late[path]) for path in paths}
