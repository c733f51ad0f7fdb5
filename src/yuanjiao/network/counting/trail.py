"""Following a growing table: which rows are new since the last look, also where a number was given before and written later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import Max, Q, QuerySet

from yuanjiao.network.rules.rates import Ints

WAIT_S = 900
"""A number that has not appeared for so long never will: its transaction was undone."""
LOOK_BACK = 20_000
"""Numbers before the newest among which a new trail looks for transactions that are still open elsewhere."""


@dataclass
class Trail:
    """How far one table has been read. `gaps` are ranges of numbers not seen yet, with the moment they were noticed."""

    last: int = 0
    gaps: list[tuple[int, int, float]] = field(default_factory=list)

    @property
    def through(self) -> int:
        """The number up to which every row has been seen."""
        return min((gap[0] - 1 for gap in self.gaps), default=self.last)

    def unseen(self) -> Q:
        """Rows this trail has not seen."""
        wanted = Q(pk__gt=self.last)
        for low, high, _ in self.gaps:
            wanted |= Q(pk__range=(low, high))
        return wanted

    def took(self, ids: Ints, now: float) -> None:
        """These rows have been read now (seconds)."""
        ids = np.sort(ids)
        waiting = [(low, high, since) for low, high, since in self.gaps if now - since < WAIT_S]
        newest = int(ids.max(initial=self.last))
        waiting.append((self.last + 1, newest, now))
        self.gaps = [(a, b, since) for low, high, since in waiting for a, b in missing(ids, low, high)]
        self.last = max(self.last, newest)


def missing(ids: Ints, low: int, high: int) -> list[tuple[int, int]]:
    """Ranges of [low, high] that do not occur in the sorted `ids`."""
    here = ids[np.searchsorted(ids, low) : np.searchsorted(ids, high, side="right")]
    marks = np.concatenate(([low - 1], here, [high + 1]))
    holes = np.flatnonzero(np.diff(marks) > 1)
    return [(int(marks[hole]) + 1, int(marks[hole + 1]) - 1) for hole in holes]


def begin(rows: QuerySet[Any], now: float) -> Trail:
    """A trail that has seen all there is."""
    newest = rows.aggregate(newest=Max("pk"))["newest"] or 0
    trail = Trail(max(newest - LOOK_BACK, 0))
    trail.took(np.fromiter(rows.filter(pk__gt=trail.last, pk__lte=newest).values_list("pk", flat=True), np.int64), now)
    return trail
