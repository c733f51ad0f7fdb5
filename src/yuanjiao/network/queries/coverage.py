"""Which village divisions have a site in service (NET02): by the roll of this process, where it keeps one, else from the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from yuanjiao.lib import clock
from yuanjiao.network.queries.population import in_service_on
from yuanjiao.network.queries.roll import ROLL, Land
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions, every_row, in_subtrees
from yuanjiao.places.rules import Level


@dataclass(frozen=True)
class VillageCoverage:
    """How many village divisions have a site in service (NET02)."""

    division: Division
    villages: int
    covered: int

    @property
    def value(self) -> float | None:
        return self.covered / self.villages if self.villages else None


@dataclass(frozen=True, eq=False)
class _Villages:
    """Villages by their rank in the order of paths, and which of them have a site in service."""

    land: Land
    ranks: NDArray[np.int32]
    covered: NDArray[np.bool_]

    def of(self, places: Sequence[Division]) -> list[VillageCoverage]:
        """The counts of each place."""
        low, high = (np.searchsorted(self.ranks, ends) for ends in self.land.runs([place.path for place in places]))
        before = np.concatenate(([0], np.cumsum(self.covered)))
        counts = zip(places, (high - low).tolist(), (before[high] - before[low]).tolist(), strict=True)
        return [VillageCoverage(*one) for one in counts]

    def uncovered(self, path: str, limit: int) -> list[int]:
        """Keys of the first villages without a site under a path."""
        low, high = self.land.run(path)
        bare = self.ranks[~self.covered & (self.ranks >= low) & (self.ranks < high)]
        keys: list[int] = self.land.keys[bare[:limit]].tolist()
        return keys


def _villages(path: str, on: date) -> _Villages:
    kept, found = ROLL.villages(on), ROLL.day(int(clock.day_start(on).timestamp()))
    if kept is None or found is None:
        return _from_rows(path, on)
    roll, land = found
    served = np.zeros(int(land.number.max(initial=-1)) + 1, dtype=bool)
    served[land.number[roll.ranks[~roll.suspended]]] = True
    return _Villages(land, kept, served[land.number[kept]])


def _from_rows(path: str, on: date) -> _Villages:
    land = Land((pk, of, "") for pk, of in divisions(on=on, level=Level.VILLAGE, under=path).values_list("pk", "path"))
    served = set(in_service_on(on).filter(in_subtrees("division__path", [path])).values_list("division__path", flat=True))
    covered = np.array([of.decode() in served for of in land.paths.tolist()], dtype=bool)
    return _Villages(land, np.arange(len(land.paths), dtype=np.int32), covered)


def uncovered_villages(path: str, *, on: date, limit: int) -> list[Division]:
    """Village divisions in force on the day without a site in service: the first ones in the order of the tree."""
    keys = _villages(path, on).uncovered(path, limit)
    rows = [row for start in range(0, len(keys), 500) for row in every_row().filter(pk__in=keys[start : start + 500])]
    return sorted(rows, key=lambda row: row.path)


def coverage_of_villages(division: Division, *, on: date) -> VillageCoverage:
    """Villages with at least one active site, of all villages of the division."""
    return _villages(division.path, on).of([division])[0]


def coverage_by_child(division: Division, *, on: date) -> list[VillageCoverage]:
    """The same for every division directly below, in code order."""
    return _villages(division.path, on).of(list(divisions(on=on, under=division.path).filter(parent__code=division.code)))
