"""Reads of reports: documents in scope, a figure with its rows, who is late, what named units are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.clock import day_start
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import codes_of_units, divisions
from yuanjiao.places.rules import Level
from yuanjiao.reports.models import ANSWERED, Document, Figure, FrozenRow, Notice, ReportDay
from yuanjiao.reports.rules import (
    FRIDAY,
    SENT_UP,
    WEEK_DAYS,
    DocumentKind,
    DocumentState,
    Measure,
    Period,
    Standing,
    due_at,
    month_end,
    span_of,
    standing_of,
    weeks_back,
)

WEEKS_LISTED = 9


@dataclass(frozen=True)
class Slot:
    """One place's report of one month or week, written or not."""

    first_day: date
    county: Division
    document: Document | None
    standing: Standing
    due_at: datetime


def documents(paths: Iterable[str]) -> QuerySet[Document]:
    """Documents of places under `paths`, newest month first."""
    return Document.objects.filter(within("path", paths)).order_by("-first_day", "place_code")


def documents_seen_by(actor: Actor) -> QuerySet[Document]:
    """Documents of the actor's places; circulars that have been sent to everybody below; an engineer's own branch's service reports."""
    own = actor.paths(Permission.SEE_REPORTS)
    seen = within("path", own) | Q(kind=DocumentKind.CIRCULAR, state=DocumentState.ISSUED, path__in=_above(own))
    if actor.holds(Permission.WORK_ORDER):
        codes = codes_of_units([grant.unit_id for grant in actor.grants])
        seen |= Q(kind=DocumentKind.BRANCH_MONTH, place_code__in=codes)
    return Document.objects.filter(seen).order_by("-first_day", "place_code")


def _above(paths: Iterable[str]) -> list[str]:
    """Every path that is the beginning of one of these."""
    return sorted({path[: end + 1] for path in paths for end, letter in enumerate(path) if letter == "/"})


def document_seen_by(uid: UUID, actor: Actor) -> Document:
    found = documents_seen_by(actor).filter(uid=uid).first()
    if found is None:
        raise NotFound("没有这份报告，或不在您的范围内")
    return found


def document_by_uid(uid: UUID, paths: Iterable[str]) -> Document:
    found = documents(paths).filter(uid=uid).first()
    if found is None:
        raise NotFound("没有这份报告，或不在您的范围内")
    return found


def figure_of(document: Document, key: str) -> Figure:
    found = Figure.objects.filter(document=document, key=key).first()
    if found is None:
        raise NotFound("这份报告里没有这个数字")
    return found


def rows_of(figure: Figure) -> QuerySet[FrozenRow]:
    """The frozen rows a figure was computed from (RPT16); for a share, the rows of every group it is a share of."""
    rows = FrozenRow.objects.filter(document=figure.document_id, table=figure.table, path__startswith=figure.path)
    if figure.group and figure.measure != Measure.GROUP_SHARE:
        rows = rows.filter(group=figure.group)
    return rows.order_by("pk")


def written_of(document: Document) -> dict[str, str]:
    """The officer's paragraphs by key."""
    return dict(document.paragraphs.values_list("key", "text"))


def slots_of(kind: DocumentKind, paths: Iterable[str], first_days: Iterable[date], *, at: datetime, on: date) -> list[Slot]:
    """Every county under `paths` for every month or week: on time, late, missing, drafted or not (RPT01, RPT05)."""
    counties = {row.code: row for path in paths for row in divisions(on=on, level=Level.COUNTY, under=path)}
    return _slots(kind, counties, first_days, at)


def _slots(kind: DocumentKind, counties: dict[str, Division], first_days: Iterable[date], at: datetime) -> list[Slot]:
    wanted = list(dict.fromkeys(first_days))
    kept = Document.objects.filter(kind=kind, first_day__in=wanted, place_code__in=counties)
    by_slot = {(row.first_day, row.place_code): row for row in kept}
    return [_slot(kind, day, county, by_slot.get((day, county.code)), at) for day in wanted for county in counties.values()]


def county_months(paths: Iterable[str], months: Iterable[date], *, at: datetime, on: date) -> list[Slot]:
    """Every county under `paths` for every month (RPT01)."""
    return slots_of(DocumentKind.COUNTY_MONTH, paths, months, at=at, on=on)


def city_months(paths: Iterable[str], months: Iterable[date], *, at: datetime, on: date) -> list[Slot]:
    """The reports that cities under `paths` have of these months. Nobody asks for them by a day, so none is late or missing."""
    cities = {row.code: row for path in paths for row in divisions(on=on, level=Level.CITY, under=path)}
    kept = Document.objects.filter(kind=DocumentKind.CITY_MONTH, first_day__in=list(months), place_code__in=cities).order_by("-first_day")
    slots = [_slot(DocumentKind.CITY_MONTH, row.first_day, cities[row.place_code], row, at) for row in kept]
    return [replace(slot, standing=Standing.ON_TIME if slot.document and slot.document.issued_at else Standing.DRAFTED) for slot in slots]


def _slot(kind: DocumentKind, day: date, county: Division, document: Document | None, at: datetime) -> Slot:
    issued = document.issued_at if document else None
    standing = standing_of(day, drafted=document is not None, issued_at=issued, at=at, kind=kind)
    return Slot(day, county, document, standing, due_at(day, kind))


def fallen_due(paths: Sequence[str], period: Period, *, at: datetime, on: date) -> list[Slot]:
    """Every month's and week's report below `paths` that fell due in the span, as it stands at `at` (SUP03).

    A month or a week of which nobody there has a report is left out: before the system ran, nobody was late.
    """
    known = Document.objects.filter(within("path", paths), kind__in=SENT_UP, first_day__gte=period.days[0] - timedelta(days=31))
    days: dict[DocumentKind, set[date]] = {kind: set() for kind in sorted(SENT_UP)}
    for kind, day in known.values_list("kind", "first_day"):
        due = due_at(day, DocumentKind(kind))
        if period.start < due <= day_start(span_of(DocumentKind.CIRCULAR, period.first_day)[1]) and due <= at:
            days[DocumentKind(kind)].add(day)
    return [slot for kind, found in days.items() for slot in slots_of(kind, paths, sorted(found), at=at, on=on)]


def has_weeks() -> bool:
    """Whether anybody has ever had a weekly report here."""
    return Document.objects.filter(kind=DocumentKind.COUNTY_WEEK).exists()


def report_day(path: str) -> ReportDay:
    """The rule by which weekly reports of this place fall due; where nobody has set one, Friday since ever (not saved)."""
    rows = [row for row in ReportDay.objects.all() if path.startswith(row.path)]
    return max(rows, key=lambda row: len(row.path)) if rows else ReportDay(path="/", weekday=FRIDAY)


def weekday_at(path: str) -> int:
    """The day of the week (Monday is 0) on which weekly reports of this place fall due."""
    return report_day(path).weekday


def city_of(division: Division) -> str:
    """The path of the city that a county lies in; a city's own."""
    return division.path if division.level == Level.CITY else division.path.rstrip("/").rpartition("/")[0] + "/"


def _weeks_kept(city: str, today: date, count: int) -> QuerySet[Document]:
    """Weekly reports of counties of the city, of weeks that began in the last `count` weeks or one before."""
    earliest = today - timedelta(days=WEEK_DAYS * (count + 1))
    return Document.objects.filter(within("path", [city]), kind=DocumentKind.COUNTY_WEEK, first_day__gte=earliest).order_by("first_day")


def weeks_of(city: str, today: date, count: int) -> list[date]:
    """First days of the last weeks of a city's reports, newest first: by its rule as long as that has held, and weeks that somebody
    there has a report of, whatever the rule was then."""
    rule = report_day(city)
    kept = _weeks_kept(city, today, count).values_list("first_day", flat=True)
    return sorted({*weeks_back(today, rule.weekday, count, rule.since), *kept}, reverse=True)


def weeks_to_draft(city: str, today: date, count: int) -> list[date]:
    """First days of weeks, at most `count` back, of which every county of the city should have a report by now, newest first.

    None from before somebody there first had one in time; where nobody ever had, only on the fixed day itself.
    """
    rule = report_day(city)
    weeks = weeks_back(today, rule.weekday, count, rule.since)
    ever = Document.objects.filter(within("path", [city]), kind=DocumentKind.COUNTY_WEEK).order_by("first_day")
    written = ever.values_list("first_day", "drafted_at").iterator(chunk_size=100)
    began = next((day for day, at in written if at < due_at(day, DocumentKind.COUNTY_WEEK)), None)
    if began is None:
        return weeks[:1] if today.weekday() == rule.weekday else []
    return [day for day in weeks if day >= began]


def week_slots(paths: Iterable[str], *, at: datetime, on: date) -> list[Slot]:
    """The last weeks of every county under `paths` that somebody of its city has a report of, and the newest one (RPT05).

    Every city by its own rule. Before anybody there had a report, nobody was late.
    """
    cities: dict[str, dict[str, Division]] = {}
    for path in paths:
        for county in divisions(on=on, level=Level.COUNTY, under=path):
            cities.setdefault(city_of(county), {})[county.code] = county
    slots = []
    for city, counties in cities.items():
        kept = set(_weeks_kept(city, on, WEEKS_LISTED).values_list("first_day", flat=True))
        if kept:
            rule = report_day(city)
            slots += _slots(DocumentKind.COUNTY_WEEK, counties, [*kept, *weeks_back(on, rule.weekday, 1, rule.since)], at)
    return sorted(slots, key=lambda slot: slot.first_day, reverse=True)


def notices_in(paths: Iterable[str]) -> QuerySet[Notice]:
    """What circulars are about to say, or said, of units under the paths; newest first."""
    return Notice.objects.filter(within("path", paths)).select_related("document").order_by("-sent_at", "path")


def notices_to_answer(paths: Iterable[str], at: datetime) -> QuerySet[Notice]:
    """Those that wait for a unit's answer, the nearest limit first."""
    rows = notices_in(paths).filter(reply_until__gt=at, document__state=DocumentState.REPLYING).exclude(ANSWERED)
    return rows.order_by("reply_until", "path")


def circulars_to_decide(paths: Iterable[str]) -> QuerySet[Document]:
    """Circulars under the paths that wait for approval."""
    return documents(paths).filter(kind=DocumentKind.CIRCULAR, state=DocumentState.REPLYING)


def notice_by_uid(uid: UUID, paths: Iterable[str]) -> Notice:
    found = notices_in(paths).filter(uid=uid).first()
    if found is None:
        raise NotFound("没有这份告知，或不在您的范围内")
    return found


WRITTEN = 2
"""Paragraphs of a month-end report that a person writes; its figures ask nothing of anybody."""
SECTIONS = 3
"""Sections of a weekly report that a person writes: the fourth, of data, writes itself."""


def asked(first: date, last: date, path: str) -> list[Asked]:
    """The reports that are asked of every county (GOV30): the month's by its last day, where they are written also the weeks'."""
    found, month = [], first.replace(day=1)
    while month <= last:
        due_on = month_end(month) - timedelta(days=1)
        if first <= due_on <= last:
            what = f"{month.year}年{month.month}月县级月报"
            found.append(Asked(Kind.FORM, what, due_on, fields=WRITTEN, path="/", level=Level.COUNTY, link=("reports:report_list",)))
        month = month_end(month)
    return found + (_weeks_asked(first, last, report_day(path)) if has_weeks() else [])


def _weeks_asked(first: date, last: date, rule: ReportDay) -> list[Asked]:
    first = max(first, rule.since or first)
    due = first + timedelta(days=(rule.weekday - first.weekday()) % 7)
    days = [due + timedelta(days=7 * number) for number in range((last - due).days // 7 + 1)] if due <= last else []
    return [
        Asked(Kind.FORM, f"{day.month}月{day.day}日周报", day, fields=SECTIONS, path="/", level=Level.COUNTY, link=("reports:week_list",))
        for day in days
    ]
