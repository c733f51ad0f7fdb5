"""Columns: those open on a day for readers, those a person manages, how they keep what they promise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from yuanjiao.courseware.counting import Freshness, freshness_of
from yuanjiao.courseware.models import Column, ColumnAlarm, ColumnCategory, Placement
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission


@dataclass(frozen=True)
class ColumnNow:
    """One column open on the day asked for. `audience` is a division path, '/' is everybody."""

    uid: UUID
    title: str
    summary: str
    owner_name: str
    audience: str
    items: int


def columns_now(*, on: date, path: str | None = None) -> list[ColumnNow]:
    """Columns open on a day, in order. `path` leaves only those whose audience includes that division; None asks for all."""
    shown = Q(placements__courseware__state=State.RELEASED) & in_force(on, "placements__courseware__")
    rows = open_columns(on, path).annotate(items=Count("placements", filter=shown))
    return [
        ColumnNow(uid=row.uid, title=row.title, summary=row.summary, owner_name=row.owner.name, audience=row.audience, items=int(row.items))
        for row in rows.select_related("owner")
    ]


@dataclass(frozen=True)
class CategoryNow:
    """One sub-category of a column with how many items that are shown stand in it."""

    uid: UUID
    title: str
    items: int


def categories_now(column: UUID, *, on: date) -> list[CategoryNow]:
    """The sub-categories of a column in order, with how many items stand in each on a day; empty for a column without any."""
    released = Q(placements__courseware__state=State.RELEASED) & in_force(on, "placements__courseware__")
    rows = ColumnCategory.objects.filter(column__uid=column).annotate(items=Count("placements", filter=released))
    return [CategoryNow(row.uid, row.title, int(row.items)) for row in rows.order_by("order", "pk")]


def in_force(on: date, before: str = "") -> Q:
    """A filter for items whose rights are in force on a day (CW08); `before` leads to the item, such as 'courseware__'."""
    begun = Q(**{f"{before}rights_from": None}) | Q(**{f"{before}rights_from__lte": on})
    return begun & (Q(**{f"{before}rights_to": None}) | Q(**{f"{before}rights_to__gt": on}))


def open_columns(on: date, path: str | None) -> QuerySet[Column]:
    """Columns open on a day, in order; `path` leaves only those whose audience includes that division."""
    rows = Column.objects.filter(Q(visible_to=None) | Q(visible_to__gt=on), visible_from__lte=on).order_by("order", "uid")
    if path is None:
        return rows
    parts = [part for part in path.split("/") if part]
    audiences = ["/", *("/" + "/".join(parts[:n]) + "/" for n in range(1, len(parts) + 1))]
    return rows.filter(audience__in=audiences)


def titles_of_items(ids: Iterable[int]) -> dict[int, list[str]]:
    """Titles of the columns each of the items (by primary key) stands in, in the order of the columns."""
    titles: dict[int, list[str]] = defaultdict(list)
    for pk, title in (
        Placement.objects.filter(courseware__in=ids).order_by("column__order", "column__uid").values_list("courseware_id", "column__title")
    ):
        titles[pk].append(title)
    return titles


# -- our own pages ------------------------------------------------------------------------------------------------------------


def columns_managed_by(by: Actor) -> QuerySet[Column]:
    """Columns whose owner lies in a subtree where the person manages columns, in their order."""
    inside = within("owner__division__path", by.paths(Permission.MANAGE_COLUMNS))
    return Column.objects.filter(inside).select_related("owner__division").order_by("order", "pk")


def column_for(by: Actor, uid: UUID) -> Column:
    """One of those columns; NotFound for any other."""
    row = columns_managed_by(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有找到这个栏目，或不在您负责的范围内")
    return row


def freshness_managed_by(by: Actor, *, on: date) -> list[Freshness]:
    """How every column this person manages stands on a day (DLV04, CW15); columns not open that day are left out."""
    shown = columns_managed_by(by).filter(Q(visible_to=None) | Q(visible_to__gt=on), visible_from__lte=on)
    return freshness_of(shown, on)


def alarms_managed_by(by: Actor) -> QuerySet[ColumnAlarm]:
    """Alarms of those columns that are open, the oldest first."""
    rows = ColumnAlarm.objects.filter(column__in=columns_managed_by(by), closed_on=None)
    return rows.select_related("column__owner").order_by("opened_on", "pk")


def adoptable_by(by: Actor, *, on: date) -> QuerySet[Placement]:
    """What columns of lower units show that stands in no column of the person's own units yet (DLV05), the newest first."""
    paths = by.paths(Permission.MANAGE_COLUMNS)
    own = Column.objects.filter(owner__division__path__in=paths)
    shown = Column.objects.filter(within("owner__division__path", paths)).exclude(owner__division__path__in=paths)
    shown = shown.filter(Q(visible_to=None) | Q(visible_to__gt=on), visible_from__lte=on)
    rows = Placement.objects.filter(column__in=shown, courseware__state=State.RELEASED)
    taken = Placement.objects.filter(column__in=own).values("courseware")
    return rows.exclude(courseware__in=taken).select_related("column__owner", "courseware__unit").order_by("-placed_at", "-pk")


def column_titles(uids: Iterable[UUID]) -> dict[UUID, str]:
    """Titles of columns by uid; columns this machine does not hold are left out."""
    return dict(Column.objects.filter(uid__in=set(uids)).values_list("uid", "title"))


def placement_for(by: Actor, uid: UUID) -> Placement:
    """One place in one of those columns; NotFound for any other."""
    row = (
        Placement.objects.filter(uid=uid, column__in=columns_managed_by(by)).select_related("column__owner__division", "courseware").first()
    )
    if row is None:
        raise NotFound("已经不在这个栏目里")
    return row
