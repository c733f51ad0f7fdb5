"""The seconds of chosen sites over a period, wherever they stood: for whoever keeps a population of a day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from yuanjiao.network.queries.rates import measure
from yuanjiao.network.rules.rates import RateRule


@dataclass(frozen=True)
class SiteSeconds:
    """What the seconds of one site were; `apart` is announced maintenance. Less than the period together: not in service all through."""

    up: int
    down: int
    unknown: int
    apart: int


def seconds_of_sites(keys: Collection[int], start: datetime, end: datetime, *, rule: RateRule) -> dict[int, SiteSeconds]:
    """Key → seconds in [start, end) by one rule, the whole register counted in one pass; sites that never served then are left out."""
    measured = measure(["/"], start, end, rule)
    people = measured.population
    sites, row = np.unique(people.ids, return_inverse=True)
    columns = [
        np.bincount(row, weights=seconds, minlength=len(sites)).astype(np.int64).tolist()
        for seconds in (measured.up, measured.down, measured.unknown, people.maintenance)
    ]
    chosen = set(keys)
    return {key: SiteSeconds(*seconds) for key, *seconds in zip(sites.tolist(), *columns, strict=True) if key in chosen and any(seconds)}
