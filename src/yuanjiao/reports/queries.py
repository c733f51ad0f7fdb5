"""Reads of reports: documents in scope, a figure with its rows, who is late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.reports.models import Document, Figure, FrozenRow
from yuanjiao.reports.rules import DocumentKind, Measure, Standing, due_at, month_end, standing_of


@dataclass(frozen=True)
class MonthSlot:
    """One county's (or city's) report of one month, written or not."""

    month: date
    county: Division
    document: Document | None
    standing: Standing
    due_at: datetime


def documents(paths: Iterable[str]) -> QuerySet[Document]:
    """Documents of places under `paths`, newest month first."""
    return Document.objects.filter(within("path", paths)).order_by("-month", "place_code")


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


def county_months(paths: Iterable[str], months: Iterable[date], *, at: datetime, on: date) -> list[MonthSlot]:
    """Every county under `paths` for every month: on time, late, missing, drafted or not (RPT01)."""
    wanted = list(months)
    counties = {row.code: row for path in paths for row in divisions(on=on, level=Level.COUNTY, under=path)}
    kept = Document.objects.filter(kind=DocumentKind.COUNTY_MONTH, month__in=wanted, place_code__in=counties)
    by_slot = {(row.month, row.place_code): row for row in kept}
    return [_slot(month, county, by_slot.get((month, county.code)), at) for month in wanted for county in counties.values()]


def city_months(paths: Iterable[str], months: Iterable[date], *, at: datetime, on: date) -> list[MonthSlot]:
    """The reports that cities under `paths` have of these months. Nobody asks for them by a day, so none is late or missing."""
    cities = {row.code: row for path in paths for row in divisions(on=on, level=Level.CITY, under=path)}
    kept = Document.objects.filter(kind=DocumentKind.CITY_MONTH, month__in=list(months), place_code__in=cities).order_by("-month")
    slots = [_slot(row.month, cities[row.place_code], row, at) for row in kept]
    return [replace(slot, standing=Standing.ON_TIME if slot.document and slot.document.issued_at else Standing.DRAFTED) for slot in slots]


def _slot(month: date, county: Division, document: Document | None, at: datetime) -> MonthSlot:
    issued = document.issued_at if document else None
    standing = standing_of(month, drafted=document is not None, issued_at=issued, at=at)
    return MonthSlot(month, county, document, standing, due_at(month))


WRITTEN = 2
"""Paragraphs of a month-end report that a person writes; its figures ask nothing of anybody."""


def asked(first: date, last: date, path: str) -> list[Asked]:
    """The month-end report that is asked of every county, due on the last day of its month (GOV30)."""
    found, month = [], first.replace(day=1)
    while month <= last:
        due_on = month_end(month) - timedelta(days=1)
        if first <= due_on <= last:
            what = f"{month.year}年{month.month}月县级月报"
            found.append(Asked(Kind.FORM, what, due_on, fields=WRITTEN, path="/", level=Level.COUNTY, link=("reports:report_list",)))
        month = month_end(month)
    return found
