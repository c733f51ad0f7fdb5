"""The sites behind a figure of a rate (RPT16): who had such seconds in a period, or was so at a moment, also of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from yuanjiao.lib.lazy import Lazy
from yuanjiao.network.queries.population import paths_of, site_names
from yuanjiao.network.queries.rates import SPLITS, Measured, measure, split_keys
from yuanjiao.network.rules import Rate
from yuanjiao.network.rules.rates import Ints
from yuanjiao.network.rules.register import programmes
from yuanjiao.places.models import Division
from yuanjiao.places.queries import every_row

KINDS = ("up", "down", "unknown", "maintenance", "excluded")
"""What a second of a site can be: the fields of `Rate` that open."""


@dataclass
class SiteBehind:
    """One site's seconds in a period (at a moment: its one second) while it stood under the division.

    `place` is the key of the division row in which it stood last; `fill` gives the words.
    """

    site_id: int
    rate: Rate
    place: int
    code: str = ""
    name: str = ""
    place_name: str = ""


def sites_behind(
    division: Division, start: datetime, end: datetime | None, *, kind: str = "", split: str = "", key: str = ""
) -> Lazy[SiteBehind]:
    """The sites that counted under the division, the most seconds of `kind` first; without a kind all of them, in order of entry.

    `split` and `key` narrow to one value of a split (a key of SPLITS), to the seconds in which a site was that. An instant when `end`
    is None.
    """
    measured = measure(paths_of(division, start, end), start, end, labelled=split in SPLITS)
    rows = _chosen(measured, split, key)
    ids = measured.population.ids[rows]
    sites, first = np.unique(ids, return_index=True)
    ends = np.append(first[1:], len(ids))
    order = _ordered(measured, rows, first, kind)

    def row(number: int) -> SiteBehind:
        own = order[number]
        mine = rows[int(first[own]) : int(ends[own])]
        return SiteBehind(int(sites[own]), measured.rate(mine), int(measured.population.division[mine[-1]]))

    return Lazy(len(order), row)


def _chosen(measured: Measured, split: str, key: str) -> Ints:
    """The rows of the population with this value of the split, in order of site and time."""
    if split not in SPLITS:
        return np.arange(len(measured.population.ids))
    keys, unit = split_keys(measured.population, split)
    held = [key in programmes(one) if split == "programme" else one == key for one in keys]
    chosen: Ints = np.flatnonzero(np.array(held, dtype=bool)[unit]) if keys else np.zeros(0, np.int64)
    return chosen


def _ordered(measured: Measured, rows: Ints, first: Ints, kind: str) -> Ints:
    """The places of the sites that have seconds of the kind, the most first."""
    if kind not in KINDS or not len(first):
        return np.arange(len(first))
    seconds: NDArray[np.int64] = np.add.reduceat(_seconds(measured, kind)[rows], first)
    order = np.argsort(-seconds, kind="stable")
    found: Ints = order[seconds[order] > 0]
    return found


def _seconds(measured: Measured, kind: str) -> Ints:
    seconds: Ints = getattr(measured.population if kind in {"maintenance", "excluded"} else measured, kind)
    return seconds


def fill_sites(rows: Sequence[SiteBehind]) -> None:
    """Names, codes and places of some rows, in two queries."""
    named = site_names([row.site_id for row in rows])
    wanted = sorted({row.place for row in rows})
    places = {pk: name for at in range(0, len(wanted), 500) for pk, name in _names(wanted[at : at + 500])}
    for row in rows:
        row.code, row.name, _lifecycle = named[row.site_id]
        row.place_name = places.get(row.place, "")


def _names(keys: Sequence[int]) -> list[tuple[int, str]]:
    return list(every_row().filter(pk__in=keys).values_list("pk", "name"))
