"""Which divisions lay directly below one in a period: the tree of that time, not of today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from yuanjiao.lib import clock
from yuanjiao.network.queries.population import paths_of
from yuanjiao.places.models import Division


@dataclass(frozen=True)
class Child:
    """One division that lay directly below: its newest row of the period, its paths there, and whether it lay there all the time."""

    division: Division
    paths: tuple[str, ...]
    whole: bool


def children_of(division: Division, start: datetime, end: datetime | None) -> list[Child]:
    """The divisions below one in [start, end) (at `start` when `end` is None), in code order."""
    first = clock.local_day(start)
    last = first if end is None else max(first, clock.local_day(end - timedelta(seconds=1)))
    overlap = Q(valid_to=None) | Q(valid_to__gt=first)
    above = paths_of(division, start, end)
    rows = Division.objects.filter(overlap, parent__code=division.code, valid_from__lte=last).order_by("code", "valid_from")
    here: dict[str, list[Division]] = {}
    for row in rows:
        if any(row.path == f"{path}{row.code}/" for path in above):
            here.setdefault(row.code, []).append(row)
    elsewhere = Division.objects.filter(overlap, code__in=here, valid_from__lte=last).exclude(parent__code=division.code)
    moved = set(elsewhere.values_list("code", flat=True))
    return [Child(rows[-1], tuple(sorted({row.path for row in rows})), code not in moved) for code, rows in here.items()]
