"""The unobstructed rate before and after, by one definition and of one population (OPS17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from yuanjiao.lib import clock
from yuanjiao.network.queries.children import children_of
from yuanjiao.network.queries.population import paths_of
from yuanjiao.network.queries.rates import Measured, measure
from yuanjiao.network.queries.rulings import rule_on
from yuanjiao.network.rules.rates import Ints, Rate
from yuanjiao.places.models import Division

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class BeforeAfter:
    """Two rates of the same `sites` sites by the same rule. `left_out` served in one of the periods, but not all through both."""

    division: Division
    before: Rate
    after: Rate
    sites: int
    left_out: int

    @property
    def change(self) -> float | None:
        """After minus before, in points of one; None when either rate cannot be told."""
        return None if self.before.value is None or self.after.value is None else self.after.value - self.before.value

    @property
    def certain(self) -> bool:
        """Whether the sign of the change stands whatever the unknown seconds were."""
        first, second = self.before.bounds, self.after.bounds
        return first is not None and second is not None and (second[0] > first[1] or second[1] < first[0])


def before_and_after(division: Division, before: Span, after: Span) -> tuple[BeforeAfter, list[BeforeAfter]]:
    """A division and those directly below it (as they lay at the end), compared over [start, end) and [start, end).

    Counted are the sites that were in service all through both periods and stood in the division all the while; the rule is the
    one in force at the end of the later period, for both.
    """
    rule = rule_on(clock.local_day(after[1] - timedelta(seconds=1)))
    first = measure(paths_of(division, *before), *before, rule)
    second = measure(paths_of(division, *after), *after, rule)
    whole = _compared(division, first, second, _all(first), _all(second))
    below = [
        _compared(child.division, first, second, _under(first, child.division, before), second.population.under(child.paths))
        for child in children_of(division, *after)
    ]
    return whole, below


def _under(measured: Measured, division: Division, span: Span) -> np.ndarray:
    return measured.population.under(paths_of(division, *span))


def _all(measured: Measured) -> np.ndarray:
    return np.ones(len(measured.population.ids), dtype=bool)


def _compared(division: Division, first: Measured, second: Measured, a: np.ndarray, b: np.ndarray) -> BeforeAfter:
    """`a` and `b` choose the rows of the division in either period."""
    both = np.intersect1d(_throughout(first, a), _throughout(second, b))
    either = np.union1d(_served(first, a), _served(second, b))
    return BeforeAfter(
        division=division,
        before=first.rate(a & np.isin(first.population.ids, both)),
        after=second.rate(b & np.isin(second.population.ids, both)),
        sites=len(both),
        left_out=len(either) - len(both),
    )


def _served(measured: Measured, chosen: np.ndarray) -> Ints:
    """Sites of the chosen rows that were in service at some time."""
    people = measured.population
    return np.unique(people.ids[chosen & (people.suspended == 0)])


def _throughout(measured: Measured, chosen: np.ndarray) -> Ints:
    """Sites whose chosen rows in service fill the whole period (announced maintenance is service, set apart)."""
    people = measured.population
    rows = chosen & (people.suspended == 0)
    sites, place = np.unique(people.ids[rows], return_inverse=True)
    seconds = np.bincount(place, weights=(people.last - people.first)[rows], minlength=len(sites))
    full: Ints = sites[seconds == people.end - people.start]
    return full
