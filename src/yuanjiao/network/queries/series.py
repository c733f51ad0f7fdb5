"""A division's rate step by step over a period, from one reading of its rows: the trend of a screen."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from yuanjiao.network.queries.population import Population, load_population, paths_of
from yuanjiao.network.queries.rulings import RulePart, rule_parts
from yuanjiao.network.queries.spans import load_spans
from yuanjiao.network.rules.rates import Ints, Rate, RateRule, SiteSpans, seconds_by_site
from yuanjiao.places.models import Division


def rate_series(division: Division, start: datetime, step: timedelta, count: int) -> list[Rate]:
    """`count` rates over [start, start + step), and so on, each equal to `rate_over` of its span. Populations count sites of the span."""
    starts = [start + step * number for number in range(count)]
    first, last = int(start.timestamp()), int((start + step * count).timestamp())
    parts = rule_parts(first, last)
    population = load_population(paths_of(division, start, start + step * count), first, last)
    spans = load_spans(population, parts, instant=False)
    return [_rate(population, spans, one, one + step) for one in starts]


def _rate(population: Population, spans: SiteSpans, start: datetime, end: datetime) -> Rate:
    first, last = int(start.timestamp()), int(end.timestamp())
    parts = rule_parts(first, last)
    sums = [_sums(spans, part) for part in parts]
    up, down, unknown = (np.sum([one[place] for one in sums], axis=0) for place in range(3))
    rules: tuple[RateRule, ...] = tuple(part.rule for part in parts)
    out = np.clip(population.last, first, last) - np.clip(population.first, first, last)
    served = population.ids[population.pieces.row][up + down + unknown > 0]
    apart = population.suspended != 0
    return Rate(
        up=int(up.sum()),
        down=int(down.sum()),
        unknown=int(unknown.sum()),
        excluded=int(out[apart].sum()),
        maintenance=int(out[~apart].sum() - (up + down + unknown).sum()),
        population=len(np.unique(served)),
        suspended=len(np.unique(population.ids[apart & (out > 0)])),
        rule=rules[-1],
        earlier=rules[:-1],
        start=start,
        end=end,
    )


def _sums(spans: SiteSpans, part: RulePart) -> tuple[Ints, Ints, Ints]:
    found = seconds_by_site(spans, start=part.start, end=part.end, rule=part.rule)
    return found.up, found.down, found.unknown
