"""Pure rules of reports: what a figure is, how it is computed from its frozen rows, when a report falls due. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.lib.shares import per_cent

DRAFT_DAY = 25
"""On this day of the month the month's reports are drafted by themselves, so that three days are left to write (story 6)."""


WEEK_DAYS = 7
FRIDAY = 4
"""The day of the week (Monday is 0) on which weekly reports fall due where nobody has set another."""
REPLY_DAYS = 5
"""Whole days that a unit named in a circular has for its explanation, unless the asker gives more."""


class DocumentKind(StrEnum):
    """Kinds of official documents."""

    COUNTY_MONTH = "county_month"
    CITY_MONTH = "city_month"
    COUNTY_WEEK = "county_week"
    WEEK_DIGEST = "week_digest"
    CIRCULAR = "circular"
    BRANCH_MONTH = "branch_month"


KIND_NAMES: dict[DocumentKind, str] = {
    DocumentKind.COUNTY_MONTH: "县级月报",
    DocumentKind.CITY_MONTH: "市级月报",
    DocumentKind.COUNTY_WEEK: "周报",
    DocumentKind.WEEK_DIGEST: "周报汇总",
    DocumentKind.CIRCULAR: "通报",
    DocumentKind.BRANCH_MONTH: "运维服务月报",
}
WEEKLY = frozenset({DocumentKind.COUNTY_WEEK, DocumentKind.WEEK_DIGEST})
"""Kinds that cover seven days; the others cover a month."""
SENT_UP = frozenset({DocumentKind.COUNTY_MONTH, DocumentKind.COUNTY_WEEK})
"""Kinds that fall due by a day, so that they can be late."""


class DocumentState(StrEnum):
    """A draft changes, an issued document never does. In between a circular waits for what the named units say."""

    DRAFT = "draft"
    REPLYING = "replying"
    ISSUED = "issued"


STATE_NAMES: dict[DocumentState, str] = {
    DocumentState.DRAFT: "草稿",
    DocumentState.REPLYING: "听取说明",
    DocumentState.ISSUED: "已报出",
}


class Measure(StrEnum):
    """How a figure comes out of its rows."""

    COUNT = "count"
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    RATE = "rate"
    RATE_LOWEST = "rate_lowest"
    RATE_HIGHEST = "rate_highest"
    FAULT_RATE = "fault_rate"
    UNKNOWN_SHARE = "unknown_share"
    GROUP_SHARE = "group_share"


@dataclass(frozen=True)
class Amounts:
    """One row as far as figures need it: its group and up to three whole numbers."""

    group: str
    first: int = 0
    second: int = 0
    third: int = 0


def measured(measure: Measure, rows: Sequence[Amounts], group: str = "") -> float | None:
    """The figure of these rows; of one group of them where `group` is named. None where there is nothing to divide by.

    COUNT rows · FIRST, SECOND, THIRD sums · RATE first ÷ (first + second) · RATE_LOWEST, RATE_HIGHEST the same
    if all of the third were second, or first · UNKNOWN_SHARE third ÷ all three · FAULT_RATE second ÷ (first + second) ·
    GROUP_SHARE rows of the group ÷ all rows.
    """
    chosen = [row for row in rows if not group or row.group == group]
    if measure is Measure.COUNT:
        return len(chosen)
    if measure is Measure.GROUP_SHARE:
        return len(chosen) / len(rows) if rows else None
    first, second, third = (
        (sum(values) for values in zip(*((r.first, r.second, r.third) for r in chosen), strict=True)) if chosen else (0, 0, 0)
    )
    sums = {Measure.FIRST: first, Measure.SECOND: second, Measure.THIRD: third}
    if measure in sums:
        return sums[measure]
    every = first + second + third
    part, whole = {
        Measure.RATE: (first, first + second),
        Measure.RATE_LOWEST: (first, every),
        Measure.RATE_HIGHEST: (first + third, every),
        Measure.FAULT_RATE: (second, first + second),
    }.get(measure, (third, every))
    return part / whole if whole else None


BY_TIME = frozenset({Measure.RATE, Measure.FAULT_RATE})
"""Shares of known time: none where the network's rule says that too little is known."""
SHARES = BY_TIME | {Measure.RATE_LOWEST, Measure.RATE_HIGHEST, Measure.UNKNOWN_SHARE, Measure.GROUP_SHARE}


def shown(measure: Measure, value: float | None, why_none: str = "") -> str:
    """A figure as it is printed: whole numbers as they are, shares with two decimals, and words where there is none."""
    if value is None:
        return f"未出数（{why_none}）" if why_none else "未出数（没有可比的基数）"
    if measure in SHARES:
        return per_cent(value)
    return str(round(value))


@dataclass(frozen=True)
class Period:
    """The span of a report and the moment its figures end: [start, end), at most to the end of the last day. `days` is half-open."""

    first_day: date
    start: datetime
    end: datetime
    days: tuple[date, date]


def month_end(month: date) -> date:
    """The first day of the next month."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def span_of(kind: DocumentKind, day: date) -> tuple[date, date]:
    """The days [first, last) of the document of this kind: the month in which `day` lies, or the seven days from `day` on."""
    if kind in WEEKLY:
        return day, day + timedelta(days=WEEK_DAYS)
    return day.replace(day=1), month_end(day)


def period_of(day: date, as_of: datetime, kind: DocumentKind = DocumentKind.COUNTY_MONTH) -> Period | None:
    """The period of the document that begins on `day`, as far as it has come at `as_of`; None when it has not begun.

    The day of `as_of` counts, as far as it has come.
    """
    first, last = span_of(kind, day)
    start = day_start(first)
    end = min(as_of, day_start(last))
    if end <= start:
        return None
    return Period(first, start, end, (first, min(local_day(end - timedelta(microseconds=1)) + timedelta(days=1), last)))


def due_at(day: date, kind: DocumentKind = DocumentKind.COUNTY_MONTH) -> datetime:
    """A month's report is due before the month is over (RPT01); a week's before the fixed day is, which follows its seven days (RPT05)."""
    last = span_of(kind, day)[1]
    return day_start(last + timedelta(days=1)) if kind in WEEKLY else day_start(last)


def weeks_back(today: date, weekday: int, count: int = 8, since: date | None = None) -> list[date]:
    """The first days of the weeks whose reports have fallen due to be written, newest first: seven days up to the fixed day before or on
    `today` (Monday is 0), and those before it; at most `count`, and none whose fixed day lies before `since`."""
    fixed = today - timedelta(days=(today.weekday() - weekday) % WEEK_DAYS)
    fixed_days = [fixed - timedelta(days=WEEK_DAYS * number) for number in range(count)]
    return [day - timedelta(days=WEEK_DAYS) for day in fixed_days if since is None or day >= since]


class Standing(StrEnum):
    """Where a report that falls due stands."""

    NOT_DRAFTED = "not_drafted"
    DRAFTED = "drafted"
    ON_TIME = "on_time"
    LATE = "late"
    MISSING = "missing"


STANDING_NAMES = {
    Standing.NOT_DRAFTED: "未起草",
    Standing.DRAFTED: "草稿",
    Standing.ON_TIME: "按时报出",
    Standing.LATE: "逾期报出",
    Standing.MISSING: "逾期未报",
}


def standing_of(
    day: date, *, drafted: bool, issued_at: datetime | None, at: datetime, kind: DocumentKind = DocumentKind.COUNTY_MONTH
) -> Standing:
    """The standing at `at` of the document that begins on `day`; what is issued keeps its standing for ever."""
    due = due_at(day, kind)
    if issued_at is not None:
        return Standing.ON_TIME if issued_at < due else Standing.LATE
    if at >= due:
        return Standing.MISSING
    return Standing.DRAFTED if drafted else Standing.NOT_DRAFTED


def drafting_months(at: datetime) -> list[date]:
    """The months whose reports should be drafted by themselves at `at`: this month from the 25th on."""
    today = local_day(at)
    return [today.replace(day=1)] if today.day >= DRAFT_DAY else []


def months_back(today: date, count: int = 12) -> Iterable[date]:
    """This month and those before it, newest first."""
    month = today.replace(day=1)
    for _number in range(count):
        yield month
        month = (month - timedelta(days=1)).replace(day=1)
