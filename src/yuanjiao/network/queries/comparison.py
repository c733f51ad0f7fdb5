"""The unobstructed rate before and after, by one definition and of one population (OPS17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from yuanjiao.lib import clock
from yuanjiao.network.queries.children import children_of
from yuanjiao.network.queries.population import paths_by_code, paths_of
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
    children = children_of(division, *after)
    earlier = paths_by_code(children.codes, *before)
    below = [
        _compared(child, first, second, _under(first, earlier.get(child.code) or (child.path,)), _under(second, children.paths[number]))
        for number, child in enumerate(children.division(number) for number in range(len(children)))
    ]
    return whole, below


def _under(measured: Measured, paths: Sequence[str]) -> Ints:
    rows: Ints = np.flatnonzero(measured.population.under(paths))
    return rows


def _all(measured: Measured) -> Ints:
    return np.arange(len(measured.population.ids))


def _compared(division: Division, first: Measured, second: Measured, a: Ints, b: Ints) -> BeforeAfter:
    """`a` and `b` name the rows of the division in either period."""
    both = np.intersect1d(_throughout(first, a), _throughout(second, b), assume_unique=True)
    either = np.union1d(_served(first, a), _served(second, b))
    return BeforeAfter(
        division=division,
        before=first.rate(a[np.isin(first.population.ids[a], both)]),
        after=second.rate(b[np.isin(second.population.ids[b], both)]),
        sites=len(both),
        left_out=len(either) - len(both),
    )


def _served(measured: Measured, rows: Ints) -> Ints:
    """Sites of the rows that were in service at some time."""
    people = measured.population
    return np.unique(people.ids[rows[people.suspended[rows] == 0]])


def _throughout(measured: Measured, rows: Ints) -> Ints:
    """Sites whose rows in service fill the whole period (announced maintenance is service, set apart)."""
    people = measured.population
    rows = rows[people.suspended[rows] == 0]
    sites, place = np.unique(people.ids[rows], return_inverse=True)
    seconds = np.bincount(place, weights=people.last[rows] - people.first[rows], minlength=len(sites))
    full: Ints = sites[seconds == people.end - people.start]
    return full
