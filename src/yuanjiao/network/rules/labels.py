"""Pure rules of what sites are (类型、接入方式、项目) and were: how a change is dated, which labels a moment has, where rows are cut."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.rules.rates import Ints

LABELS = ("site_kind", "access_mode", "programmes")
"""What a site is, field by field; its day is that of the whole set."""
Said = tuple[str, ...]
"""What a site is, in the order of LABELS."""
_STEP = 1 << 33
"""More seconds since 1970 than any day has."""


def relabelled(story: Sequence[tuple[date, Said]], *, before: Said, now: Said, on: date) -> list[tuple[date, Said]]:
    """What a site was until which days, once it is `now` from `on` on, whatever was said of later days; `before` is what it was last.

    A second change of one day leaves one span, and one that is taken back on its day none: no day has two answers, no two neighbours
    the same.
    """
    spoke = next((said for until, said in story if until > on), before)
    kept = [one for one in story if one[0] <= on]
    if kept and kept[-1][0] == on:
        return kept[:-1] if kept[-1][1] == now else kept
    return kept if spoke == now else [*kept, (on, spoke)]


@dataclass(frozen=True, eq=False)
class Former:
    """What sites were until a day, in order of site and day. A row speaks from the one before it on; after the last, the register does."""

    site: Ints
    until: Ints
    """Local midnights, in seconds since 1970; none before that."""
    names: tuple[str, ...]
    codes: NDArray[np.int32]
    """A row for each of LABELS: the place in `names` of what it was."""

    @cached_property
    def _keys(self) -> Ints:
        return self.site * _STEP + self.until

    def speaking(self, site: Ints, at: Ints) -> Ints:
        """For each site the row that tells what it was at a moment, -1 where the register does."""
        if not len(self.site):
            return np.full(len(site), -1)
        row = np.searchsorted(self._keys, site * _STEP + at, side="right")
        own = self.site[np.minimum(row, len(self.site) - 1)] == site
        return np.where(own & (row < len(self.site)), row, -1)

    def cut(self, site: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints, Ints] | None:
        """Spans [first, last) of sites cut at the days on which their labels changed: (which span it was, first, last) of each part, in
        the order of the spans; None when no day lies inside of any."""
        low, high = int(first.min(initial=_STEP)), int(last.max(initial=0))
        keys = self._keys[(self.until > low) & (self.until < high)]
        if not len(keys):
            return None
        begin, end = np.searchsorted(keys, site * _STEP + first, side="right"), np.searchsorted(keys, site * _STEP + last, side="left")
        cuts = end - begin
        if not cuts.any():
            return None
        span = np.repeat(np.arange(len(site)), cuts + 1)
        step = np.arange(len(span)) - np.repeat(np.cumsum(cuts + 1) - cuts - 1, cuts + 1)
        days, place = keys % _STEP, begin[span] + step
        starts = np.where(step == 0, first[span], days[place - 1])
        ends = np.where(step == cuts[span], last[span], days[np.minimum(place, len(days) - 1)])
        return span, starts, ends

    def replacing(self, sites: Collection[int], fresh: Sequence[Former]) -> Former:
        """The same, but what it told of these sites is what `fresh` tells of them."""
        other = np.isin(self.site, list(sites))
        fresh = [one for one in fresh if len(one.site)]
        if not fresh and not other.any():
            return self
        kept = Former(self.site[~other], self.until[~other], self.names, self.codes[:, ~other])
        return _joined([kept, *fresh])


def _joined(parts: Sequence[Former]) -> Former:
    """One of several, of which no two tell of the same site."""
    known: dict[str, int] = {}
    codes = []
    for part in parts:
        numbers = np.array([known.setdefault(name, len(known)) for name in part.names], np.int32)
        codes.append(numbers[part.codes] if len(numbers) else part.codes)
    site, until = np.concatenate([part.site for part in parts]), np.concatenate([part.until for part in parts])
    order = np.argsort(site * _STEP + until, kind="stable")
    return Former(site[order], until[order], tuple(known), np.concatenate(codes, axis=1)[:, order])
