"""Which seconds count as service: the spans of a population's rows without their announced maintenance. Pure arithmetic on arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yuanjiao.network.rules.rates import Ints

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Pieces:
    """Disjoint spans of seconds [first, last), each of one row of the population; those of one site stand together, in order of time."""

    row: Ints
    site: Ints
    """Key of the site."""
    first: Ints
    last: Ints


def serving_pieces(ids: Ints, first: Ints, last: Ints, suspended: Ints, windows: Mapping[int, Spans]) -> Pieces:
    """The service of each row cut by the maintenance of its site. Rows come in order of site and time, and so do the pieces."""
    serves = (suspended == 0) & (last > first)
    served = np.flatnonzero(serves)
    plain = Pieces(served, ids, first, last) if serves.all() else Pieces(served, ids[served], first[served], last[served])
    touched = np.isin(plain.site, np.fromiter(windows, dtype=np.int64, count=len(windows))) if windows else np.zeros(len(served), bool)
    return _with(plain, ~touched, _cut(plain, np.flatnonzero(touched), windows)) if touched.any() else plain


def _cut(plain: Pieces, places: Ints, windows: Mapping[int, Spans]) -> list[tuple[int, int, int, int]]:
    cut = []
    for place in places.tolist():
        row, site, begin, end = (int(column[place]) for column in (plain.row, plain.site, plain.first, plain.last))
        cut += [(row, site, a, b) for a, b in without(begin, end, windows[site])]
    return cut


def _with(plain: Pieces, kept: np.ndarray, cut: list[tuple[int, int, int, int]]) -> Pieces:
    more = np.array(cut, dtype=np.int64).reshape(-1, 4)
    columns = [np.concatenate([column[kept], more[:, n]]) for n, column in enumerate((plain.row, plain.site, plain.first, plain.last))]
    order = np.lexsort((columns[2], columns[0]))  # rows are in order of site already
    return Pieces(*(column[order] for column in columns))


def without(begin: int, end: int, gaps: Spans) -> list[tuple[int, int]]:
    """[begin, end) without the gaps, which may overlap and come in any order."""
    left, at = [], begin
    for start, stop in sorted(gaps):
        if stop <= max(at, start) or start >= end:
            continue
        if start > at:
            left.append((at, start))
        at = max(at, stop)
    return [*left, (at, end)] if at < end else left
