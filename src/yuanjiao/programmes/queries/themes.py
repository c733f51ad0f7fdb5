"""Themes as faces show them, and as their owners manage them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import QuerySet

from yuanjiao.courseware.queries import ColumnNow, columns_now
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.programmes.models import Theme
from yuanjiao.programmes.queries.scopes import shown_at


@dataclass(frozen=True)
class ThemeNow:
    """One theme shown on a day: only its columns that are open that day. `banner` is the SHA-256 of a JPEG, or empty."""

    uid: UUID
    title: str
    summary: str
    unit_name: str
    starts_on: date
    ends_on: date
    banner: str
    columns: tuple[ColumnNow, ...]

    @property
    def items(self) -> int:
        return sum(one.items for one in self.columns)


def themes_now(*, on: date, path: str | None = None) -> list[ThemeNow]:
    """Themes of a day in order; a theme is gone by itself on the day it ends, online or not (DLV12)."""
    rows = Theme.objects.filter(shown_at("audience", path), starts_on__lte=on, ends_on__gt=on)
    shown = {column.uid: column for column in columns_now(on=on, path=path)}
    return [_now(row, shown) for row in rows.select_related("unit").prefetch_related("columns").order_by("order", "starts_on", "uid")]


def _now(row: Theme, shown: dict[UUID, ColumnNow]) -> ThemeNow:
    columns = tuple(shown[one.column_uid] for one in row.columns.all() if one.column_uid in shown)
    return ThemeNow(row.uid, row.title, row.summary, row.unit.name, row.starts_on, row.ends_on, row.banner, columns)


def theme_now(uid: UUID, *, on: date, path: str | None = None) -> ThemeNow:
    found = next((one for one in themes_now(on=on, path=path) if one.uid == uid), None)
    if found is None:
        raise NotFound("没有这个主题，或已经结束")
    return found


def themes_managed_by(by: Actor) -> QuerySet[Theme]:
    """Themes of units in the subtrees where the person manages columns, the newest first."""
    rows = Theme.objects.filter(within("unit__division__path", by.paths(Permission.MANAGE_COLUMNS)))
    return rows.select_related("unit__division").prefetch_related("columns").order_by("-ends_on", "order", "pk")
