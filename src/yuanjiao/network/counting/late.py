"""New rows by the time they speak of: which sites' sums of a finished day they may have made old."""

from __future__ import annotations

import numpy as np

from yuanjiao.network.counting.rollups import Seen
from yuanjiao.network.rules.rates import FOREVER, Ints

CHANGE, TEST = 0, 1
KEPT = 2_000_000
"""Rows kept; beyond it sums that have not seen them are not used."""


class Late:
    """Every row written since `since`, as (table, key, site, from, to) in seconds."""

    def __init__(self, since: Seen = Seen(0, 0)) -> None:  # noqa: B008  # frozen
        self.since = since
        self.rows = np.zeros((0, 5), np.int64)

    def take(self, spans: Ints, tests: Ints) -> None:
        """New rows, as they are read (`reading.span_rows`, `reading.test_rows`)."""
        if len(spans):
            self._keep(CHANGE, spans[:, 6], spans[:, 0], spans[:, 2], spans[:, 3])
        if len(tests):
            self._keep(TEST, tests[:, 3], tests[:, 0], tests[:, 1], np.full(len(tests), FOREVER))

    def _keep(self, kind: int, key: Ints, site: Ints, begin: Ints, end: Ints) -> None:
        self.rows = np.concatenate([self.rows, np.stack([np.full(len(key), kind), key, site, begin, end], axis=1)])

    def prune(self, kept: Seen, seen: Seen) -> None:
        """Forget rows up to `kept`, which every sum in use has seen; up to `seen` when too many would stay."""
        through = kept if len(self.rows) <= KEPT else seen
        self.rows = self.rows[self.rows[:, 1] > np.where(self.rows[:, 0] == CHANGE, through.change, through.test)]
        self.since = through

    def sites(self, start: int, end: int, seen: Seen) -> Ints | None:
        """Sites of which a row that a sum has not seen touches [start, end); None when that is not known."""
        if seen.change < self.since.change or seen.test < self.since.test:
            return None
        kind, key, site, begin, until = self.rows.T
        unseen = key > np.where(kind == CHANGE, seen.change, seen.test)
        return np.unique(site[unseen & (begin < end) & (until > start)])
