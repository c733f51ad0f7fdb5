"""The roll (名册) of a process that keeps counters: every site's placements and every division's path as arrays.

Read again when the register or the divisions have moved. At 700,000 sites reading the rows for every page would cost seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db.models import F, Max, QuerySet
from numpy.typing import NDArray

from yuanjiao.lib import clock
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.counting.reading import Epoch
from yuanjiao.network.counting.reading import moment as moment_of
from yuanjiao.network.models import Lifecycle, ObjectKind, Placement, RegisterVersion
from yuanjiao.network.rules.rates import FOREVER, Ints
from yuanjiao.places.queries import every_row

COUNTED = (Lifecycle.IN_SERVICE, Lifecycle.SUSPENDED)
EPOCH_DAY = date(1970, 1, 1)
AFTER = b"\x7f"
"""Behind every character of a path."""


class Land:
    """Every dated row of a division by its rank in the order of paths: what lies under a path is one run of ranks."""

    def __init__(self, rows: Iterable[tuple[int, str]]) -> None:
        found: list[int] = []
        named: list[bytes] = []
        for key, path in rows:
            found.append(key)
            named.append(path.encode())
        keys, paths = np.array(found, dtype=np.int64), np.array(named, dtype=np.bytes_)
        order = np.argsort(paths, kind="stable")
        self.paths = paths[order]
        self.rank = np.full(int(keys.max(initial=0)) + 1, -1, dtype=np.int32)
        self.rank[keys[order]] = np.arange(len(keys))

    def run(self, path: str) -> tuple[int, int]:
        """The ranks [from, to) under a path."""
        begin = path.encode()
        return int(np.searchsorted(self.paths, begin)), int(np.searchsorted(self.paths, begin + AFTER))

    def under(self, ranks: NDArray[np.int32], paths: Iterable[str]) -> NDArray[np.bool_]:
        """Which of the ranks lie under any of the paths."""
        inside = np.zeros(len(ranks), dtype=bool)
        for path in paths:
            low, high = self.run(path)
            inside |= (ranks >= low) & (ranks < high)
        return inside


@dataclass(frozen=True)
class DayRoll:
    """Who counted on one day, in order of rank: one row per site."""

    ids: Ints
    suspended: NDArray[np.bool_]
    ranks: NDArray[np.int32]

    def run(self, land: Land, path: str) -> slice:
        """The rows under a path."""
        low, high = land.run(path)
        return slice(int(np.searchsorted(self.ranks, low)), int(np.searchsorted(self.ranks, high)))


class Roll:
    """The arrays, and for what they were read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_for: tuple[object, ...] | None = None
        self._days: dict[int, DayRoll] = {}

    def read(self) -> tuple[Ints, Land] | None:
        """(site, division, from, to, suspended) of every placement in order of site and time, and the land; None in other processes."""
        if not COUNTERS.active:
            return None
        wanted = (COUNTERS.owner, *_moved())
        with self._lock:
            if wanted != self._read_for:
                self._land = Land(every_row().values_list("pk", "path").iterator(chunk_size=20_000))
                self._table = placement_table(Placement.objects.filter(object__kind=ObjectKind.SITE, lifecycle__in=COUNTED))
                self._ranks, self._days, self._read_for = self._land.rank[self._table[:, 1]], {}, wanted
            return self._table, self._land

    def day(self, second: int) -> tuple[DayRoll, Land] | None:
        """Who counts in a second; made once a day."""
        found = self.read()
        if found is None:
            return None
        start = int(clock.day_start(clock.local_day(moment_of(second))).timestamp())
        with self._lock:
            if start not in self._days:
                self._days = {start: _day(self._table, self._ranks, second)}
            return self._days[start], self._land


def _day(table: Ints, ranks: NDArray[np.int32], second: int) -> DayRoll:
    here = np.flatnonzero((table[:, 2] <= second) & (table[:, 3] > second))
    here = here[np.argsort(ranks[here], kind="stable")]
    return DayRoll(table[here, 0], table[here, 4] != 0, ranks[here])


def _moved() -> tuple[int, int]:
    """What grows when the register or the divisions change."""
    version = RegisterVersion.objects.filter(pk=1).values_list("number", flat=True).first() or 0
    return version, every_row().aggregate(newest=Max("pk"))["newest"] or 0


def placement_table(rows: QuerySet[Placement]) -> Ints:
    """(site, division, from, to, suspended) of each row in order of site and time; days as local midnights."""
    wanted = rows.order_by("object_id", "valid_from").values_list(
        "object_id", "division_id", Epoch(F("valid_from")), Epoch(F("valid_to")), "lifecycle"
    )
    flat = (
        value
        for pk, division, begin, until, lifecycle in wanted.iterator(chunk_size=20_000)
        for value in (pk, division, begin, -1 if until is None else until, lifecycle == Lifecycle.SUSPENDED)
    )
    table = np.fromiter(flat, dtype=np.int64).reshape(-1, 5)
    table[:, 2], table[:, 3] = _midnights(table[:, 2]), _midnights(table[:, 3])
    return table


def _midnights(days: Ints) -> Ints:
    """Local midnights of days that were read as midnights UTC; -1 is no end."""
    unique, place = np.unique(days, return_inverse=True)
    table = [FOREVER if day < 0 else int(clock.day_start(EPOCH_DAY + timedelta(seconds=day)).timestamp()) for day in unique.tolist()]
    return np.array(table, dtype=np.int64)[place]


ROLL = Roll()
"""The roll of this process."""
