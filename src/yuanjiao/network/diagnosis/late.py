"""What is noticed late: a box that beats seldom loses one beat in a short cut of its line, and is called silent when the line is back.

Such a silence belongs to the outage above it that was there when the lost beat was due, though that outage may have ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db.models import Exists, F, OuterRef, QuerySet

from yuanjiao.network.counting.reading import Epoch
from yuanjiao.network.diagnosis.absorb import Past
from yuanjiao.network.diagnosis.past import Group
from yuanjiao.network.diagnosis.picture import Matter, Picture, batches
from yuanjiao.network.diagnosis.record import moment
from yuanjiao.network.diagnosis.roots import PATIENCE
from yuanjiao.network.models import Outage, OutageVerdict
from yuanjiao.network.rules.causes import EDGE, KINDS, LINE, SITE, Findings, Forest, Mask, Places, Rule, Seconds


@dataclass(frozen=True)
class Above:
    """A root outage of a line or an edge. `shared`: an edge was found by the silence of its sites, not by its own.

    `hi`: by then it had broken; `ended` is infinite while it lasts. `key` is that of the row, or the number of a group not yet written.
    """

    key: int
    place: int
    started: float
    lo: float
    hi: float
    ended: float
    shared: bool
    fault: str = ""
    affected: int = 0


@dataclass(frozen=True)
class Silences:
    """Silences of sites by place; `told_below`: an edge's own record says so, which that edge's own silence never explains."""

    places: Places
    since: Seconds
    told_below: Mask


def explained_by(forest: Forest, silent: Silences, above: Iterable[Above]) -> Places:
    """For each silence the key of the outage above it that was there when its first lost beat was due; 0 where there is none."""
    found = np.zeros(len(silent.places), np.int64)
    order = np.argsort(silent.places, kind="stable")
    places, since, told_below = silent.places[order], silent.since[order], silent.told_below[order]
    near, due, noticed = _nearest_edge(forest, places), since + forest.period[places], since + forest.wait[places]
    for one in sorted(above, key=lambda one: (one.place, one.ended)):
        below = slice(*np.searchsorted(places, (one.place + 1, forest.end[one.place])).tolist())
        seen = ~told_below[below] | (one.place > near[below]) | (one.shared & (one.place == near[below]))
        in_time = (since[below] <= one.hi) & (noticed[below] >= one.lo) & (due[below] <= one.ended)
        found[order[below][seen & in_time]] = one.key
    return found


def _nearest_edge(forest: Forest, places: Places) -> Places:
    up = places.copy()
    while True:
        on = (up >= 0) & (forest.kind[up] != EDGE)
        if not on.any():
            return up
        up[on] = forest.parent[up[on]]


def late_ones(picture: Picture, findings: Findings, told_below: Mask, now: float) -> dict[int, tuple[Above, Places]]:
    """Key of an outage that lasts or has just ended → it, and the sites that were noticed only now and belong to it."""
    forest = picture.forest
    alone = findings.root == np.arange(len(forest))
    places = np.flatnonzero(alone & ~np.isnan(picture.silent) & (picture.outage == 0) & (forest.kind == SITE))
    if not len(places):
        return {}
    above = {one.key: one for one in roots_above(picture, float((picture.silent[places] + forest.period[places]).min()))}
    keys = explained_by(forest, Silences(places, picture.silent[places], told_below[places]), above.values())
    patient = now < np.array([above[key].ended if key else 0.0 for key in keys.tolist()]) + PATIENCE * forest.wait[places]
    keys = np.where(patient, keys, 0)
    return {key: (above[key], places[keys == key]) for key in np.unique(keys[keys > 0]).tolist()}


def roots_above(picture: Picture, since: float) -> list[Above]:
    """Root outages of lines and edges that last, or ended at `since` or later."""
    kinds, forest = (KINDS[EDGE], KINDS[LINE]), picture.forest
    open_ = [one.pk for one in picture.matters.values() if one.ended is None and not one.play and forest.kind[one.place] != SITE]
    rows = _columns(Outage.objects.filter(root=None, ended_at__gte=moment(since), sign="silence", object__kind__in=kinds))
    for part in batches(open_):
        rows += _columns(Outage.objects.filter(pk__in=part))
    places = forest.places([row[1] for row in rows]).tolist()
    return [
        Above(key, place, float(started), float(lo), float(hi), np.inf if ended is None else float(ended), shared, fault, affected)
        for (key, _, started, lo, hi, ended, shared, fault, affected), place in zip(rows, places, strict=True)
        if place >= 0
    ]


def _columns(rows: QuerySet[Outage]) -> list[tuple[int, int, float, float, float, float | None, bool, str, int]]:
    times = [Epoch(F(name)) for name in ("started_at", "started_lo", "started_hi", "ended_at")]
    shared = Exists(OutageVerdict.objects.filter(outage=OuterRef("pk"), rule=Rule.ALL_SITES_OF_EDGE))
    return list(rows.values_list("pk", "object_id", *times, shared, "fault_class", "affected_count"))


def as_matter(one: Above) -> Matter:
    """An ended root that explains something again."""
    return Matter(one.key, one.place, one.started, None if np.isinf(one.ended) else one.ended, fault=one.fault, affected=one.affected)


def join_groups(picture: Picture, groups: Sequence[Group], told_below: Mask) -> tuple[list[Group], dict[int, list[Past]]]:
    """Lone silences of the past join the root that was there when their beat was due: one of these groups, or an outage by its key."""
    forest = picture.forest
    lone = [number for number, one in enumerate(groups) if forest.kind[one.place] == SITE and len(one.members) == 1]
    if not lone:
        return list(groups), {}
    places = np.array([groups[number].place for number in lone], np.int64)
    since = np.array([groups[number].started for number in lone])
    shared = [(number, one) for number, one in enumerate(groups) if one.derived]
    new = [Above(-1 - number, one.place, one.started, one.lo, one.hi, one.ended, shared=True) for number, one in shared]
    old = roots_above(picture, float((since + forest.period[places]).min()))
    keys = explained_by(forest, Silences(places, since, told_below[places]), [*old, *new]).tolist()
    joined: dict[int, list[Past]] = {}
    for number, key in zip(lone, keys, strict=True):
        if key:
            joined.setdefault(key, []).append(groups[number].members[0])
    gone = {number for number, key in zip(lone, keys, strict=True) if key}
    kept = [replace(one, members=(*one.members, *joined.pop(-1 - number, ()))) for number, one in enumerate(groups) if number not in gone]
    return kept, joined
