"""Which divisions lay directly below one in a period: the tree of that time, not of today. As columns: a nation has 3,044 counties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import BooleanField, ExpressionWrapper, Q

from yuanjiao.lib import clock
from yuanjiao.network.queries.population import paths_of
from yuanjiao.places.models import Division
from yuanjiao.places.queries import held_between

FIELDS = ("id", "code", "name", "level", "path")
"""What a row of a division is read with; the rest of it is fetched when somebody asks."""
BATCH = 500


@dataclass(frozen=True)
class Children:
    """The divisions below one in code order, one place per code in each column."""

    codes: Sequence[str]
    paths: Sequence[tuple[str, ...]]
    """Where each lay in the period, below that one."""
    whole: Sequence[bool]
    """False where it lay there for a part of the period only."""
    rows: Sequence[tuple[Any, ...]]
    """FIELDS of the newest row of the period."""

    def __len__(self) -> int:
        return len(self.codes)

    def division(self, number: int) -> Division:
        """The newest row of the period."""
        return Division.from_db(DEFAULT_DB_ALIAS, FIELDS, self.rows[number])

    def path(self, number: int) -> str:
        """The path of that row."""
        return str(self.rows[number][4])


def children_of(division: Division, start: datetime, end: datetime | None) -> Children:
    """The divisions below one in [start, end) (at `start` when `end` is None)."""
    first = clock.local_day(start)
    last = first if end is None else max(first, clock.local_day(end - timedelta(seconds=1)))
    above = paths_of(division, start, end)
    all_the_time = Q(valid_from__lte=first) & (Q(valid_to=None) | Q(valid_to__gt=last))
    rows = held_between(first, last).filter(parent__code=division.code).order_by("code", "valid_from")
    here: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows.values_list(*FIELDS, ExpressionWrapper(all_the_time, BooleanField())):
        if any(row[4] == f"{path}{row[1]}/" for path in above):
            here.setdefault(row[1], []).append(row)
    moved = _elsewhere(division, [code for code, of in here.items() if not of[0][5]], first, last)
    return Children(
        codes=list(here),
        paths=[tuple(sorted({row[4] for row in of})) for of in here.values()],
        whole=[code not in moved for code in here],
        rows=[of[-1][:5] for of in here.values()],
    )


def _elsewhere(division: Division, partly: Sequence[str], first: date, last: date) -> set[str]:
    """Those of the codes that lay somewhere else in a part of [first, last]; who lay here all the time did not, and is not asked about."""
    moved: set[str] = set()
    for start in range(0, len(partly), BATCH):
        rows = held_between(first, last).filter(code__in=partly[start : start + BATCH]).exclude(parent__code=division.code)
        moved.update(rows.values_list("code", flat=True))
    return moved
