"""Who counts in a rate of a period: the sites by where they stood and whether they served, day by day, as arrays.

One row per site and placement in [start, end): a site that moved in mid-period gives its seconds to each place, and what was
suspended by decision is set apart in the place where it was. Announced maintenance is cut out of the service of each row. Where it is
asked what sites were (`labelled`), rows are cut on the days of which that changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet
from numpy.typing import NDArray

from yuanjiao.lib import clock
from yuanjiao.network.counting.reading import moment
from yuanjiao.network.models import FormerLabels, Lifecycle, ObjectKind, Placement, Site
from yuanjiao.network.queries.maintenance import windows_by_site
from yuanjiao.network.queries.roll import COUNTED, ROLL, Land, former_labels, labels_of, placement_table
from yuanjiao.network.rules.labels import LABELS, Former
from yuanjiao.network.rules.pieces import Pieces, serving_pieces
from yuanjiao.network.rules.rates import Ints
from yuanjiao.places.models import Division
from yuanjiao.places.queries import every_row, held_between, valid_on

BATCH = 500
Columns = tuple[Ints, Ints, Ints, Ints, Ints]
"""Site, division, from, to, suspended."""


@dataclass(frozen=True)
class Population:
    """The rows (site, placement) of a period, in order of site and time. All times are seconds since 1970, cut to [start, end)."""

    asked: tuple[str, ...]
    """The paths asked for."""
    only: tuple[int, ...] | None
    """The sites asked for, None for all under the paths."""
    start: int
    end: int
    ids: Ints
    """Key of each row's site."""
    division: Ints
    """Key of the division row in which the site stood."""
    first: Ints
    last: Ints
    suspended: Ints
    """1 where the row's days are set apart by a decision, 0 where the site served."""
    places: Mapping[int, tuple[str, str]]
    """Path and urban/rural code of each division row that occurs."""
    windows: Mapping[int, Sequence[tuple[int, int]]]
    """Announced maintenance [from, to) by site; spans may overlap."""
    land: Land | None = None
    """Every division, where this process keeps them; `places` is empty then."""
    former: Former | None = None
    """What sites were before; None: rows are not cut by it, so that nobody may ask what they were."""

    @cached_property
    def pieces(self) -> Pieces:
        """The seconds that count as service: rows in service without their maintenance."""
        return serving_pieces(self.ids, self.first, self.last, self.suspended, self.windows)

    @cached_property
    def excluded(self) -> Ints:
        """Seconds of each row that are set apart by suspension."""
        return np.where(self.suspended != 0, self.last - self.first, 0)

    @cached_property
    def maintenance(self) -> Ints:
        """Seconds of each row that are set apart by announced maintenance."""
        if not self.windows:
            return np.zeros(len(self.ids), np.int64)
        served = np.bincount(self.pieces.row, weights=self.pieces.last - self.pieces.first, minlength=len(self.ids))
        return np.where(self.suspended != 0, 0, self.last - self.first) - served.astype(np.int64)

    @cached_property
    def ranks(self) -> NDArray[np.int32]:
        """Each row's place in the order of paths."""
        return self._land.rank[self.division]

    @cached_property
    def _land(self) -> Land:
        return self.land or Land((key, path, kind) for key, (path, kind) in self.places.items())

    def under(self, paths: Iterable[str]) -> np.ndarray:
        """Which rows stood under any of the paths."""
        return self._land.under(self.ranks, paths)

    def units(self, units: Sequence[Sequence[str]]) -> Ints:
        """For each row the place in `units` of the one under whose paths it stood, -1 for none."""
        unit = np.full(len(self._land.paths), -1, dtype=np.int64)
        numbers = [number for number, paths in enumerate(units) for _ in paths]
        lows, highs = self._land.runs([path for paths in units for path in paths])
        for number, low, high in zip(numbers, lows.tolist(), highs.tolist(), strict=True):
            unit[low:high] = number
        return unit[self.ranks]

    def urban_rural(self) -> NDArray[np.bytes_]:
        """The first digit of each row's urban/rural code (1 urban, 2 rural), empty where the place has none."""
        kinds: NDArray[np.bytes_] = self._land.kinds[self.ranks]
        return kinds


def paths_of(division: Division | str, start: datetime, end: datetime | None) -> tuple[str, ...]:
    """The paths a division had in the period, under whatever parent it then lay; a path given as such stands for itself."""
    if isinstance(division, str):
        return (division,)
    first, last = clock.local_day(start), clock.local_day(start if end is None else max(start, end - timedelta(seconds=1)))
    rows = held_between(first, last).filter(code=division.code)
    return tuple(sorted(set(rows.values_list("path", flat=True)) or {division.path}))


def paths_by_code(codes: Sequence[str], start: datetime, end: datetime) -> dict[str, tuple[str, ...]]:
    """`paths_of` of many divisions; codes that were not in force then are left out."""
    first, last = clock.local_day(start), clock.local_day(max(start, end - timedelta(seconds=1)))
    found: dict[str, set[str]] = {}
    for place in range(0, len(codes), BATCH):
        rows = held_between(first, last).filter(code__in=codes[place : place + BATCH])
        for code, path in rows.values_list("code", "path"):
            found.setdefault(code, set()).add(path)
    return {code: tuple(sorted(paths)) for code, paths in found.items()}


def load_population(paths: Iterable[str], start: int, end: int, *, only: Iterable[int] | None = None, labelled: bool = False) -> Population:
    """The population of [start, end) under the paths (with `only`: of these sites, wherever they stood). One query, no objects.

    `labelled`: each row has one set of labels, so that `site_labels` may be asked.
    """
    asked, chosen = tuple(paths), None if only is None else tuple(only)
    kept = ROLL.read() if chosen is None else None
    table = placement_table(_placements(asked, start, end, chosen)) if kept is None else _on_roll(*kept, asked)
    columns = _within(table, start, end)
    former = _former(asked, start, end, chosen) if labelled else None
    ids, division, first, last, suspended = columns if former is None else _cut(columns, former)
    windows = windows_by_site(start, end, only=None if chosen is None else set(chosen))
    places, land = (_places(division), None) if kept is None else ({}, kept[1])
    return Population(asked, chosen, start, end, ids, division, first, last, suspended, places, windows, land, former)


def _on_roll(table: Ints, land: Land, paths: tuple[str, ...]) -> Ints:
    """The placements under the paths."""
    if "/" in paths:
        return table
    inside = land.under(land.rank[table[1]], paths)
    return table if inside.all() else table[:, inside]


def _within(table: Ints, start: int, end: int) -> Columns:
    """The columns of the rows that have a second in [start, end), cut to it."""
    ids, division, first, last, suspended = table
    first, last = np.clip(first, start, end), np.clip(last, start, end)
    real = last > first
    if real.all():
        return ids, division, first, last, suspended
    return ids[real], division[real], first[real], last[real], suspended[real]


def _former(paths: tuple[str, ...], start: int, end: int, only: tuple[int, ...] | None) -> Former:
    """What the sites of a population were before, as far as it speaks of the period."""
    kept = ROLL.former()
    if kept is not None:
        return kept
    rows = FormerLabels.objects.filter(until__gt=_day(start))
    if only is not None:
        return former_labels(rows.filter(site__in=only))
    return former_labels(rows if "/" in paths else rows.filter(site__in=site_keys(paths, start, end)))


def _cut(columns: Columns, former: Former) -> Columns:
    """The rows cut so that each has one set of labels, in the same order."""
    ids, division, first, last, suspended = columns
    cut = former.cut(ids, first, last)
    if cut is None:
        return columns
    row, begin, end = cut
    return ids[row], division[row], begin, end, suspended[row]


def _placements(paths: tuple[str, ...], start: int, end: int, only: tuple[int, ...] | None) -> QuerySet[Placement]:
    rows = Placement.objects.filter(overlapping(start, end), object__kind=ObjectKind.SITE, lifecycle__in=COUNTED)
    if only is not None:
        return rows.filter(object__in=only)
    return rows if "/" in paths else rows.filter(division__in=divisions_under(paths))


def overlapping(start: int, end: int) -> Q:
    """Placements of which a day lies in [start, end)."""
    return Q(valid_from__lte=_day(end - 1)) & (Q(valid_to=None) | Q(valid_to__gt=_day(start)))


def divisions_under(paths: Sequence[str]) -> QuerySet[Division, Any]:
    """Every dated row of a division that lies under the paths, as a subquery of keys."""
    return every_row(paths).values("pk")


def site_keys(population_paths: tuple[str, ...], start: int, end: int) -> QuerySet[Placement, Any]:
    """Keys of the sites of a population, as a subquery."""
    return _placements(population_paths, start, end, None).values("object")


def _day(second: int) -> date:
    return clock.local_day(moment(second))


def _places(division: Ints) -> dict[int, tuple[str, str]]:
    wanted = np.unique(division).tolist()
    found: dict[int, tuple[str, str]] = {}
    for start in range(0, len(wanted), BATCH):
        rows = every_row().filter(pk__in=wanted[start : start + BATCH])
        found |= {pk: (path, kind) for pk, path, kind in rows.values_list("pk", "path", "urban_rural")}
    return found


def paths_by_key(division: Ints) -> dict[int, str]:
    """Key of each division row that occurs → its path."""
    return {key: path for key, (path, _) in _places(division).items()}


def site_labels(population: Population, field: str) -> tuple[NDArray[np.str_], Ints]:
    """What a field (one of LABELS) said of sites, and for each row the place of what it said of the row's in the row's time."""
    former = population.former
    assert former is not None, "the rows of this population may have several labels each: load it `labelled`"
    labels = ROLL.labels(field)
    if labels is None:
        labels = labels_of((row[0], row[1]) for row in _site_values(np.unique(population.ids).tolist(), field))
    now, speaking = labels.code[population.ids].astype(np.int64), former.speaking(population.ids, population.first)
    if (speaking < 0).all():
        return labels.names, now
    known = {name: number for number, name in enumerate(labels.names.tolist())}
    numbers = np.array([known.setdefault(name, len(known)) for name in former.names], np.int64)
    then = numbers[former.codes[LABELS.index(field)]][speaking]
    return np.array(list(known), dtype=np.str_), np.where(speaking < 0, now, then)


def site_names(keys: Sequence[int]) -> dict[int, tuple[str, str, str]]:
    """Key of a site → its code, name and lifecycle of today."""
    return {row[0]: (row[1], row[2], row[3]) for row in _site_values(keys, "code", "name", "lifecycle")}


def _site_values(keys: Sequence[int], *fields: str) -> Iterator[tuple[Any, ...]]:
    """The fields of these sites: a whole table at once costs less than many lists of keys."""
    if len(keys) > 20_000:
        yield from Site.objects.values_list("pk", *fields).iterator(chunk_size=20_000)
        return
    for start in range(0, len(keys), BATCH):
        yield from Site.objects.filter(pk__in=keys[start : start + BATCH]).values_list("pk", *fields)


def in_service_on(day: date) -> QuerySet[Placement]:
    """Placements of sites that served on a day."""
    return Placement.objects.filter(valid_on(day), object__kind=ObjectKind.SITE, lifecycle=Lifecycle.IN_SERVICE)
