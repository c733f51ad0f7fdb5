"""A division's rate step by step over a period: the trend of a screen.

Most sites do not change at all within a day. They are told by one sum over the whole period; only the others are counted step by step.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.queries.population import Population, load_population, paths_of
from yuanjiao.network.queries.rulings import RulePart, rule_parts
from yuanjiao.network.queries.seconds import known_seconds
from yuanjiao.network.queries.spans import spans_of_sites
from yuanjiao.network.rules.rate_columns import distinct
from yuanjiao.network.rules.rates import Rate, RateRule, SiteSpans, seconds_by_site
from yuanjiao.places.models import Division

Truth = NDArray[np.bool_]
SPAN = ("site", "state", "at", "until", "heard")


def rate_series(division: Division, start: datetime, step: timedelta, count: int) -> list[Rate]:
    """`count` rates over [start, start + step), and so on, each equal to `rate_over` of its span; without a target."""
    first, last = int(start.timestamp()), int((start + step * count).timestamp())
    paths, parts = paths_of(division, start, start + step * count), rule_parts(first, last)
    population = load_population(paths, first, last)
    up, down = known_seconds(population, parts, instant=False)
    whole = population.pieces.last - population.pieces.first
    mixed = np.unique(population.pieces.site[~((up == whole) | (down == whole) | (up + down == 0))])
    changes = np.isin(population.pieces.site, mixed)  # of a site that changes, every piece is counted step by step
    steady = (~changes & (up == whole), ~changes & (down == whole))
    spans = spans_of_sites(population, parts, mixed) if len(mixed) else None
    return [_rate(population, steady, spans, start + step * number, start + step * (number + 1)) for number in range(count)]


def _moving(spans: SiteSpans | None, part: RulePart) -> tuple[int, int]:
    """(up, down) of all that changes together."""
    if spans is None:
        return 0, 0
    here = (spans.at < part.end) & (spans.until > part.start)
    some = replace(
        spans, site=spans.site[here], state=spans.state[here], at=spans.at[here], until=spans.until[here], heard=spans.heard[here]
    )
    found = seconds_by_site(some, start=part.start, end=part.end, rule=part.rule)
    return int(found.up.sum()), int(found.down.sum())


def _rate(population: Population, steady: tuple[Truth, Truth], spans: SiteSpans | None, start: datetime, end: datetime) -> Rate:
    first, last = int(start.timestamp()), int(end.timestamp())
    parts, pieces = rule_parts(first, last), population.pieces
    length = np.clip(pieces.last, first, last) - np.clip(pieces.first, first, last)
    moving = [_moving(spans, part) for part in parts]
    up = int(length[steady[0]].sum()) + sum(one[0] for one in moving)
    down = int(length[steady[1]].sum()) + sum(one[1] for one in moving)
    apart = population.suspended != 0
    stood = np.clip(population.last, first, last) - np.clip(population.first, first, last)
    rules: tuple[RateRule, ...] = tuple(part.rule for part in parts)
    return Rate(
        up=up,
        down=down,
        unknown=int(length.sum()) - up - down,
        excluded=int(stood[apart].sum()),
        maintenance=int(stood[~apart].sum() - length.sum()),
        population=distinct(pieces.site[length > 0]),
        suspended=distinct(population.ids[apart & (stood > 0)]),
        rule=rules[-1],
        earlier=rules[:-1],
        start=start,
        end=end,
    )
