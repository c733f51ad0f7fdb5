"""Which village divisions have a site in service (NET02)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from yuanjiao.network.queries.population import in_service_on
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
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


def uncovered_villages(path: str, *, on: date) -> list[Division]:
    """Village divisions in force on the day without a site in service, in code order."""
    covered = _covered(path, on)
    return [village for village in divisions(on=on, level=Level.VILLAGE, under=path) if village.path not in covered]


def _covered(path: str, on: date) -> set[str]:
    return set(in_service_on(on).filter(division__path__startswith=path).values_list("division__path", flat=True))


def coverage_of_villages(division: Division, *, on: date) -> VillageCoverage:
    """Villages with at least one active site, of all villages of the division."""
    villages = list(divisions(on=on, level=Level.VILLAGE, under=division.path))
    return _coverage(division, villages, _covered(division.path, on))


def coverage_by_child(division: Division, *, on: date) -> list[VillageCoverage]:
    """The same for every division directly below, in code order; two queries in all."""
    villages = list(divisions(on=on, level=Level.VILLAGE, under=division.path))
    covered = _covered(division.path, on)
    children = divisions(on=on, under=division.path).filter(parent__code=division.code)
    return [_coverage(child, [one for one in villages if one.path.startswith(child.path)], covered) for child in children]


def _coverage(division: Division, villages: Sequence[Division], covered: set[str]) -> VillageCoverage:
    return VillageCoverage(division, len(villages), sum(village.path in covered for village in villages))
