"""The roll (名册) of a process that keeps counters: every site's placements and every division's path as arrays.

Read again when the register or the divisions have moved: of the register only what has changed, where it says so. At 700,000 sites
reading the rows for every page would cost seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from django.db.models import F, Max, QuerySet
from numpy.typing import NDArray

from yuanjiao.lib import clock
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.counting.reading import Epoch
from yuanjiao.network.counting.reading import moment as moment_of
from yuanjiao.network.models import FormerLabels, Lifecycle, ObjectKind, Placement, Site, edits_between, version_number
from yuanjiao.network.rules.labels import LABELS, Former
from yuanjiao.network.rules.rates import FOREVER, Ints
from yuanjiao.places.queries import divisions, every_row
from yuanjiao.places.rules import Level

COUNTED = (Lifecycle.IN_SERVICE, Lifecycle.SUSPENDED)
EPOCH_DAY = date(1970, 1, 1)
FEW = 500
"""Keys in one query."""
Stamp = tuple[object, int, int]
AFTER = b"\x7f"
"""Behind every character of a path."""


class Land:
    """Every dated row of a division by its rank in the order of paths: what lies under a path is one run of ranks."""

    def __init__(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Rows are (key, path, urban/rural code)."""
        found: list[int] = []
        named: list[bytes] = []
        kinds: list[bytes] = []
        for key, path, kind in rows:
            found.append(key)
            named.append(path.encode())
            kinds.append(kind[:1].encode())
        keys, paths = np.array(found, dtype=np.int64), np.array(named, dtype=np.bytes_)
        order = np.argsort(paths, kind="stable")
        self.paths = paths[order]
        self.kinds = np.array(kinds, dtype="S1")[order]
        """The first digit of each row's urban/rural code (1 urban, 2 rural), empty where it has none."""
        self.keys = keys[order]
        self.rank = np.full(int(keys.max(initial=0)) + 1, -1, dtype=np.int32)
        self.rank[keys[order]] = np.arange(len(keys))

    @cached_property
    def number(self) -> Ints:
        """A number for each rank, the same for rows with the same path: a renamed place has two."""
        fresh = np.append([True] * (len(self.paths) > 0), self.paths[1:] != self.paths[:-1])
        return np.cumsum(fresh) - 1

    def run(self, path: str) -> tuple[int, int]:
        """The ranks [from, to) under a path."""
        low, high = self.runs([path])
        return int(low[0]), int(high[0])

    def runs(self, paths: Sequence[str]) -> tuple[Ints, Ints]:
        """The ranks [from, to) under each of the paths."""
        begins = [path.encode() for path in paths]
        ends = [begin + AFTER for begin in begins]
        return np.searchsorted(self.paths, np.array(begins, np.bytes_)), np.searchsorted(self.paths, np.array(ends, np.bytes_))

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

    def runs(self, land: Land, paths: Sequence[str]) -> tuple[Ints, Ints]:
        """The rows [from, to) under each of the paths."""
        low, high = land.runs(paths)
        return np.searchsorted(self.ranks, low), np.searchsorted(self.ranks, high)


@dataclass(frozen=True)
class Labels:
    """A field of every site: `names[code[key]]` is what it says of the site with that key; "" of one without a row."""

    names: NDArray[np.str_]
    code: NDArray[np.int32]

    def with_rows(self, rows: Iterable[tuple[int, str]]) -> Labels:
        """The same with what some sites say now."""
        known = {name: number for number, name in enumerate(self.names.tolist())}
        found = [(pk, known.setdefault(text, len(known))) for pk, text in rows]
        code = np.zeros(max(len(self.code), 1 + max((pk for pk, _ in found), default=-1)), np.int32)
        code[: len(self.code)] = self.code
        for pk, number in found:
            code[pk] = number
        return Labels(np.array(list(known), dtype=np.str_), code)


class Roll:
    """The arrays, and for what they were read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_for: Stamp | None = None
        self._days: dict[int, DayRoll] = {}
        self._labels: dict[str, Labels] = {}
        self._former: Former | None = None
        self._villages: dict[date, NDArray[np.int32]] = {}

    def read(self) -> tuple[Ints, Land] | None:
        """Columns (site, division, from, to, suspended) of every placement in order of site and time, and the land; None elsewhere."""
        if not COUNTERS.active:
            return None
        wanted = (COUNTERS.owner, *_moved())
        with self._lock:
            if wanted != self._read_for and not self._follow(wanted):
                self._land = Land(every_row().values_list("pk", "path", "urban_rural").iterator(chunk_size=20_000))
                self._table = placement_table(_counted())
                self._use(self._table, wanted)
                self._labels, self._former = {}, None
            return self._table, self._land

    def _use(self, table: Ints, wanted: Stamp) -> None:
        self._table = table
        self._table.setflags(write=False)  # populations are made of it
        self._ranks, self._days, self._villages, self._read_for = self._land.rank[table[1]], {}, {}, wanted

    def _follow(self, wanted: Stamp) -> bool:
        """Read again only the objects that the register says have changed; False when it does not say, or divisions have come."""
        if self._read_for is None or (wanted[0], wanted[2]) != (self._read_for[0], self._read_for[2]):
            return False
        keys = edits_between(self._read_for[1], wanted[1])
        if keys is None:
            return False
        if keys:
            kept = self._table[:, ~np.isin(self._table[0], keys)]
            parts = [keys[start : start + FEW] for start in range(0, len(keys), FEW)]
            fresh = [placement_table(_counted().filter(object__in=part)) for part in parts]
            table = np.concatenate([kept, *fresh], axis=1)
            self._labels = {field: labels.with_rows(_labels_of(parts, field)) for field, labels in self._labels.items()}
            if self._former is not None:
                self._former = self._former.replacing(keys, [former_labels(FormerLabels.objects.filter(site__in=part)) for part in parts])
            self._use(table[:, np.argsort(table[0], kind="stable")], wanted)
        self._read_for = wanted
        return True

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

    def labels(self, field: str) -> Labels | None:
        """A field of every site, read once; None in other processes."""
        if self.read() is None:
            return None
        with self._lock:
            if field not in self._labels:
                self._labels[field] = labels_of(Site.objects.values_list("pk", field).order_by().iterator(chunk_size=20_000))
            return self._labels[field]

    def former(self) -> Former | None:
        """What sites were before, read once; None in other processes."""
        if self.read() is None:
            return None
        with self._lock:
            if self._former is None:
                self._former = former_labels(FormerLabels.objects.all())
            return self._former

    def villages(self, day: date) -> NDArray[np.int32] | None:
        """The ranks of the village divisions in force on a day, in order; None in other processes."""
        if self.read() is None:
            return None
        with self._lock:
            if day not in self._villages:
                keys = divisions(on=day, level=Level.VILLAGE).order_by().values_list("pk", flat=True).iterator(chunk_size=20_000)
                self._villages = {day: np.sort(self._land.rank[np.fromiter(keys, np.int64)])}
            return self._villages[day]


def _counted() -> QuerySet[Placement]:
    return Placement.objects.filter(object__kind=ObjectKind.SITE, lifecycle__in=COUNTED)


def _labels_of(parts: Iterable[Sequence[int]], field: str) -> list[tuple[int, str]]:
    """What a field says of these sites now."""
    return [row for part in parts for row in Site.objects.filter(pk__in=part).values_list("pk", field)]


def former_labels(rows: QuerySet[FormerLabels]) -> Former:
    """The rows as arrays; days before all moments tell nothing."""
    known: dict[str, int] = {}
    wanted = rows.filter(until__gt=EPOCH_DAY).order_by("site_id", "until").values_list("site_id", Epoch(F("until")), *LABELS)
    flat = (
        value
        for pk, until, *texts in wanted.iterator(chunk_size=20_000)
        for value in (pk, until, *(known.setdefault(text, len(known)) for text in texts))
    )
    table = np.fromiter(flat, dtype=np.int64).reshape(-1, 2 + len(LABELS)).T
    return Former(table[0].copy(), _midnights(table[1]), tuple(known), table[2:].astype(np.int32))


def labels_of(rows: Iterable[tuple[int, str]]) -> Labels:
    """(key, text) of each site as codes of the different texts."""
    known = {"": 0}
    flat = np.fromiter((value for pk, text in rows for value in (pk, known.setdefault(text, len(known)))), dtype=np.int64).reshape(-1, 2)
    code = np.zeros(int(flat[:, 0].max(initial=-1)) + 1, np.int32)
    code[flat[:, 0]] = flat[:, 1]
    return Labels(np.array(list(known), dtype=np.str_), code)


def _day(table: Ints, ranks: NDArray[np.int32], second: int) -> DayRoll:
    here = np.flatnonzero((table[2] <= second) & (table[3] > second))
    here = here[np.argsort(ranks[here], kind="stable")]
    return DayRoll(table[0, here], table[4, here] != 0, ranks[here])


def _moved() -> tuple[int, int]:
    """What grows when the register or the divisions change."""
    return version_number(), every_row().aggregate(newest=Max("pk"))["newest"] or 0


def placement_table(rows: QuerySet[Placement]) -> Ints:
    """Columns (site, division, from, to, suspended) of the rows in order of site and time; days as local midnights."""
    wanted = rows.order_by("object_id", "valid_from").values_list(
        "object_id", "division_id", Epoch(F("valid_from")), Epoch(F("valid_to")), "lifecycle"
    )
    flat = (
        value
        for pk, division, begin, until, lifecycle in wanted.iterator(chunk_size=20_000)
        for value in (pk, division, begin, -1 if until is None else until, lifecycle == Lifecycle.SUSPENDED)
    )
    table = np.fromiter(flat, dtype=np.int64).reshape(-1, 5).T.copy()
    table[2], table[3] = _midnights(table[2]), _midnights(table[3])
    return table


def _midnights(days: Ints) -> Ints:
    """Local midnights of days that were read as midnights UTC; -1 is no end."""
    unique, place = np.unique(days, return_inverse=True)
    table = [FOREVER if day < 0 else int(clock.day_start(EPOCH_DAY + timedelta(seconds=day)).timestamp()) for day in unique.tolist()]
    return np.array(table, dtype=np.int64)[place]


ROLL = Roll()
"""The roll of this process."""
