"""Loads a population of sites and the spans that speak of it, as arrays for the arithmetic of rates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from django.db.models import Q

from yuanjiao.lib import clock
from yuanjiao.network.counting.reading import ends_of, moment, overlapping, record_ends, span_rows, table, test_rows
from yuanjiao.network.models import Lifecycle, PlayTest, Site, StateChange
from yuanjiao.network.queries.states import allowance
from yuanjiao.network.rules.rates import FOREVER, Ints, RateRule, SiteSpans


@dataclass(frozen=True)
class PopulationRow:
    """One site of a population."""

    pk: int
    code: str
    name: str
    path: str
    lifecycle: str
    lifecycle_on: date
    in_service_on: date
    site_kind: str
    access_mode: str
    urban_rural: str


@dataclass(frozen=True)
class Population:
    """The sites of one division path that were or are in service or suspended, in code order."""

    path: str
    rows: Sequence[PopulationRow]
    only: tuple[int, ...] | None = None

    @cached_property
    def index(self) -> Ints:
        """Site id → its place; -1 for others."""
        ids = np.array([row.pk for row in self.rows], dtype=np.int64)
        table = np.full(int(ids.max(initial=0)) + 1, -1, dtype=np.int64)
        table[ids] = np.arange(len(ids))
        return table

    @cached_property
    def paths(self) -> list[str]:
        return [row.path for row in self.rows]

    @cached_property
    def suspended(self) -> Ints:
        return np.array([row.lifecycle == Lifecycle.SUSPENDED for row in self.rows], dtype=np.int64)

    @cached_property
    def service(self) -> tuple[Ints, Ints]:
        """[from, to) of every site's service, cut at local midnights."""
        midnights: dict[date, int] = {}

        def midnight(day: date) -> int:
            if day not in midnights:
                midnights[day] = int(clock.day_start(day).timestamp())
            return midnights[day]

        served = Lifecycle.IN_SERVICE
        first = [midnight(row.in_service_on) for row in self.rows]
        last = [FOREVER if row.lifecycle == served else midnight(row.lifecycle_on) for row in self.rows]
        return np.array(first, dtype=np.int64), np.array(last, dtype=np.int64)

    def keys(self, by: str) -> list[str]:
        """Each site's value of a split; the urban/rural code is cut to its first digit (1 urban, 2 rural)."""
        return [row.urban_rural[:1] if by == "urban_rural" else str(getattr(row, by)) for row in self.rows]


def load_population(path: str, *, only: Iterable[int] | None = None) -> Population:
    """Who counts: sites in service, suspended or retired under the path (dates decide for which part of a period)."""
    wanted = Site.objects.filter(
        division__path__startswith=path, lifecycle__in=[Lifecycle.IN_SERVICE, Lifecycle.SUSPENDED, Lifecycle.RETIRED]
    )
    chosen = None if only is None else tuple(only)
    if chosen is not None:
        wanted = wanted.filter(pk__in=chosen)
    fields = ("pk", "code", "name", "division__path", "lifecycle", "lifecycle_on", "in_service_on")
    rows = wanted.order_by("code").values_list(*fields, "site_kind", "access_mode", "division__urban_rural")
    return Population(path, [PopulationRow(*row) for row in rows], chosen)


def _of(population: Population, field: str) -> Q:
    """The rows of one population: by subtree, or by id when single sites were asked for."""
    if population.only is not None:
        return Q(**{f"{field}__in": population.only})
    return Q() if population.path == "/" else Q(**{f"{field}__division__path__startswith": population.path})


def load_spans(population: Population, start: int, end: int, rule: RateRule, *, instant: bool) -> SiteSpans:
    """State spans that overlap [start, end) and the play tests that still speak in it.

    A span ends where its observer's record ends: at this machine's own listening mark, at an edge's watermark. For an
    instant the last word stands a little longer (`allowance`), or the present could never be shown.
    """
    spans = table(_state_rows(population, start, end), 6)
    tests = table(_test_rows(population, start, end, rule), 3)
    site = _placed(population, spans[:, 0])
    test_site = _placed(population, tests[:, 0])
    inside, test_inside = site >= 0, test_site >= 0
    through = record_ends(int(allowance().total_seconds()) if instant else 0)
    until = np.minimum(spans[:, 3], ends_of(spans[:, 5], through))
    served_from, served_to = population.service
    return SiteSpans(
        site=site[inside], state=spans[inside, 1], at=spans[inside, 2], until=until[inside], heard=spans[inside, 4],
        test_site=test_site[test_inside], test_at=tests[test_inside, 1], test_ok=tests[test_inside, 2],
        served_from=served_from, served_to=served_to, suspended=population.suspended,
    )  # fmt: skip


def _placed(population: Population, ids: Ints) -> Ints:
    table = population.index
    return np.where(ids < len(table), table[np.minimum(ids, len(table) - 1)], -1)


def _state_rows(population: Population, start: int, end: int) -> Iterable[tuple[int, ...]]:
    return span_rows(StateChange.objects.filter(overlapping(start, end), _of(population, "object")))


def _test_rows(population: Population, start: int, end: int, rule: RateRule) -> Iterable[tuple[int, ...]]:
    since = moment(start - rule.play_days * 86_400)
    return test_rows(PlayTest.objects.filter(_of(population, "site"), at__gt=since, at__lt=moment(end)))
