"""Unobstructed rates (畅通率) from the rows: load a population once, sum its seconds, group them as asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from yuanjiao.lib.lazy import Lazy
from yuanjiao.network.models import AccessMode, ManagedObject, SiteKind
from yuanjiao.network.queries.children import Children, children_of
from yuanjiao.network.queries.instants import rates_now
from yuanjiao.network.queries.population import Population, load_population, paths_by_key, paths_of, site_labels, site_names
from yuanjiao.network.queries.rulings import RulePart, Targets, rule_parts, target_of, targets_at
from yuanjiao.network.queries.seconds import known_seconds
from yuanjiao.network.rules.rate_columns import RateColumns, distinct
from yuanjiao.network.rules.rates import Ints, Rate, RateRule, Target
from yuanjiao.network.rules.register import programmes
from yuanjiao.places.models import Division

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


class ChildRates(Lazy[ChildRate]):
    """The rates of the divisions directly below one, in code order: columns of numbers, rows where somebody looks."""

    def __init__(self, children: Children, rates: RateColumns, targets: Targets) -> None:
        """`rates` has a row for each child, and may have more."""
        super().__init__(len(children), self._row)
        self.children, self.rates, self.targets = children, rates, targets

    def _row(self, number: int) -> ChildRate:
        target = self.targets.of(self.children.path(number))
        return ChildRate(self.children.division(number), self.rates.rate(number, target), self.children.whole[number])


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
        people, up, down, unknown = self.population, self.up[chosen], self.down[chosen], self.unknown[chosen]
        served = up + down + unknown > 0
        return Rate(
            up=int(up.sum()),
            down=int(down.sum()),
            unknown=int(unknown.sum()),
            excluded=int(people.excluded[chosen].sum()),
            maintenance=int(people.maintenance[chosen].sum()),
            population=distinct(people.ids[chosen][served]),
            suspended=distinct(people.ids[chosen][people.excluded[chosen] > 0]),
            rule=self.rules[-1],
            earlier=self.rules[:-1],
            start=self.start,
            end=self.end,
            target=target,
        )

    def of_units(self, units: Sequence[Sequence[str]]) -> RateColumns:
        """The rates of units, given by their paths, all in one pass; no place may lie in two of them."""
        return self.by_unit(self.population.units(units), len(units))

    def by_unit(self, unit: Ints, count: int) -> RateColumns:
        """One rate per unit, `unit` being each row's (0 to `count` − 1, or -1 for none)."""
        people = self.population
        served = self.up + self.down + self.unknown > 0
        return RateColumns(
            up=_sums(unit, self.up, count),
            down=_sums(unit, self.down, count),
            unknown=_sums(unit, self.unknown, count),
            excluded=_sums(unit, people.excluded, count),
            maintenance=_sums(unit, people.maintenance, count),
            population=_sites_in(unit, people.ids, served, count),
            suspended=_sites_in(unit, people.ids, people.excluded > 0, count),
            rules=self.rules,
            start=self.start,
            end=self.end,
        )


def _sums(unit: Ints, seconds: Ints, count: int) -> Ints:
    """The seconds of each unit; rows outside all of them (-1) are left out."""
    if not seconds.any():
        return np.zeros(count, np.int64)
    return np.bincount(unit + 1, weights=seconds, minlength=count + 1)[1:].astype(np.int64)


def _sites_in(unit: Ints, ids: Ints, chosen: np.ndarray, count: int) -> Ints:
    """How many different sites of the chosen rows each unit has; rows come in order of site."""
    if len(ids) and (np.diff(ids) == 0).any():
        pairs = np.sort(ids[chosen] * (count + 1) + unit[chosen] + 1, kind="stable")  # nearly in order: sorted in one pass
        pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])[: len(pairs)]]
        return _sums(pairs % (count + 1) - 1, np.ones(len(pairs), np.int64), count)
    return _sums(unit, chosen.astype(np.int64), count)


def measure(
    paths: Iterable[str],
    start: datetime,
    end: datetime | None,
    rule: RateRule | None = None,
    *,
    only: Iterable[int] | None = None,
    labelled: bool = False,
) -> Measured:
    """Count the sites under the paths (with `only`: these sites, wherever they stood) in [start, end).

    `end` None is an instant: every site then holds exactly one second, so that seconds count sites. Without a `rule` each part
    of the period is counted by the version that was in force. What is to be split by what sites were is measured `labelled`.
    """
    first = int(start.timestamp())
    last = first + 1 if end is None else int(end.timestamp())
    parts = rule_parts(first, last) if rule is None else [RulePart(rule, first, last)]
    population = load_population(paths, first, last, only=only, labelled=labelled)
    pieces, (known_up, known_down) = population.pieces, known_seconds(population, parts, instant=end is None)
    unknown = pieces.last - pieces.first - known_up - known_down
    up, down, rest = (_by_row(population, seconds) for seconds in (known_up, known_down, unknown))
    return Measured(population, up, down, rest, tuple(part.rule for part in parts), start, end)


def _by_row(population: Population, seconds: Ints) -> Ints:
    """Seconds of pieces added up to those of rows."""
    row = population.pieces.row
    if len(row) == len(population.ids) and (row == np.arange(len(row))).all():  # each row is one piece
        return seconds
    return np.bincount(row, weights=seconds, minlength=len(population.ids)).astype(np.int64)


def _of(division: Division | str, start: datetime, end: datetime | None, rule: RateRule | None, *, labelled: bool = False) -> Measured:
    return measure(paths_of(division, start, end), start, end, rule, labelled=labelled)


def _target(division: Division | str, start: datetime, end: datetime | None) -> Target | None:
    return None if isinstance(division, str) else target_of(division, _judged_at(start, end))


def _judged_at(start: datetime, end: datetime | None) -> datetime:
    """A period is judged by the target at its end."""
    return start if end is None else end - timedelta(seconds=1)


def rate_at(division: Division | str, at: datetime, *, rule: RateRule | None = None) -> Rate:
    """The rate of the sites of a division (or path) at one moment, counted in sites, in the tree of that moment."""
    now = None if rule else rates_now(at, [paths_of(division, at, None)])
    if now is not None:
        return now.rate(0, _target(division, at, None))
    return _of(division, at, None, rule).rate(target=_target(division, at, None))


def rate_over(division: Division | str, start: datetime, end: datetime, *, rule: RateRule | None = None) -> Rate:
    """The time-weighted rate over [start, end), in site-seconds; every second belongs to the place where the site then stood."""
    return _of(division, start, end, rule).rate(target=_target(division, start, end))


def rates_by_child(division: Division, start: datetime, end: datetime | None = None, *, rule: RateRule | None = None) -> ChildRates:
    """One rate per division directly below, in code order; an instant when `end` is None. One load for all of them."""
    return rate_and_children(division, start, end, rule=rule)[1]


def rate_and_children(
    division: Division, start: datetime, end: datetime | None = None, *, rule: RateRule | None = None
) -> tuple[Rate, ChildRates]:
    """The rate of a division and those that lay directly below it, from one load.

    A division that came or went in mid-period counts here for as long as it lay here, so that the parts add up to the whole.
    """
    now = None if rule or end else _now_with_children(division, start)
    return now or _with_children(_of(division, start, end, rule), division, start, end)


def _now_with_children(division: Division, at: datetime) -> tuple[Rate, ChildRates] | None:
    """The same at a moment of today, where the counters know it."""
    children = children_of(division, at, None)
    rates = rates_now(at, [*children.paths, paths_of(division, at, None)])
    if rates is None:
        return None
    targets = targets_at(at)
    return rates.rate(len(children), targets.of(division.path)), ChildRates(children, rates, targets)


def _with_children(measured: Measured, division: Division, start: datetime, end: datetime | None) -> tuple[Rate, ChildRates]:
    children, targets = children_of(division, start, end), targets_at(_judged_at(start, end))
    return measured.rate(target=targets.of(division.path)), ChildRates(children, measured.of_units(children.paths), targets)


def rates_split(
    path: str | Division, by: str, start: datetime, end: datetime | None = None, *, rule: RateRule | None = None
) -> list[SplitRate]:
    """One rate per value of a split (`by` is a key of SPLITS); values without a site are left out.

    Every second belongs to what its site was that day. A site of several programmes counts in each of them.
    """
    return splits_of(_of(path, start, end, rule, labelled=True), by)


def splits_of(measured: Measured, by: str) -> list[SplitRate]:
    """The same from seconds that were measured `labelled` already."""
    keys, unit = split_keys(measured.population, by)
    here = np.bincount(unit, minlength=len(keys)) > 0
    if by == "programme":
        return _by_programme(measured, [key if one else "" for key, one in zip(keys, here.tolist(), strict=True)], unit)
    rates, place = measured.by_unit(unit, len(keys)), {key: number for number, key in enumerate(keys) if here[number]}
    return [SplitRate(key, label, rates.rate(place[key])) for key, label in SPLITS[by].items() if key in place]


def _by_programme(measured: Measured, keys: Sequence[str], unit: Ints) -> list[SplitRate]:
    named = [set(programmes(text)) for text in keys]
    chosen = {name: np.array([name in one for one in named])[unit] for name in sorted(set().union(*named, set()))}
    return [SplitRate(name, name, measured.rate(mask)) for name, mask in chosen.items()]


def split_keys(population: Population, by: str) -> tuple[list[str], Ints]:
    """The values of a split, and for each row the place of its value; the urban/rural code is cut to its first digit (1 urban, 2 rural)."""
    if by == "urban_rural":
        kinds, place = np.unique(population.urban_rural(), return_inverse=True)
        return [kind.decode() for kind in kinds.tolist()], place
    names, place = site_labels(population, {"programme": "programmes"}.get(by, by))
    return names.tolist(), place


def rates_by_site(path: str | Division, start: datetime, end: datetime | None = None, *, rule: RateRule | None = None) -> list[SiteRate]:
    """One rate per site, in code order: the rows behind a division's rate, each for as long as the site stood there."""
    return sites_of(_of(path, start, end, rule))


def rates_of_sites(sites: Iterable[int], start: datetime, end: datetime | None = None) -> list[SiteRate]:
    """One rate for each of these sites, wherever they stood, in code order; those that did not stand anywhere then are left out."""
    return sites_of(measure(["/"], start, end, only=sites))


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
    children: ChildRates
    sites: list[SiteRate]
    splits: dict[str, list[SplitRate]]


def rate_table(division: Division, start: datetime, end: datetime | None = None) -> RateTable:
    """The rate of a division, of what lay below it and of every split of it."""
    measured = _of(division, start, end, None, labelled=True)
    whole, children = _with_children(measured, division, start, end)
    sites = [] if children else sites_of(measured)
    return RateTable(whole, children, sites, {by: splits_of(measured, by) for by in SPLITS})


def availability(site: ManagedObject, start: datetime, end: datetime, *, rule: RateRule | None = None) -> Rate:
    """The seconds of one site over [start, end), wherever it stood."""
    return measure(["/"], start, end, rule, only=[site.pk]).rate(target=target_of(site.division, end - timedelta(seconds=1)))
