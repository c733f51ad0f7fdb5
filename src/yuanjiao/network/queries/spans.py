"""The state spans and play tests that speak of a population, as arrays for the arithmetic of rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from django.db.models import Q

from yuanjiao.network.counting.counters import COUNTERS, Present
from yuanjiao.network.counting.reading import (
    ended_of_all,
    ends_of,
    moment,
    overlapping,
    read,
    record_ends,
    scopes_of,
    span_rows,
    spans_of_all,
    table,
    test_rows,
)
from yuanjiao.network.models import PlayTest, StateChange
from yuanjiao.network.queries.population import Population, site_keys
from yuanjiao.network.queries.rulings import RulePart
from yuanjiao.network.queries.states import allowance
from yuanjiao.network.rules.pieces import Pieces
from yuanjiao.network.rules.rates import FOREVER, Ints, RateRule, SiteSpans

FEW = 2_000
"""So many sites are asked about by name; of more, rows are found by their time."""


def load_spans(population: Population, parts: Sequence[RulePart], *, instant: bool) -> SiteSpans:
    """State spans that overlap the period and the play tests that still speak in it, for every piece of the population's service.

    A span ends where its observer's record ends: at this machine's own listening mark, at an edge's watermark. For an
    instant the last word stands a little longer (`allowance`), or the present could never be shown.
    """
    spans = _state_spans(population)
    tests = table(_test_rows(population, parts), 4)
    return _at_pieces(population.pieces, spans, tests, record_ends(int(allowance().total_seconds()) if instant else 0))


def _at_pieces(pieces: Pieces, spans: Ints, tests: Ints, through: Mapping[int, int]) -> SiteSpans:
    """Rows of sites as rows of the pieces of their service."""
    until = np.minimum(spans[:, 3], ends_of(spans[:, 5], through))
    span, piece = at_pieces(pieces.site, spans[:, 0])
    test, test_piece = at_pieces(pieces.site, tests[:, 0])
    return SiteSpans(
        site=piece, state=spans[span, 1], at=spans[span, 2], until=until[span], heard=spans[span, 4],
        test_site=test_piece, test_at=tests[test, 1], test_ok=tests[test, 2],
        served_from=pieces.first, served_to=pieces.last, suspended=np.zeros(len(pieces.row), dtype=np.int64),
    )  # fmt: skip


def spans_of_sites(population: Population, parts: Sequence[RulePart], sites: Ints) -> SiteSpans:
    """The same for some sites of a population only: for every piece of their service, in the order of the population."""
    of, chosen = population.pieces, np.isin(population.pieces.site, sites)
    pieces = Pieces(of.row[chosen], of.site[chosen], of.first[chosen], of.last[chosen])
    present = COUNTERS.present() if COUNTERS.active and len(sites) > FEW else None
    if present is None:
        spans, tests = read(scopes_of(sites), population.start, population.end, max((part.rule for part in parts), key=_play_days))
    else:
        spans, tests = _of_many(present, population.start, population.end, sites, parts)
    return _at_pieces(pieces, spans[np.isin(spans[:, 0], sites)], tests, record_ends(0))


def _of_many(present: Present, start: int, end: int, sites: Ints, parts: Sequence[RulePart]) -> tuple[Ints, Ints]:
    """State spans that overlap [start, end), and tests that speak in it: what ended is found by its time, what lasts is known to
    the counters; tests are asked for only of sites that tested after `start`."""
    ended = ended_of_all(start, end)
    known = sites[sites < len(present.since)]
    lasts = known[(present.since[known] > 0) & (present.since[known] < end)]
    still, by, heard = np.full(len(lasts), FOREVER), present.observer[lasts], present.heard[lasts]
    lasting = np.stack([lasts, present.state[lasts], present.since[lasts], still, heard, by, np.zeros(len(lasts), np.int64)], axis=1)
    old = known[(present.test_at[known] > 0) & (present.test_at[known] <= start)]
    newer = known[present.test_at[known] > start]
    since = moment(start - max(_play_days(part.rule) for part in parts) * 86_400)
    tests = [table(test_rows(PlayTest.objects.filter(one.tests, at__gt=since, at__lt=moment(end))), 4) for one in scopes_of(newer)]
    told = np.stack([old, present.test_at[old], present.test_ok[old], old], axis=1)
    return np.concatenate([ended, lasting]), np.concatenate([*tests, told])


def _play_days(rule: RateRule) -> int:
    return rule.play_days


def at_pieces(pieces: Ints, ids: Ints) -> tuple[Ints, Ints]:
    """(row, piece) pairs: each row of a site once for every piece of its service; rows of sites without one fall away.

    `pieces` are the sites of the pieces in ascending order, `ids` the sites of the rows in any order.
    """
    first, last = np.searchsorted(pieces, ids, side="left"), np.searchsorted(pieces, ids, side="right")
    count = last - first
    row = np.repeat(np.arange(len(ids)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, np.repeat(first, count) + step


def rows_of(population: Population, field: str) -> Q:
    """The rows of one population: all, or those of its sites."""
    if population.only is not None:
        return Q(**{f"{field}__in": population.only})
    return Q() if "/" in population.asked else Q(**{f"{field}__in": site_keys(population.asked, population.start, population.end)})


def _state_spans(population: Population) -> Ints:
    start, end, whose = population.start, population.end, rows_of(population, "object")
    return table(span_rows(StateChange.objects.filter(overlapping(start, end), whose)), 7) if whose else spans_of_all(start, end)


def _test_rows(population: Population, parts: Sequence[RulePart]) -> Iterable[tuple[int, ...]]:
    since = moment(min(part.start - part.rule.play_days * 86_400 for part in parts))
    return test_rows(PlayTest.objects.filter(rows_of(population, "site"), at__gt=since, at__lt=moment(population.end)))
