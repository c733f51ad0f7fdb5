"""Counts of columns and their sub-categories (CW15, DLV04): how many released items, how fresh. Read at the moment of asking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Count, Max, Sum

from yuanjiao.courseware.models import Column, ColumnCategory, Courseware, Placement, Rendition, SearchDue
from yuanjiao.courseware.rules import freshness
from yuanjiao.courseware.rules.freshness import Finding, Placed, Promise
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.clock import local_day

WEEKS = 8


@dataclass(frozen=True)
class CategoryCount:
    """One sub-category of a column with its released items; `findings` says whether it is empty or stale. `uid` None: in none of them."""

    uid: UUID | None
    title: str
    items: int
    newest_on: date | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Freshness:
    """How a column stands on a day. `weeks` are (Monday, items placed), the running week last."""

    column: Column
    items: int
    newest_on: date | None
    last_week: int
    weeks: tuple[tuple[date, int], ...]
    worst_delay_days: int | None
    findings: tuple[Finding, ...]
    categories: tuple[CategoryCount, ...]

    @property
    def categories_wanting(self) -> int:
        """Sub-categories that are empty or stale."""
        return sum(bool(one.findings) for one in self.categories if one.uid)


def freshness_of(columns: Iterable[Column], on: date) -> list[Freshness]:
    """How each of these columns stands, in their order; two queries for all of them."""
    wanted = list(columns)
    placed: dict[int, dict[int | None, list[Placed]]] = defaultdict(lambda: defaultdict(list))
    rows = Placement.objects.filter(column__in=[one.pk for one in wanted], courseware__state=State.RELEASED)
    for column, category, at, source_on in rows.values_list("column_id", "category_id", "placed_at", "source_on"):
        placed[column][category].append(Placed(local_day(at), source_on))
    categories: dict[int, list[ColumnCategory]] = defaultdict(list)
    for row in ColumnCategory.objects.filter(column__in=[one.pk for one in wanted]):
        categories[row.column_id].append(row)
    return [_freshness(one, categories[one.pk], placed[one.pk], on) for one in wanted]


def _freshness(column: Column, categories: Sequence[ColumnCategory], by_category: dict[int | None, list[Placed]], on: date) -> Freshness:
    placed = [one for several in by_category.values() for one in several]
    delays = [one.delay_days for one in placed if one.delay_days is not None]
    promise = Promise(column.visible_from, column.min_weekly, column.max_delay_days)
    counts = [_category(row.uid, row.title, by_category.get(row.pk, []), column.visible_from, on) for row in categories]
    if categories and by_category.get(None):
        counts.append(_category(None, "未分类", by_category[None], column.visible_from, on))
    return Freshness(
        column=column,
        items=len(placed),
        newest_on=max((one.on for one in placed), default=None),
        last_week=freshness.in_last_week(placed, on),
        weeks=tuple(freshness.weeks(placed, on, WEEKS)),
        worst_delay_days=max(delays, default=None),
        findings=tuple(freshness.findings(promise, placed, on)),
        categories=tuple(counts),
    )


def _category(uid: UUID | None, title: str, placed: Sequence[Placed], since: date, on: date) -> CategoryCount:
    newest = max((one.on for one in placed), default=None)
    found = freshness.findings(Promise(since), placed, on) if uid else []
    return CategoryCount(uid, title, len(placed), newest, tuple(found))


# -- whether lists may have changed --------------------------------------------------------------------------------------------


def shown_mark() -> tuple[object, ...]:
    """Another value after every release, withdrawal, placement, change of order or of a column; cheap enough for once a second.

    It does not tell every edit: whoever keeps pages by it must make them anew from time to time.
    """
    released = Courseware.objects.filter(state=State.RELEASED).aggregate(n=Count("pk"), newest=Max("released_at"))
    places = Placement.objects.aggregate(n=Count("pk"), newest=Max("pk"), order=Sum("order"))
    columns = tuple(Column.objects.order_by("pk").values_list("pk", "title", "order", "visible_from", "visible_to", "audience"))
    due, renditions = SearchDue.objects.aggregate(n=Max("pk")), Rendition.objects.aggregate(n=Max("pk"))
    return (*released.values(), *places.values(), columns, due["n"], renditions["n"])
