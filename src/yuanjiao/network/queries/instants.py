"""Rates of one moment of today from the roll and the counters: what a start page or a screen asks every few seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from yuanjiao.lib import clock
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.queries.maintenance import windows_by_site
from yuanjiao.network.queries.roll import ROLL, DayRoll, Land
from yuanjiao.network.queries.rulings import rule_on
from yuanjiao.network.queries.seconds import kinds_of
from yuanjiao.network.queries.states import allowance
from yuanjiao.network.rules.rates import DOWN, UP, Ints, Rate

SUSPENDED, MAINTENANCE = 3, 4
"""Beside unknown (0), UP and DOWN: what a site can be at a moment."""


def rates_now(at: datetime, units: Iterable[Sequence[str]]) -> list[Rate] | None:
    """One rate per unit (its paths at that moment), counted in sites; None when this process cannot tell from its counters."""
    second, rule = int(at.timestamp()), rule_on(clock.local_day(at))
    found = ROLL.day(second)
    kinds = None if found is None else COUNTERS.kinds(second, rule, int(allowance().total_seconds()))
    if found is None or kinds is None:
        return None
    roll, land = found
    classes = np.where(roll.suspended, np.int8(SUSPENDED), kinds_of(kinds, roll.ids))
    worked_on = windows_by_site(second, second + 1)
    if worked_on:
        classes[np.isin(roll.ids, list(worked_on)) & ~roll.suspended] = MAINTENANCE
    counts = [_counts(classes, roll, land, paths) for paths in units]
    return [
        Rate(
            up=int(one[UP]), down=int(one[DOWN]), unknown=int(one[0]), excluded=int(one[SUSPENDED]), maintenance=int(one[MAINTENANCE]),
            population=int(one[:SUSPENDED].sum()), suspended=int(one[SUSPENDED]), rule=rule, start=at,
        )
        for one in counts
    ]  # fmt: skip


def _counts(classes: np.ndarray, roll: DayRoll, land: Land, paths: Sequence[str]) -> Ints:
    """How many sites of a unit are of each class."""
    runs = [classes[roll.run(land, path)] for path in _outermost(paths)]
    counts: Ints = np.sum([np.bincount(run, minlength=MAINTENANCE + 1) for run in runs], axis=0)
    return counts


def _outermost(paths: Sequence[str]) -> list[str]:
    """The paths without those that lie under another of them: no site is to count twice."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(path.startswith(one) for one in kept):
            kept.append(path)
    return kept
