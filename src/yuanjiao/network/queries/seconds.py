"""Seconds of a population's service: from the counters where this process keeps them, else from the rows. Both say the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.counting.reading import Scope
from yuanjiao.network.queries.population import Population
from yuanjiao.network.queries.rulings import RulePart
from yuanjiao.network.queries.spans import load_spans, rows_of
from yuanjiao.network.queries.states import allowance
from yuanjiao.network.rules.rates import DOWN, UP, Ints, RateRule, seconds_by_site

Known = tuple[Ints, Ints]


def known_seconds(population: Population, parts: Sequence[RulePart], *, instant: bool) -> Known:
    """(up, down) seconds of each piece of service in all parts together; the rest of a piece is unknown."""
    if COUNTERS.active:
        counted = _present(population, parts[0].rule) if instant else _counted(population, parts)
        if counted is not None:
            return counted
    return seconds_from_rows(population, parts, instant=instant)


def seconds_from_rows(population: Population, parts: Sequence[RulePart], *, instant: bool) -> Known:
    """The same from the rows, whatever has been counted: what the counters are checked against."""
    spans = load_spans(population, parts, instant=instant)
    sums = [seconds_by_site(spans, start=part.start, end=part.end, rule=part.rule) for part in parts]
    return _total([(one.up, one.down) for one in sums])


def _counted(population: Population, parts: Sequence[RulePart]) -> Known | None:
    """Part by part, each piece cut to the part."""
    pieces, scope = population.pieces, Scope(rows_of(population, "object"), rows_of(population, "site"))
    cut = [(np.clip(pieces.first, part.start, part.end), np.clip(pieces.last, part.start, part.end)) for part in parts]
    known = [COUNTERS.seconds(pieces.site, *span, part.rule, scope) for span, part in zip(cut, parts, strict=True)]
    found = [one for one in known if one is not None]
    return _total(found) if len(found) == len(parts) else None


def _present(population: Population, rule: RateRule) -> Known | None:
    """At an instant: 1 for what is up, 1 for what is down."""
    kinds = COUNTERS.kinds(population.start, rule, int(allowance().total_seconds()))
    if kinds is None:
        return None
    here = kinds_of(kinds, population.pieces.site)
    return (here == UP).astype(np.int64), (here == DOWN).astype(np.int64)


def kinds_of(kinds: NDArray[np.int8], site: Ints) -> NDArray[np.int8]:
    """What was counted for each site; unknown for one that no row has spoken of yet."""
    size = int(site.max(initial=-1)) + 1
    return np.append(kinds, np.zeros(max(size - len(kinds), 0), np.int8))[site]


def _total(parts: Sequence[Known]) -> Known:
    up, down = parts[0]
    for more_up, more_down in parts[1:]:
        up, down = up + more_up, down + more_down
    return up, down
