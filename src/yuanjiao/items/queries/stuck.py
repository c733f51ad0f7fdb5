"""Where open items wait, and for how long (SUP02)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Min, Q, QuerySet, When
from django.db.models.functions import Coalesce

from yuanjiao.items.models import Item
from yuanjiao.items.rules import ENDED, WITH_OWNER
from yuanjiao.places.models import LEVEL_NAMES

LONG = timedelta(days=7)
"""Waiting longer than this is shown by itself."""


@dataclass(frozen=True)
class Waiting:
    """Open items that wait at one level: with the unit that must do them, or with the side that gave them out and checks them."""

    level: int
    level_name: str
    with_owner: int
    with_giver: int
    long: int
    oldest: datetime | None

    @property
    def total(self) -> int:
        return self.with_owner + self.with_giver


def at_level(prefix: str = "") -> Case:
    """The level at which an open item waits: of the owner unit while its clock runs, else of who gave it out."""
    owner, giver = F(f"{prefix}lead_unit__division__level"), F(f"{prefix}given_by__division__level")
    return Case(
        When(**{f"{prefix}state__in": WITH_OWNER}, then=owner),
        default=Coalesce(giver, F(f"{prefix}division__level")),
        output_field=IntegerField(),
    )


def stuck_at(rows: QuerySet[Item], level: int) -> QuerySet[Item]:
    """Open items of `rows` that wait at the level."""
    return rows.exclude(state__in=ENDED).annotate(waits_at=at_level()).filter(waits_at=level)


def stuck_summary(rows: QuerySet[Item], at: datetime) -> list[Waiting]:
    """One line per level, the topmost first; levels where nothing waits are left out."""
    running = Q(state__in=WITH_OWNER)
    found = (
        rows.exclude(state__in=ENDED)
        .order_by()
        .annotate(waits_at=at_level())
        .values("waits_at")
        .annotate(
            with_owner=Count("pk", filter=running),
            with_giver=Count("pk", filter=~running),
            long=Count("pk", filter=Q(moved_at__lte=at - LONG)),
            oldest=Min("moved_at"),
        )
    )
    return sorted(_lines(found), key=lambda row: row.level)


def _lines(found: Iterable[dict[str, Any]]) -> list[Waiting]:
    names = {int(level): str(name) for level, name in LEVEL_NAMES}
    return [Waiting(level=row["waits_at"], level_name=names[row["waits_at"]], **_counts(row)) for row in found if row["waits_at"] in names]


def _counts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("with_owner", "with_giver", "long", "oldest")}
