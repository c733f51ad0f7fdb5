"""Unobstructed rates (畅通率) from the rows: load a population once, sum its seconds, group them as asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from yuanjiao.lib import clock
from yuanjiao.network.models import AccessMode, Lifecycle, ManagedObject, Site, SiteKind
from yuanjiao.network.queries.spans import Population, load_population, load_spans
from yuanjiao.network.rules.rates import RULE, Rate, RateRule, SecondsBySite, seconds_by_site
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level

SPLITS = {
    "site_kind": dict(SiteKind.choices),
    "access_mode": dict(AccessMode.choices),
    "urban_rural": {"1": "城镇", "2": "乡村", "": "未标明"},
}
"""The splits of NET03 and NET04 and by the code of urban and rural land: key → label."""


@dataclass(frozen=True)
class ChildRate:
    """The rate of one division directly below."""

    division: Division
    rate: Rate


@dataclass(frozen=True)
class SplitRate:
    """The rate of the sites that share one value of a split."""

    key: str
    label: str
    rate: Rate


@dataclass(frozen=True)
class SiteRate:
    """The seconds of one site."""

    object_id: int
    code: str
    name: str
    lifecycle: str
    rate: Rate


@dataclass(frozen=True)
class _Measured:
    population: Population
    seconds: SecondsBySite
    rule: RateRule
    start: datetime
    end: datetime | None

    def rate(self, chosen: np.ndarray | slice = slice(None)) -> Rate:
        """The rate of the chosen sites: their seconds added up."""
        s, suspended = self.seconds, self.population.suspended
        present = (s.up + s.down + s.unknown + s.excluded)[chosen] > 0
        stopped = (s.excluded[chosen] > 0) & (suspended[chosen] != 0)
        served = (s.up + s.down + s.unknown)[chosen] > 0
        return Rate(
            up=int(s.up[chosen].sum()),
            down=int(s.down[chosen].sum()),
            unknown=int(s.unknown[chosen].sum()),
            excluded=int(s.excluded[chosen].sum()),
            population=int((present & served).sum()),
            suspended=int(stopped.sum()),
            rule=self.rule,
            start=self.start,
            end=self.end,
        )


def _measure(path: str, start: datetime, end: datetime | None, rule: RateRule) -> _Measured:
    """`end` None is an instant: every site then holds exactly one second, so that seconds count sites."""
    first = int(start.timestamp())
    last = first + 1 if end is None else int(end.timestamp())
    population = load_population(path)
    spans = load_spans(population, first, last, rule, instant=end is None)
    return _Measured(population, seconds_by_site(spans, start=first, end=last, rule=rule), rule, start, end)


def rate_at(division: Division | str, at: datetime, *, rule: RateRule = RULE) -> Rate:
    """The rate of the sites of a division (or path) at one moment, counted in sites."""
    return _measure(_path(division), at, None, rule).rate()


def rate_over(division: Division | str, start: datetime, end: datetime, *, rule: RateRule = RULE) -> Rate:
    """The time-weighted rate over [start, end), in site-seconds."""
    return _measure(_path(division), start, end, rule).rate()


def rates_by_child(division: Division, start: datetime, end: datetime | None = None, *, rule: RateRule = RULE) -> list[ChildRate]:
    """One rate per division directly below, in code order; an instant when `end` is None. One load for all of them."""
    return rate_and_children(division, start, end, rule=rule)[1]


def rate_and_children(
    division: Division, start: datetime, end: datetime | None = None, *, rule: RateRule = RULE
) -> tuple[Rate, list[ChildRate]]:
    """The rate of a division and those directly below it, from one load."""
    measured = _measure(division.path, start, end, rule)
    day = clock.local_day(start if end is None else end - timedelta(seconds=1))
    children = list(divisions(on=day, under=division.path).filter(parent__code=division.code))
    paths = np.array(measured.population.paths, dtype=np.str_)
    below = [ChildRate(child, measured.rate(np.char.startswith(paths, child.path) if len(paths) else slice(None))) for child in children]
    return measured.rate(), below


def rates_split(path: str, by: str, start: datetime, end: datetime | None = None, *, rule: RateRule = RULE) -> list[SplitRate]:
    """One rate per site kind, access mode or urban/rural class (`by` is a key of SPLITS); values without a site are left out."""
    measured = _measure(path, start, end, rule)
    keys = np.array(measured.population.keys(by), dtype=np.str_)
    return [SplitRate(key, label, measured.rate(keys == key)) for key, label in SPLITS[by].items() if (keys == key).any()]


def rates_by_site(path: str, start: datetime, end: datetime | None = None, *, rule: RateRule = RULE) -> list[SiteRate]:
    """One rate per site, in code order: the rows behind a division's rate."""
    measured = _measure(path, start, end, rule)
    rows = measured.population.rows
    return [SiteRate(row.pk, row.code, row.name, row.lifecycle, measured.rate(np.array([i]))) for i, row in enumerate(rows)]


def availability(site: ManagedObject, start: datetime, end: datetime, *, rule: RateRule = RULE) -> Rate:
    """The seconds of one site over [start, end)."""
    first, last = int(start.timestamp()), int(end.timestamp())
    population = load_population(site.division.path, only=[site.pk])
    seconds = seconds_by_site(load_spans(population, first, last, rule, instant=False), start=first, end=last, rule=rule)
    return _Measured(population, seconds, rule, start, end).rate()


@dataclass(frozen=True)
class VillageCoverage:
    """How many village divisions have a site in service (NET02)."""

    division: Division
    villages: int
    covered: int

    @property
    def value(self) -> float | None:
        return self.covered / self.villages if self.villages else None


def uncovered_villages(path: str, *, on: date) -> list[Division]:
    """Village divisions in force on the day without a site in service, in code order."""
    covered = _covered(path, on)
    return [village for village in divisions(on=on, level=Level.VILLAGE, under=path) if village.path not in covered]


def _covered(path: str, on: date) -> set[str]:
    rows = Site.objects.filter(division__path__startswith=path, lifecycle=Lifecycle.IN_SERVICE, in_service_on__lte=on)
    return set(rows.values_list("division__path", flat=True))


def coverage_of_villages(division: Division, *, on: date) -> VillageCoverage:
    """Villages with at least one active site, of all villages of the division."""
    villages = list(divisions(on=on, level=Level.VILLAGE, under=division.path))
    return _coverage(division, villages, _covered(division.path, on))


def coverage_by_child(division: Division, *, on: date) -> list[VillageCoverage]:
    """The same for every division directly below, in code order; two queries in all."""
    villages = list(divisions(on=on, level=Level.VILLAGE, under=division.path))
    covered = _covered(division.path, on)
    children = divisions(on=on, under=division.path).filter(parent__code=division.code)
    return [_coverage(child, [one for one in villages if one.path.startswith(child.path)], covered) for child in children]


def _coverage(division: Division, villages: Sequence[Division], covered: set[str]) -> VillageCoverage:
    return VillageCoverage(division, len(villages), sum(village.path in covered for village in villages))


def _path(division: Division | str) -> str:
    return division if isinstance(division, str) else division.path
