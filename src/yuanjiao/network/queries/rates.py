"""Unobstructed rates (畅通率) from the rows: load a population once, sum its seconds, group them as asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np

from yuanjiao.network.models import AccessMode, ManagedObject, SiteKind
from yuanjiao.network.queries.children import children_of
from yuanjiao.network.queries.instants import rates_now
from yuanjiao.network.queries.population import Population, in_service_on, load_population, paths_by_key, paths_of, site_fields, site_names
from yuanjiao.network.queries.rulings import RulePart, rule_parts, target_of, targets_of
from yuanjiao.network.queries.seconds import known_seconds
from yuanjiao.network.rules.rates import Ints, Rate, RateRule, Target
from yuanjiao.network.rules.register import programmes
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level

SPLITS = {
    "site_kind": dict(SiteKind.choices),
    "access_mode": dict(AccessMode.choices),
    "urban_rural": {"1": "城镇", "2": "乡村", "": "未标明"},
    "programme": {},
}
"""The splits of NET03 and NET04, by the code of urban and rural land, and by programme (whatever the register names): key → label."""


@dataclass(frozen=True)
class ChildRate:
    """The rate of one division directly below, counted while it lay there; `whole` is false when that was only a part of the period."""

    division: Division
    rate: Rate
    whole: bool = True


@dataclass(frozen=True)
class SplitRate:
    """The rate of the sites that share one value of a split."""

    key: str
    label: str
    rate: Rate


@dataclass(frozen=True)
class SiteRate:
    """The seconds of one site; `lifecycle` is that of today, `path` the last place of the period in which it counted."""

    object_id: int
    code: str
    name: str
    lifecycle: str
    rate: Rate
    path: str


@dataclass(frozen=True)
class Measured:
    """The seconds of every row (site, placement) of a population in one period, and the rules by which they were counted."""

    population: Population
    up: Ints
    down: Ints
    unknown: Ints
    rules: tuple[RateRule, ...]
    start: datetime
    end: datetime | None

    def rate(self, chosen: np.ndarray | slice = slice(None), target: Target | None = None) -> Rate:
        """The rate of the chosen rows: their seconds added up."""
        people, served = self.population, (self.up + self.down + self.unknown)[chosen] > 0
        return Rate(
            up=int(self.up[chosen].sum()),
            down=int(self.down[chosen].sum()),
            unknown=int(self.unknown[chosen].sum()),
            excluded=int(people.excluded[chosen].sum()),
            maintenance=int(people.maintenance[chosen].sum()),
            population=len(np.unique(people.ids[chosen][served])),
            suspended=len(np.unique(people.ids[chosen][people.excluded[chosen] > 0])),
            rule=self.rules[-1],
            earlier=self.rules[:-1],
            start=self.start,
            end=self.end,
            target=target,
        )

    def rates(self, units: Sequence[Sequence[str]]) -> list[Rate]:
        """One rate per unit, given by its paths, all in one pass; no place may lie in two of them."""
        people, unit, count = self.population, self.population.units(units), len(units)
        sums = [_sums(unit, one, count) for one in (self.up, self.down, self.unknown, people.excluded, people.maintenance)]
        served = _sites_in(unit, people.ids, self.up + self.down + self.unknown > 0, count)
        stopped = _sites_in(unit, people.ids, people.excluded > 0, count)
        return [
            Rate(
                up=up, down=down, unknown=unknown, excluded=excluded, maintenance=maintenance, population=population, suspended=suspended,
                rule=self.rules[-1], earlier=self.rules[:-1], start=self.start, end=self.end,
            )
            for up, down, unknown, excluded, maintenance, population, suspended in zip(*sums, served, stopped, strict=True)
        ]  # fmt: skip


def _sums(unit: Ints, seconds: Ints, count: int) -> list[int]:
    """The seconds of each unit; rows outside all of them (-1) are left out."""
    sums: list[int] = np.bincount(unit + 1, weights=seconds, minlength=count + 1)[1:].astype(np.int64).tolist()
    return sums


def _sites_in(unit: Ints, ids: Ints, chosen: np.ndarray, count: int) -> list[int]:
    """How many different sites of the chosen rows each unit has; rows come in order of site."""
    if len(ids) and (np.diff(ids) == 0).any():
        pairs = np.unique(np.stack([unit[chosen], ids[chosen]]), axis=1)
        return _sums(pairs[0], np.ones(pairs.shape[1], np.int64), count)
    return _sums(unit, chosen.astype(np.int64), count)


def measure(
    paths: Iterable[str], start: datetime, end: datetime | None, rule: RateRule | None = None, *, only: Iterable[int] | None = None
) -> Measured:
    """Count the sites under the paths (with `only`: these sites, wherever they stood) in [start, end).

    `end` None is an instant: every site then holds exactly one second, so that seconds count sites. Without a `rule` each part
    of the period is counted by the version that was in force.
    """
    first = int(start.timestamp())
    last = first + 1 if end is None else int(end.timestamp())
    parts = rule_parts(first, last) if rule is None else [RulePart(rule, first, last)]
    population = load_population(paths, first, last, only=only)
    pieces, (known_up, known_down) = population.pieces, known_seconds(population, parts, instant=end is None)
    unknown = pieces.last - pieces.first - known_up - known_down
    up, down, rest = (_by_row(population, seconds) for seconds in (known_up, known_down, unknown))
    return Measured(population, up, down, rest, tuple(part.rule for part in parts), start, end)


def _by_row(population: Population, seconds: Ints) -> Ints:
    """Seconds of pieces added up to those of rows."""
    return np.bincount(population.pieces.row, weights=seconds, minlength=len(population.ids)).astype(np.int64)


def _of(division: Division | str, start: datetime, end: datetime | None, rule: RateRule | None) -> Measured:
    return measure(paths_of(division, start, end), start, end, rule)


def _target(division: Division | str, start: datetime, end: datetime | None) -> Target | None:
    """The target at the end of the period: what it is judged by."""
    return None if isinstance(division, str) else target_of(division, start if end is None else end - timedelta(seconds=1))


def rate_at(division: Division | str, at: datetime, *, rule: RateRule | None = None) -> Rate:
    """The rate of the sites of a division (or path) at one moment, counted in sites, in the tree of that moment."""
    now = None if rule else rates_now(at, [paths_of(division, at, None)])
    if now is not None:
        return replace(now[0], target=_target(division, at, None))
    return _of(division, at, None, rule).rate(target=_target(division, at, None))


def rate_over(division: Division | str, start: datetime, end: datetime, *, rule: RateRule | None = None) -> Rate:
    """The time-weighted rate over [start, end), in site-seconds; every second belongs to the place where the site then stood."""
    return _of(division, start, end, rule).rate(target=_target(division, start, end))


def rates_by_child(division: Division, start: datetime, end: datetime | None = None, *, rule: RateRule | None = None) -> list[ChildRate]:
    """One rate per division directly below, in code order; an instant when `end` is None. One load for all of them."""
    return rate_and_children(division, start, end, rule=rule)[1]


def rate_and_children(
    division: Division, start: datetime, end: datetime | None = None, *, rule: RateRule | None = None
) -> tuple[Rate, list[ChildRate]]:
    """The rate of a division and those that lay directly below it, from one load.

    A division that came or went in mid-period counts here for as long as it lay here, so that the parts add up to the whole.
    """
    now = None if rule or end else _now_with_children(division, start)
    return now or _with_children(_of(division, start, end, rule), division, start, end)


def _now_with_children(division: Division, at: datetime) -> tuple[Rate, list[ChildRate]] | None:
    """The same at a moment of today, where the counters know it."""
    children = children_of(division, at, None)
    rates = rates_now(at, [paths_of(division, at, None), *(child.paths for child in children)])
    if rates is None:
        return None
    targets = targets_of([division, *(child.division for child in children)], at)
    whole, *below = (
        replace(rate, target=targets.get(place.path))
        for rate, place in zip(rates, [division, *(child.division for child in children)], strict=True)
    )
    return whole, [ChildRate(child.division, rate, child.whole) for child, rate in zip(children, below, strict=True)]


def _with_children(measured: Measured, division: Division, start: datetime, end: datetime | None) -> tuple[Rate, list[ChildRate]]:
    children = children_of(division, start, end)
    targets = targets_of([division, *(child.division for child in children)], start if end is None else end - timedelta(seconds=1))
    rates = measured.rates([child.paths for child in children])
    below = [
        ChildRate(child.division, replace(rate, target=targets.get(child.division.path)), child.whole)
        for child, rate in zip(children, rates, strict=True)
    ]
    return measured.rate(target=targets.get(division.path)), below


def rates_split(
    path: str | Division, by: str, start: datetime, end: datetime | None = None, *, rule: RateRule | None = None
) -> list[SplitRate]:
    """One rate per value of a split (`by` is a key of SPLITS); values without a site are left out.

    A site of several programmes counts in each of them.
    """
    return splits_of(_of(path, start, end, rule), by)


def splits_of(measured: Measured, by: str) -> list[SplitRate]:
    """The same from seconds that were counted already."""
    keys = split_keys(measured.population, by)
    if by == "programme":
        return _by_programme(measured, keys)
    return [SplitRate(key, label, measured.rate(keys == key)) for key, label in SPLITS[by].items() if (keys == key).any()]


def _by_programme(measured: Measured, keys: np.ndarray) -> list[SplitRate]:
    unique, place = np.unique(keys, return_inverse=True)
    named = [set(programmes(text)) for text in unique.tolist()]
    chosen = {name: np.array([name in one for one in named])[place] for name in sorted(set().union(*named, set()))}
    return [SplitRate(name, name, measured.rate(mask)) for name, mask in chosen.items()]


def split_keys(population: Population, by: str) -> np.ndarray:
    """Each row's value of a split; the urban/rural code of the place is cut to its first digit (1 urban, 2 rural)."""
    if by == "urban_rural":
        return population.urban_rural()
    return site_fields(population, {"programme": "programmes"}.get(by, by))


def rates_by_site(path: str | Division, start: datetime, end: datetime | None = None, *, rule: RateRule | None = None) -> list[SiteRate]:
    """One rate per site, in code order: the rows behind a division's rate, each for as long as the site stood there."""
    return sites_of(_of(path, start, end, rule))


def sites_of(measured: Measured) -> list[SiteRate]:
    """The same from seconds that were counted already."""
    unique, first = np.unique(measured.population.ids, return_index=True)
    last = [*first[1:].tolist(), len(measured.population.ids)][: len(unique)]
    named, division = site_names(unique.tolist()), measured.population.division
    paths = paths_by_key(division)
    rates = [
        SiteRate(key, *named[key], measured.rate(slice(a, b)), paths[int(division[b - 1])])
        for key, a, b in zip(unique.tolist(), first.tolist(), last, strict=True)
    ]
    return sorted(rates, key=lambda one: one.code)


@dataclass(frozen=True)
class RateTable:
    """Everything a page of rates shows, from one load: the whole, its children or (without any) its sites, and every split."""

    whole: Rate
    children: list[ChildRate]
    sites: list[SiteRate]
    splits: dict[str, list[SplitRate]]


def rate_table(division: Division, start: datetime, end: datetime | None = None) -> RateTable:
    """The rate of a division, of what lay below it and of every split of it."""
    measured = _of(division, start, end, None)
    whole, children = _with_children(measured, division, start, end)
    sites = [] if children else sites_of(measured)
    return RateTable(whole, children, sites, {by: splits_of(measured, by) for by in SPLITS})


def availability(site: ManagedObject, start: datetime, end: datetime, *, rule: RateRule | None = None) -> Rate:
    """The seconds of one site over [start, end), wherever it stood."""
    return measure(["/"], start, end, rule, only=[site.pk]).rate(target=target_of(site.division, end - timedelta(seconds=1)))


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
    return set(in_service_on(on).filter(division__path__startswith=path).values_list("division__path", flat=True))


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
