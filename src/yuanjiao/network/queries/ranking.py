"""Units by how many of their sites are faulty: those above a threshold (OPS12) and those that keep going well (OPS13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yuanjiao.lib.lazy import Lazy
from yuanjiao.network.queries.rates import ChildRate, ChildRates
from yuanjiao.network.rules import Rate
from yuanjiao.network.rules.rate_columns import Shares
from yuanjiao.network.rules.rates import Ints
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


@dataclass(frozen=True, eq=False)
class _Units:
    """What units are ranked by, a column each; NaN where nothing can be told or no target is set."""

    rows: Sequence[ChildRate]
    code: NDArray[np.str_]
    value: Shares
    faulty: Shares
    down: Ints
    population: Ints
    target: Shares


def rank_units(units: Iterable[ChildRate], *, threshold: float = FAULTY_FROM) -> Ranking:
    """Worst: the share of faulty sites reaches the threshold. Best: the unit's target is reached (without one, GOOD_FROM).

    A unit that does both, with a target below what the threshold allows, is told among the worst only.
    """
    of = _in_columns(units) if isinstance(units, ChildRates) else _one_by_one(list(units))
    known = ~np.isnan(of.value)
    bad = known & (of.down > 0) & (np.where(known, of.faulty, 0.0) >= threshold)
    good = known & ~bad & (np.where(known, of.value, 0.0) >= np.where(np.isnan(of.target), GOOD_FROM, of.target))
    unranked = np.flatnonzero(~known)
    return Ranking(
        worst=_placed(of, _ordered(bad, of.code, -of.faulty)),
        best=_placed(of, _ordered(good, of.code, -of.population, of.faulty)),
        unranked=Lazy(len(unranked), lambda number: of.rows[unranked[number]]),
        threshold=threshold,
    )


def _in_columns(units: ChildRates) -> _Units:
    rates, count = units.rates, len(units)
    targets = [units.targets.of(units.children.path(number)) for number in range(count)] if units.targets else []
    return _Units(
        rows=units,
        code=np.array(units.children.codes, dtype=np.str_),
        value=rates.value[:count],
        faulty=rates.fault_share[:count],
        down=rates.down[:count],
        population=rates.population[:count],
        target=_shares(None if one is None else one.value for one in targets) if targets else np.full(count, np.nan),
    )


def _one_by_one(rows: Sequence[ChildRate]) -> _Units:
    """Units that come as rows."""
    rates = [row.rate for row in rows]
    return _Units(
        rows=rows,
        code=np.array([row.division.code for row in rows], dtype=np.str_),
        value=_shares(rate.value for rate in rates),
        faulty=_shares(fault_share(rate) for rate in rates),
        down=np.array([rate.down for rate in rates], dtype=np.int64),
        population=np.array([rate.population for rate in rates], dtype=np.int64),
        target=_shares(None if rate.target is None else rate.target.value for rate in rates),
    )


def _shares(values: Iterable[float | None]) -> Shares:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _ordered(chosen: NDArray[np.bool_], *keys: NDArray[Any]) -> Ints:
    """Places of the chosen units by the last key, among equals by the one before."""
    places = np.flatnonzero(chosen)
    return places[np.lexsort([key[places] for key in keys])]


def _placed(of: _Units, order: Ints) -> Sequence[Standing]:
    """Standings made when they are looked at; equal shares have equal places."""
    shares = of.faulty[order]
    begins = np.append([True] * (len(order) > 0), shares[1:] != shares[:-1]).astype(bool)
    places = np.maximum.accumulate(np.where(begins, np.arange(1, len(order) + 1), 0))

    def standing(number: int) -> Standing:
        row = of.rows[order[number]]
        return Standing(int(places[number]), row.division, row.rate)

    return Lazy(len(order), standing)
