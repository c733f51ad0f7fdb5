"""Which divisions lay directly below one in a period: the tree of that time, not of today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from yuanjiao.lib import clock
from yuanjiao.network.queries.population import paths_of
from yuanjiao.places.models import Division
from yuanjiao.places.queries import held_between


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
    above = paths_of(division, start, end)
    rows = held_between(first, last).filter(parent__code=division.code).order_by("code", "valid_from")
    here: dict[str, list[Division]] = {}
    for row in rows:
        if any(row.path == f"{path}{row.code}/" for path in above):
            here.setdefault(row.code, []).append(row)
    elsewhere = held_between(first, last).filter(code__in=here).exclude(parent__code=division.code)
    moved = set(elsewhere.values_list("code", flat=True))
    return [Child(rows[-1], tuple(sorted({row.path for row in rows})), code not in moved) for code, rows in here.items()]
