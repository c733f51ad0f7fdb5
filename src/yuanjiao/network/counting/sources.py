"""Where the seconds of a stretch of time come from: a summed day, the running counters, or the rows. All answer alike.

`dense(a, b, size)` gives (up, down) of every key over [a, b); `part(site, a, b)` gives them for each piece of its own bounds.
Times are seconds since 1970 and lie inside the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from yuanjiao.network.counting.columns import Contents, Store
from yuanjiao.network.counting.reading import BATCH, Scope, day_from, read, scopes_of
from yuanjiao.network.counting.today import Today
from yuanjiao.network.rules.days import Day, cut_day, rows_of, seconds_between, seconds_of_day, segments_of_day
from yuanjiao.network.rules.rates import Ints, RateRule

Both = tuple[Ints, Ints]


class Source(Protocol):
    """One stretch [start, end)."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    def dense(self, a: int, b: int, size: int) -> Both: ...
    def part(self, site: Ints, a: Ints, b: Ints) -> Both: ...


def fitted(column: Any, size: int) -> Ints:
    """The column with exactly `size` places."""
    fit = np.zeros(size, dtype=np.int64)
    fit[: min(size, len(column))] = column[:size]
    return fit


def part_of_day(day: Day, rule: RateRule, site: Ints, a: Ints, b: Ints) -> Both:
    """(up, down) of each piece of one day; bounds are seconds since 1970."""
    if len(site) < len(day.site) // 50:
        day = rows_of(day, site)
    return seconds_between(segments_of_day(day, rule), site, a - day.start, b - day.start)


@dataclass
class Rows:
    """The rows themselves: right whatever happened, and the slowest."""

    start: int
    end: int
    rule: RateRule
    ends: Mapping[int, int]
    scopes: Sequence[Scope]

    @cached_property
    def day(self) -> Day:
        spans, tests = read(self.scopes, self.start, self.end, self.rule)
        return day_from(spans, tests, self.ends, self.start, self.end - self.start)

    def dense(self, a: int, b: int, size: int) -> Both:
        day = cut_day(self.day, a - self.start, b - self.start)
        told = int(max(day.site.max(initial=-1), day.test_site.max(initial=-1))) + 1  # of sites nobody asked about, too
        up, down = seconds_of_day(day, self.rule, max(size, told))
        return fitted(up, size), fitted(down, size)

    def part(self, site: Ints, a: Ints, b: Ints) -> Both:
        return part_of_day(self.day, self.rule, site, a, b)


@dataclass
class Patched:
    """What two sources have in common: some sites are counted from their rows instead."""

    rule: RateRule
    ends: Mapping[int, int]
    scope: Scope

    def rows(self, sites: Ints, start: int, end: int) -> Rows:
        """The rows of these sites; of everybody in the scope when they are many."""
        return Rows(start, end, self.rule, self.ends, scopes_of(sites) if len(sites) <= 20 * BATCH else [self.scope])

    def mend(self, both: Both, sites: Ints, a: int, b: int) -> Both:
        """Put the seconds of these sites in place."""
        up, down = both
        sites = sites[sites < len(up)]
        if len(sites):
            right_up, right_down = self.rows(sites, a, b).dense(a, b, len(up))
            up[sites], down[sites] = right_up[sites], right_down[sites]
        return up, down


@dataclass
class SummedDays(Patched):
    """One finished day from its column file. `late` are sites of which rows have come since it was summed."""

    store: Store
    contents: Contents
    digest: str
    late: Ints

    @property
    def start(self) -> int:
        return self.contents.start

    @property
    def end(self) -> int:
        return self.contents.start + self.contents.length

    @cached_property
    def day(self) -> Day:
        return self.store.day(self.contents, self.digest)

    def dense(self, a: int, b: int, size: int) -> Both:
        if (a, b) == (self.start, self.end):
            up, down = self.store.column(self.contents, self.digest, "seconds")
        else:
            up, down = seconds_of_day(cut_day(self.day, a - self.start, b - self.start), self.rule, self._size)
        return self.mend((fitted(up, size), fitted(down, size)), self.late, a, b)

    def is_whole(self, a: int, b: int) -> bool:
        """Whether its sums as they were written are what [a, b) has of this day."""
        return a <= self.start and b >= self.end and not len(self.late)

    @property
    def _size(self) -> int:
        return int(self.store.column(self.contents, self.digest, "seconds").shape[1])

    def part(self, site: Ints, a: Ints, b: Ints) -> Both:
        up, down = part_of_day(self.day, self.rule, site, a, b)
        late = np.flatnonzero(np.isin(site, self.late))
        if len(late):
            up[late], down[late] = self.rows(np.unique(site[late]), self.start, self.end).part(site[late], a[late], b[late])
        return up, down


@dataclass
class Running(Patched):
    """The running counters, from where they begin to the moment asked."""

    today: Today
    end: int
    kept: dict[int, tuple[Ints, Ints, Ints]] = field(default_factory=dict)

    @property
    def start(self) -> int:
        return self.today.start

    def dense(self, a: int, b: int, size: int) -> Both:
        if a != self.start:
            return self._all_rows.dense(a, b, size)
        up, down, ahead = self._counted(b)
        return self.mend((fitted(up, size), fitted(down, size)), ahead, a, b)

    @cached_property
    def _all_rows(self) -> Rows:
        return Rows(self.start, self.end, self.rule, self.ends, [self.scope])

    def _counted(self, until: int) -> tuple[Ints, Ints, Ints]:
        if until not in self.kept:
            self.kept[until] = self.today.seconds(until, self.ends)
        return self.kept[until]

    def part(self, site: Ints, a: Ints, b: Ints) -> Both:
        up, down = np.zeros(len(site), np.int64), np.zeros(len(site), np.int64)
        whole = (a == self.start) & (b == self.end)
        if whole.any():
            dense_up, dense_down = self.dense(self.start, self.end, int(site.max()) + 1)
            up[whole], down[whole] = dense_up[site[whole]], dense_down[site[whole]]
        rest = np.flatnonzero(~whole)
        if len(rest):
            rows = self.rows(np.unique(site[rest]), self.start, self.end)
            up[rest], down[rest] = rows.part(site[rest], a[rest], b[rest])
        return up, down


def gathered(sources: Sequence[Source], site: Ints, first: Ints, last: Ints) -> Both:
    """(up, down) of `site[i]` in [first[i], last[i]); the sources follow one another and cover all of it."""
    if not len(site):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    low, high, size = int(first.min()), int(last.max()), int(site.max()) + 1
    plain = (first == low) & (last == high)
    if plain.all():
        up, down = _dense(sources, low, high, size)
        return up[site], down[site]
    up, down = np.zeros(len(site), np.int64), np.zeros(len(site), np.int64)
    if plain.any():
        whole_up, whole_down = _dense(sources, low, high, size)
        up[plain], down[plain] = whole_up[site[plain]], whole_down[site[plain]]
    others = np.flatnonzero(~plain)
    for source in sources:
        if max(source.start, low) < min(source.end, high):
            _add_parts(source, others, site, first, last, up, down)
    return up, down


def _dense(sources: Sequence[Source], low: int, high: int, size: int) -> Both:
    """(up, down) of every key over [low, high)."""
    both = np.zeros((2, size), np.int64)
    whole = [source for source in sources if isinstance(source, SummedDays) and source.is_whole(low, high)]
    if whole:
        total = whole[0].store.total([(source.contents, source.digest) for source in whole])[:, :size]
        both[:, : total.shape[1]] += total
    for source in sources:
        a, b = max(source.start, low), min(source.end, high)
        if a < b and not (isinstance(source, SummedDays) and source.is_whole(low, high)):
            up, down = source.dense(a, b, size)
            both[0] += up
            both[1] += down
    return both[0], both[1]


def _add_parts(source: Source, others: Ints, site: Ints, first: Ints, last: Ints, up: Ints, down: Ints) -> None:
    a, b = np.maximum(first[others], source.start), np.minimum(last[others], source.end)
    live = b > a
    if live.any():
        chosen = others[live]
        more_up, more_down = source.part(site[chosen], a[live], b[live])
        up[chosen] += more_up
        down[chosen] += more_down
