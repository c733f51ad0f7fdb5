"""Many rates at once: one column per number, the arithmetic of `Rate` on all of them. A rate of one row is the same to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.rules.rates import Ints, Rate, RateRule, Target

Shares = NDArray[np.float64]
"""Shares of one; NaN where none can be told."""


@dataclass(frozen=True, eq=False)
class RateColumns:
    """Rates of many units by the same rules over the same time; the fields are those of `Rate`."""

    up: Ints
    down: Ints
    unknown: Ints
    excluded: Ints
    maintenance: Ints
    population: Ints
    suspended: Ints
    rules: tuple[RateRule, ...]
    start: datetime
    end: datetime | None

    def __len__(self) -> int:
        return len(self.up)

    def rate(self, number: int, target: Target | None = None) -> Rate:
        """One of them."""
        return Rate(
            up=int(self.up[number]),
            down=int(self.down[number]),
            unknown=int(self.unknown[number]),
            excluded=int(self.excluded[number]),
            maintenance=int(self.maintenance[number]),
            population=int(self.population[number]),
            suspended=int(self.suspended[number]),
            rule=self.rules[-1],
            earlier=self.rules[:-1],
            start=self.start,
            end=self.end,
            target=target,
        )

    @cached_property
    def known(self) -> Ints:
        return self.up + self.down

    @cached_property
    def value(self) -> Shares:
        """up / (up + down); NaN when the population is empty or too little is known."""
        wanted = max(rule.min_coverage for rule in self.rules)
        coverage = share(self.known, self.known + self.unknown)
        return np.where((coverage > 0) & (coverage >= wanted), share(self.up, self.known), np.nan)

    @cached_property
    def fault_share(self) -> Shares:
        """1 − the rate, from the same numbers."""
        return np.where(np.isnan(self.value), np.nan, share(self.down, self.known))


def share(part: Ints, whole: Ints) -> Shares:
    """part / whole; NaN where the whole is nothing."""
    told: Shares = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole != 0)
    return told


def distinct(ordered: Ints) -> int:
    """How many different values stand in an array in ascending order."""
    return int(np.count_nonzero(np.diff(ordered))) + 1 if len(ordered) else 0
