"""Rates of one moment of today from the roll and the counters: what a start page or a screen asks every few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from yuanjiao.lib import clock
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.queries.maintenance import windows_by_site
from yuanjiao.network.queries.roll import ROLL, DayRoll, Land
from yuanjiao.network.queries.rulings import rule_on
from yuanjiao.network.queries.seconds import kinds_of
from yuanjiao.network.queries.states import allowance
from yuanjiao.network.rules.rate_columns import RateColumns
from yuanjiao.network.rules.rates import DOWN, UP, Ints

SUSPENDED, MAINTENANCE = 3, 4
"""Beside unknown (0), UP and DOWN: what a site can be at a moment."""
Bytes = NDArray[np.int8]


def rates_now(at: datetime, units: Sequence[Sequence[str]]) -> RateColumns | None:
    """One rate per unit (its paths at that moment), counted in sites; None when this process cannot tell from its counters."""
    second, rule = int(at.timestamp()), rule_on(clock.local_day(at))
    found = ROLL.day(second)
    kinds = None if found is None else COUNTERS.kinds(second, rule, int(allowance().total_seconds()))
    if found is None or kinds is None:
        return None
    roll, land = found
    counts = _counts(_classes(roll, kinds, second), roll, land, units)
    population = counts[0] + counts[UP] + counts[DOWN]
    return RateColumns(
        up=counts[UP], down=counts[DOWN], unknown=counts[0], excluded=counts[SUSPENDED], maintenance=counts[MAINTENANCE],
        population=population, suspended=counts[SUSPENDED], rules=(rule,), start=at, end=None,
    )  # fmt: skip


def _classes(roll: DayRoll, kinds: Bytes, second: int) -> Bytes:
    """What each site of the roll is in a second."""
    classes = np.where(roll.suspended, np.int8(SUSPENDED), kinds_of(kinds, roll.ids))
    worked_on = windows_by_site(second, second + 1)
    if worked_on:
        classes[np.isin(roll.ids, list(worked_on)) & ~roll.suspended] = MAINTENANCE
    return classes


def _counts(classes: Bytes, roll: DayRoll, land: Land, units: Sequence[Sequence[str]]) -> Ints:
    """How many sites of each class (row) each unit (column) has. The sites of a path are one run of the roll."""
    paths = [(number, path) for number, of in enumerate(units) for path in _outermost(of)]
    low, high = roll.runs(land, [path for _, path in paths])
    base, counts = int(low.min(initial=len(classes))), np.zeros((MAINTENANCE + 1, len(units)), np.int64)
    asked = classes[base : int(high.max(initial=0))]
    for kind in range(MAINTENANCE + 1):
        before = np.concatenate(([0], np.cumsum(asked == kind)))
        np.add.at(counts[kind], [number for number, _ in paths], before[high - base] - before[low - base])
    return counts


def _outermost(paths: Sequence[str]) -> Sequence[str]:
    """The paths without those that lie under another of them: no site is to count twice."""
    if len(paths) == 1:
        return paths
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(path.startswith(one) for one in kept):
            kept.append(path)
    return kept
