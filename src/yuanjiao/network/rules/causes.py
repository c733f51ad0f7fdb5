"""One root for what fell silent together: pure rules over the whole tree of edges, lines and sites at once, in arrays.

A cause is the highest object whose own beats stopped, or below which n ≥ 2 sites (or edges) on at least two branches fell silent
together and at least 90 % are silent. Everything below it is explained by it. A site that beats seldom and has not beaten since the
newest silence speaks for neither side; where such sites could turn the answer, it is waited for them. Arrays are indexed by place: the
objects in service in preorder, so that all below an object is one slice. Times are seconds since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]
Seconds = NDArray[np.float64]

EDGE, LINE, SITE = 0, 1, 2
KINDS = ("edge", "line", "site")
SHARE = 0.9
STORM, STORM_WAITS = 3, 3
"""From this many silent on, and with hardly anybody heard, the monitor suspects itself first and waits this many times as long."""
STEPS = 10
"""No path to the top is longer; a loop in the register ends here."""


class Rule(StrEnum):
    """Names of the rules a verdict rests on."""

    EDGE_SILENT = "edge_silent"
    EDGES_SHARE_UPLINK = "edges_share_uplink"
    ALL_SITES_OF_EDGE = "all_sites_of_edge"
    SITES_SHARE_LINE = "sites_share_line"
    SITE_ALONE = "site_alone"
    EDGE_STAYED_UP = "edge_stayed_up"
    EDGE_BOOTED = "edge_booted"
    CAME_BACK_TOGETHER = "came_back_together"
    STAYED_BEHIND = "stayed_behind"
    WITNESS_HEARD = "witness_heard"
    PROBE_ANSWERED = "probe_answered"
    LINE_CHECK_FAILED = "line_check_failed"
    EDGE_CHECK_FAILED = "edge_check_failed"
    BOX_SEEN = "box_seen"
    PLAY_FAILED = "play_failed"
    PLAYS_FAIL_TOGETHER = "plays_fail_together"


RULE_NAMES: dict[str, str] = {
    Rule.EDGE_SILENT: "边缘服务器无心跳",
    Rule.EDGES_SHARE_UPLINK: "多台边缘服务器一同无心跳",
    Rule.ALL_SITES_OF_EDGE: "一台边缘服务器的站点一同无心跳",
    Rule.SITES_SHARE_LINE: "一条线路的站点一同无心跳",
    Rule.SITE_ALONE: "单个站点无心跳",
    Rule.EDGE_STAYED_UP: "恢复后查明：中断期间一直在运行",
    Rule.EDGE_BOOTED: "恢复后查明：中断期间停机",
    Rule.CAME_BACK_TOGETHER: "一同恢复",
    Rule.STAYED_BEHIND: "上级恢复后仍无心跳",
    Rule.WITNESS_HEARD: "另一条路收到心跳",
    Rule.PROBE_ANSWERED: "主动探测",
    Rule.LINE_CHECK_FAILED: "边缘服务器自检线路",
    Rule.EDGE_CHECK_FAILED: "边缘服务器自检",
    Rule.BOX_SEEN: "运营商平台见到盒子",
    Rule.PLAY_FAILED: "有心跳而试播失败",
    Rule.PLAYS_FAIL_TOGETHER: "多个站点一同试播失败",
}
"""What the rules are called where a verdict is shown; a verdict of a rule of former days keeps its own word."""
FOUND = (Rule.EDGE_SILENT, Rule.EDGES_SHARE_UPLINK, Rule.ALL_SITES_OF_EDGE, Rule.SITES_SHARE_LINE, Rule.SITE_ALONE)
"""The rules that find a root, by the number under which `Findings.rule` has them."""
_SILENT, _UPLINK, _EDGE, _LINE, _ALONE = range(5)


@dataclass(frozen=True)
class Forest:
    """The objects in service and what hangs on what, in preorder: [place + 1, end[place]) is all below a place."""

    ids: Places
    kind: NDArray[np.int8]
    parent: Places
    end: Places
    period: Seconds
    wait: Seconds
    above: tuple[Places, ...]
    """above[level][place]: the object of that level on the way up from a place (or itself); -1 where there is none."""
    by_id: Places = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def places(self, ids: ArrayLike) -> Places:
        """The places of these ids; -1 for what is not in service."""
        wanted = np.asarray(ids, np.int64)
        if not len(self):
            return np.full(wanted.shape, -1, np.int64)
        found = self.by_id[np.minimum(np.searchsorted(self.ids[self.by_id], wanted), len(self) - 1)]
        return np.where(self.ids[found] == wanted, found, -1)

    def is_above(self, upper: Places, lower: Places) -> Mask:
        """Whether `upper` lies strictly above `lower`, place by place."""
        return (upper < lower) & (lower < self.end[upper])

    def count(self, members: Mask) -> tuple[Places, Places]:
        """How many of `members` are below each place: without the place itself, and with it."""
        before = np.concatenate(([0], np.cumsum(members, dtype=np.int64)))
        within = before[self.end] - before[:-1]
        return within - members, within


def plant(ids: ArrayLike, kinds: ArrayLike, parents: ArrayLike, periods: ArrayLike, waits: ArrayLike) -> Forest:
    """The forest of these objects; a parent that is not among them makes a top of the child, and so does a loop."""
    own, up = np.asarray(ids, np.int64), np.asarray(parents, np.int64)
    order = np.argsort(own, kind="stable")
    spot = np.minimum(np.searchsorted(own[order], up), max(len(own) - 1, 0))
    parent = np.where(own[order][spot] == up, order[spot], -1) if len(own) else up
    depth = _depths(parent)
    parent = np.where(depth == 0, -1, parent)
    first, size = _preorder(parent, depth, own)
    back = np.argsort(first, kind="stable")
    moved = np.where(parent[back] >= 0, first[parent[back]], -1)
    sorted_ids = own[back]
    return Forest(
        ids=sorted_ids,
        kind=np.asarray(kinds, np.int8)[back],
        parent=moved,
        end=np.arange(len(own)) + size[back],
        period=np.asarray(periods, np.float64)[back],
        wait=np.asarray(waits, np.float64)[back],
        above=_levels(moved, depth[back]),
        by_id=np.argsort(sorted_ids, kind="stable"),
    )


def _depths(parent: Places) -> Places:
    depth, up = np.zeros(len(parent), np.int64), parent.copy()
    for _ in range(STEPS):
        depth += up >= 0
        up = np.where(up >= 0, parent[up], -1)
    depth[up >= 0] = 0  # a loop, or too deep
    while True:  # below what became a top, the way up is shorter
        wanted = np.where((parent >= 0) & (depth > 0), depth[parent] + 1, 0)
        if np.array_equal(wanted, depth):
            return depth
        depth = wanted


def _preorder(parent: Places, depth: Places, ids: Places) -> tuple[Places, Places]:
    """First place and size of every subtree; siblings in order of their ids."""
    size, first = np.ones(len(parent), np.int64), np.zeros(len(parent), np.int64)
    deepest = int(depth.max(initial=0))
    for level in range(deepest, 0, -1):
        here = np.flatnonzero(depth == level)
        np.add.at(size, parent[here], size[here])
    for level in range(deepest + 1):
        here = np.flatnonzero(depth == level)
        here = here[np.lexsort((ids[here], parent[here]))]
        before = np.cumsum(size[here]) - size[here]
        begins = np.r_[True, parent[here][1:] != parent[here][:-1]] if len(here) else np.zeros(0, bool)
        group = np.maximum.accumulate(np.where(begins, np.arange(len(here)), 0)) if len(here) else here
        base = first[parent[here]] + 1 if level else 0
        first[here] = base + before - before[group]
    return first, size


def _levels(parent: Places, depth: Places) -> tuple[Places, ...]:
    levels = []
    at = np.arange(len(parent))
    for level in range(int(depth.max(initial=-1)), -1, -1):
        at = np.where(depth[at] > level, parent[at], at)
        levels.append(np.where(depth >= level, at, -1))
    return tuple(reversed(levels))


@dataclass(frozen=True)
class Sight:
    """What is known of every place at one moment.

    `dark`: since when its own beats are missing, NaN when they are not. `heard`: its state is believed. `beats`: it has ever beaten (lines
    do not). `told_below`: an edge's own record says so, hence that edge was alive to see it. `heard_at`: last beat of what is up, else 0.
    """

    dark: Seconds
    heard: Mask
    beats: Mask
    told_below: Mask
    heard_at: Seconds


@dataclass(frozen=True)
class Findings:
    """Every dark place has a root: `root` is its place (-1: not dark). By place of the root: the rule that found it (number in FOUND),
    of how many it speaks, and whether it must wait because a higher cause may still show itself."""

    root: Places
    rule: NDArray[np.int8]
    of: Places
    waiting: Mask
    anyone_heard: bool

    def roots(self) -> Places:
        return np.unique(self.root[self.root >= 0])


def find_causes(forest: Forest, sight: Sight, *, now: float) -> Findings:
    """Group everything dark under its highest cause; what has none is a cause itself once its wait is over."""
    search = _Search(forest, sight)
    for level in range(len(forest.above)):
        search.silent_edges(level)
        search.shared(level)
    search.alone()
    heard = sight.heard & sight.beats
    silent, alive = int((heard & search.is_dark).sum()), int((heard & ~search.is_dark).sum())
    storm = search.dark.size >= STORM and alive <= (1 - SHARE) * (alive + silent)
    waiting = _waiting(forest, sight, search.root, now=now, storm=storm) | (now < search.patient)
    return Findings(search.root, search.rule, search.of, waiting, anyone_heard=alive > 0)


class _Search:
    """One search for roots, from the top down: a level sees only what no higher level has taken."""

    def __init__(self, forest: Forest, sight: Sight) -> None:
        self.forest, self.sight = forest, sight
        self.is_dark = ~np.isnan(sight.dark)
        self.dark = np.flatnonzero(self.is_dark)
        self.root = np.full(len(forest), -1, np.int64)
        self.rule = np.zeros(len(forest), np.int8)
        self.of = np.zeros(len(forest), np.int64)
        alive = sight.heard & ~self.is_dark
        self.edges = (forest.kind == EDGE) & sight.beats
        self.alive_sites = forest.count(alive & (forest.kind == SITE))
        self.alive_edges = forest.count(alive & self.edges)
        seldom = forest.wait > forest.wait[self.dark[forest.kind[self.dark] == SITE]].min(initial=np.inf)
        self.seldom = np.flatnonzero(alive & (forest.kind == SITE) & seldom & (sight.heard_at > 0))
        self.patient = np.full(len(forest), -np.inf)
        self.sites, _ = forest.count(forest.kind == SITE)

    def _left(self, level: int) -> tuple[Places, Places]:
        """What is dark and without a root, with the object of this level it hangs on (or is)."""
        left = self.dark[self.root[self.dark] < 0]
        own = self.forest.above[level][left]
        return left[own >= 0], own[own >= 0]

    def silent_edges(self, level: int) -> None:
        """An edge without beats explains what fell silent with it or later, unless that was told by an edge that lives."""
        left, own = self._left(level)
        mine = self.edges[own] & self.is_dark[own] & (self.root[own] < 0)
        left, own = left[mine], own[mine]
        wait = self.forest.wait[left]
        taken = (left == own) | (~self.sight.told_below[left] & (self.sight.dark[left] >= self.sight.dark[own] - wait))
        self.root[left[taken]] = own[taken]
        self.rule[own], self.of[own] = _SILENT, self.sites[own]

    def shared(self, level: int) -> None:
        """Objects that are not silent themselves, below which nearly all fell silent together on two branches or more."""
        left, own = self._left(level)
        inside = (left != own) & (self.root[own] < 0)
        left, own = left[inside], own[inside]
        if not left.size:
            return
        edges_below = self._edges_below(own)
        by_edges = edges_below >= 2
        judged = np.where(by_edges, self.edges[left], self.forest.kind[left] == SITE) & self.sight.heard[left]
        newest = self._newest(left[judged], own[judged])
        together = self.sight.dark[left] >= newest[own] - self.forest.wait[left]
        silent = judged & together
        good = self._good_branches(level, left[silent], own[silent], by_edges[silent], self._unsure(level, newest))
        branch = self.forest.above[level + 1][left]
        taken = together & good[branch] & ~(by_edges & self.sight.told_below[left])
        self.root[left[taken]] = own[taken]
        place, edged = own[taken], by_edges[taken]
        self.rule[place] = np.where(edged, _UPLINK, np.where(self.forest.kind[place] == EDGE, _EDGE, _LINE))
        self.of[place] = np.where(edged, edges_below[taken], self.sites[place])

    def _edges_below(self, own: Places) -> Places:
        free = np.flatnonzero(self.edges & (self.root < 0))
        answer: Places = np.searchsorted(free, self.forest.end[own]) - np.searchsorted(free, own + 1)
        return answer

    def _newest(self, left: Places, own: Places) -> Seconds:
        """The newest silence under each object. What has been dark much longer has a cause of its own and is not asked."""
        newest = np.full(len(self.forest), np.inf)
        newest[own] = -np.inf
        np.maximum.at(newest, own, self.sight.dark[left])
        return newest

    def _unsure(self, level: int, newest: Seconds) -> Places:
        """Sites that beat more seldom than what is silent, and have not beaten since: they may be silent too."""
        own = self.forest.above[level][self.seldom]
        inside = own >= 0
        places, own = self.seldom[inside], own[inside]
        unsure: Places = places[(self.sight.heard_at[places] <= newest[own]) & (newest[own] < np.inf)]
        return unsure

    def _good_branches(self, level: int, silent: Places, own: Places, by_edges: Mask, unsure: Places) -> Mask:
        """The branches that are silent as good as whole, of those objects where nearly all that can speak is in such branches.

        One line of an edge cannot make the edge the cause, nor can a line and a lone site of another line.
        """
        size, branch = len(self.forest), self.forest.above[level + 1][silent]
        edged = np.zeros(size, np.bool_)
        edged[own], edged[branch] = by_edges, by_edges
        unsure_own = self.forest.above[level][unsure]
        unsure_below = np.bincount(unsure_own, minlength=size)
        unsure_with = np.bincount(self.forest.above[level + 1][unsure], minlength=size)
        alive_below = np.where(edged, self.alive_edges[0], self.alive_sites[0] - unsure_below)
        alive_with = np.where(edged, self.alive_edges[1], self.alive_sites[1] - unsure_with)
        by_branch = np.bincount(branch, minlength=size)
        whole = (by_branch > 0) & (by_branch >= SHARE * (by_branch + alive_with))
        in_whole = whole[branch]
        asked = np.bincount(own, minlength=size) + alive_below
        covered = np.bincount(own[in_whole], minlength=size)
        above = np.where(self.forest.parent >= 0, self.forest.parent, 0)
        tops = np.flatnonzero(whole)
        branches = np.bincount(above[tops], minlength=size)
        is_cause = (covered >= 2) & (branches >= 2) & (covered >= SHARE * asked)
        if unsure.size:
            until = np.full(size, -np.inf)
            np.maximum.at(until, unsure_own, self.sight.heard_at[unsure] + self.forest.wait[unsure])
            turns = is_cause & ~edged & (covered < SHARE * (asked + unsure_below))
            self.patient[turns] = until[turns]
        answer: Mask = whole & (self.forest.parent >= 0) & is_cause[above]
        return answer

    def alone(self) -> None:
        left = self.dark[self.root[self.dark] < 0]
        self.root[left] = left
        self.rule[left] = np.where(self.forest.kind[left] == EDGE, _SILENT, _ALONE)
        self.of[left] = np.maximum(self.sites[left], 1)


def _waiting(forest: Forest, sight: Sight, root: Places, *, now: float, storm: bool) -> Mask:
    """A silence is told only when what is above has been heard since, or has had the time to fall silent too."""
    dark = np.flatnonzero(root >= 0)
    since, wait = np.full(len(forest), -np.inf), np.zeros(len(forest))
    np.maximum.at(since, root[dark], sight.dark[dark])
    np.maximum.at(wait, root[dark], forest.wait[dark])
    roots = np.unique(root[dark])
    waiting = np.zeros(len(forest), np.bool_)
    if storm:
        waiting[roots] = now < since[roots] + STORM_WAITS * wait[roots]
        return waiting
    young = roots[now < since[roots] + 2 * wait[roots]]
    waiting[young] = _witness(forest, sight, young) <= since[young] + wait[young]
    return waiting


def _witness(forest: Forest, sight: Sight, roots: Places) -> Seconds:
    """When the nearest object above was last heard: the edge itself, else others through it; at the top, anybody at all."""
    sites, within = forest.count(forest.kind == SITE)
    moment = np.full(len(roots), sight.heard_at.max(initial=0.0))
    up, left = forest.parent[roots], np.arange(len(roots))
    while True:
        left = left[up[left] >= 0]
        if not left.size:
            return moment
        above = up[left]
        speaks = (forest.kind[above] == EDGE) & sight.beats[above]
        others = ~speaks & (sites[above] > within[roots[left]])
        moment[left[speaks]] = sight.heard_at[above[speaks]]
        if others.any():
            moment[left[others]] = _newest_below(forest, sight, above[others])
        left = left[~speaks & ~others]
        up[left] = forest.parent[up[left]]


def _newest_below(forest: Forest, sight: Sight, places: Places) -> Seconds:
    """The newest beat of the sites below each of the places."""
    wanted, back = np.unique(places, return_inverse=True)
    beats = np.append(np.where(forest.kind == SITE, sight.heard_at, 0.0), 0.0)
    bounds = np.column_stack((wanted, forest.end[wanted])).ravel()
    answer: Seconds = np.maximum.reduceat(beats, bounds)[::2][back]
    return answer
