"""The state spans and play tests that speak of a population, as arrays for the arithmetic of rates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from django.db.models import Q

from yuanjiao.network.counting.reading import ends_of, moment, overlapping, record_ends, span_rows, table, test_rows
from yuanjiao.network.models import PlayTest, StateChange
from yuanjiao.network.queries.population import Population, site_keys
from yuanjiao.network.queries.rulings import RulePart
from yuanjiao.network.queries.states import allowance
from yuanjiao.network.rules.rates import Ints, SiteSpans


def load_spans(population: Population, parts: Sequence[RulePart], *, instant: bool) -> SiteSpans:
    """State spans that overlap the period and the play tests that still speak in it, for every piece of the population's service.

    A span ends where its observer's record ends: at this machine's own listening mark, at an edge's watermark. For an
    instant the last word stands a little longer (`allowance`), or the present could never be shown.
    """
    spans = table(_state_rows(population), 7)
    tests = table(_test_rows(population, parts), 4)
    through = record_ends(int(allowance().total_seconds()) if instant else 0)
    until = np.minimum(spans[:, 3], ends_of(spans[:, 5], through))
    span, piece = at_pieces(population.pieces.site, spans[:, 0])
    test, test_piece = at_pieces(population.pieces.site, tests[:, 0])
    return SiteSpans(
        site=piece, state=spans[span, 1], at=spans[span, 2], until=until[span], heard=spans[span, 4],
        test_site=test_piece, test_at=tests[test, 1], test_ok=tests[test, 2],
        served_from=population.pieces.first, served_to=population.pieces.last,
        suspended=np.zeros(len(population.pieces.row), dtype=np.int64),
    )  # fmt: skip


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


def _state_rows(population: Population) -> Iterable[tuple[int, ...]]:
    return span_rows(StateChange.objects.filter(overlapping(population.start, population.end), rows_of(population, "object")))


def _test_rows(population: Population, parts: Sequence[RulePart]) -> Iterable[tuple[int, ...]]:
    since = moment(min(part.start - part.rule.play_days * 86_400 for part in parts))
    return test_rows(PlayTest.objects.filter(rows_of(population, "site"), at__gt=since, at__lt=moment(population.end)))
