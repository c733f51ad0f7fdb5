"""How items are used: sums per item and place, with small numbers hidden (FBK08)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from yuanjiao.courseware.queries import item_titles
from yuanjiao.people.queries import within
from yuanjiao.places.models import Division
from yuanjiao.programmes.models import PlayCount
from yuanjiao.programmes.models.use import SUMS

CITY_SLASHES = 3
"""A division path of a province or a city has at most so many."""
FEWEST = 5
"""Numbers below this are not shown: in a village few plays are nearly a person (FBK08)."""
STEP = 5
"""All others are rounded to the nearest multiple of it, each sum for itself: a county that is hidden cannot be reckoned from the city's
sum and the other counties, nor one evening from the sums of yesterday and today."""
ENOUGH = 20
"""Plays from which a rate of completion says anything; it is made of the rounded numbers, so it gives nothing more away."""


@dataclass(frozen=True)
class ItemUse:
    """One item's sums over a span and some places, rounded (STEP). None stands for a number too small to be shown.

    `completion` is a share, `mean_rating` is rounded to half a star.
    """

    item: UUID
    title: str
    started: int | None
    completion: float | None
    ratings: int | None
    mean_rating: float | None


def item_use(paths: Iterable[str], start: date, end: date) -> list[ItemUse]:
    """Every item played in the half-open span at machines of these places, the most played first."""
    wanted = list(paths)
    seen = within("path", wanted)
    if any(path.count("/") <= CITY_SLASHES for path in wanted):
        seen |= Q(path="/")  # plays at the top's own portal belong to whoever sees the whole city
    rows = _sums(PlayCount.objects.filter(seen, day__gte=start, day__lt=end), "item_uid")
    titles = item_titles(rows)
    found = [_use(uid, titles.get(uid, "（已不在库中）"), sums) for uid, sums in rows.items()]
    return sorted(found, key=lambda one: (-(one.started or 0), one.title))


def use_by_county(item: UUID, places: Sequence[Division], start: date, end: date) -> list[tuple[str, ItemUse]]:
    """One item's sums for each of these places that played it."""
    rows = PlayCount.objects.filter(item_uid=item, day__gte=start, day__lt=end)
    by_path = _sums(rows, "path")
    found = []
    for place in places:
        parts = [sums for path, sums in by_path.items() if path.startswith(place.path)]
        if parts:
            total = {name: sum(part[name] for part in parts) for name in SUMS}
            found.append((place.name, _use(item, "", total)))
    return found


def _sums(rows: QuerySet[PlayCount], key: str) -> dict[Any, dict[str, int]]:
    found: dict[Any, dict[str, int]] = defaultdict(dict)
    for row in rows.order_by().values(key).annotate(**{f"sum_{name}": Sum(name) for name in SUMS}):
        found[row[key]] = {name: int(row[f"sum_{name}"]) for name in SUMS}
    return found


def _use(item: UUID, title: str, sums: dict[str, int]) -> ItemUse:
    started, rated = sums["started"], sum(sums[f"rated_{n}"] for n in range(1, 6))
    points = sum(n * sums[f"rated_{n}"] for n in range(1, 6))
    shown, ended = _rounded(started), _rounded(sums["finished"])
    return ItemUse(
        item=item,
        title=title,
        started=shown if started >= FEWEST else None,
        completion=min(ended / shown, 1.0) if started >= ENOUGH else None,
        ratings=_rounded(rated) if rated >= FEWEST else None,
        mean_rating=_rounded(points * 10 // rated) / 10 if rated >= FEWEST else None,
    )


def _rounded(number: int) -> int:
    return (number + STEP // 2) // STEP * STEP
