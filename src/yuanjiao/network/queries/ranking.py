"""Units by how many of their sites are faulty: those above a threshold (OPS12) and those that keep going well (OPS13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yuanjiao.network.queries.rates import ChildRate
from yuanjiao.network.rules import Rate
from yuanjiao.places.models import Division

FAULTY_FROM = 0.05
"""A share of faulty sites from which a unit is listed when nothing else is asked."""
GOOD_FROM = 0.98
"""A rate from which a unit without a target is listed among the best."""


@dataclass(frozen=True)
class Standing:
    """One unit in a ranking. `place` counts from 1; equal shares have equal places."""

    place: int
    division: Division
    rate: Rate

    @property
    def fault_share(self) -> float | None:
        """Faulty of known: sites at an instant, their seconds over a period; None when too little is known to rank a unit."""
        return fault_share(self.rate)


@dataclass(frozen=True)
class Ranking:
    """The units above the threshold, worst first, the best ones, and those of which too little is known to rank them."""

    worst: Sequence[Standing]
    best: Sequence[Standing]
    unranked: Sequence[ChildRate]
    threshold: float

    @property
    def highest(self) -> float | None:
        """The highest share among the worst; None when no unit reaches the threshold."""
        return self.worst[0].fault_share if self.worst else None


def fault_share(rate: Rate) -> float | None:
    """1 − the rate, from the same numbers."""
    return None if rate.value is None else rate.down / rate.known


def rank_units(units: Iterable[ChildRate], *, threshold: float = FAULTY_FROM) -> Ranking:
    """Worst: the share of faulty sites reaches the threshold. Best: the unit's target is reached (without one, GOOD_FROM).

    A unit that does both, with a target below what the threshold allows, is told among the worst only.
    """
    rows = list(units)
    known = [row for row in rows if row.rate.value is not None]
    bad = [row for row in known if (fault_share(row.rate) or 0.0) >= threshold and row.rate.down]
    codes = {row.division.code for row in bad}
    good = [row for row in known if row.division.code not in codes and _reaches(row.rate)]
    return Ranking(
        worst=_placed(sorted(bad, key=lambda row: (-(fault_share(row.rate) or 0.0), row.division.code))),
        best=_placed(sorted(good, key=lambda row: (fault_share(row.rate) or 0.0, -row.rate.population, row.division.code))),
        unranked=[row for row in rows if row.rate.value is None],
        threshold=threshold,
    )


def _reaches(rate: Rate) -> bool:
    return rate.value is not None and rate.value >= (GOOD_FROM if rate.target is None else rate.target.value)


def _placed(rows: Sequence[ChildRate]) -> list[Standing]:
    found: list[Standing] = []
    for number, row in enumerate(rows, start=1):
        same = bool(found) and found[-1].fault_share == fault_share(row.rate)
        found.append(Standing(found[-1].place if same else number, row.division, row.rate))
    return found
