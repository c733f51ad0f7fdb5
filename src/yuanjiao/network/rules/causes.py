"""One root for what fell silent together: pure rules over the tree of edges, lines and sites.

A cause is the highest object whose own beats stopped, or of which n ≥ 2 sites fell silent together and at least 90 % are
silent. Everything below it is explained by it. While nobody at all is heard the monitor may be deaf itself, and waits longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

SHARE = 0.9
TOGETHER = 2
"""Silences that began within this many times (period + grace) of each other may have one cause."""
STORM = 3
"""From this many sites on, and with nobody heard at all, the monitor suspects itself first."""


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


@dataclass(frozen=True)
class Thing:
    """One object of the tree as the rules see it. Times are seconds; `dark_since` None: not dark. `beats` False for lines."""

    pk: int
    kind: str
    parent: int | None
    dark_since: float | None
    heard: bool
    beats: bool = True
    wait_s: float = 90.0
    period_s: float = 60.0
    heard_at: float = 0.0


@dataclass(frozen=True)
class Cause:
    """One root and the dark objects it explains (itself not among them)."""

    root: int
    rule: Rule
    explained: tuple[int, ...]
    of: int
    """How many objects in service hang on the root and were judged."""
    waiting: bool = False
    """Nothing has been heard from above since: a higher cause may still show itself."""


@dataclass(frozen=True)
class Findings:
    """Every dark object is a root here or explained by one."""

    causes: tuple[Cause, ...]
    anyone_heard: bool

    @property
    def waiting(self) -> frozenset[int]:
        return frozenset(cause.root for cause in self.causes if cause.waiting)


class Tree:
    """The things in service, with what hangs below each."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self.things = {thing.pk: thing for thing in things}
        self.below: dict[int, list[int]] = {}
        for thing in self.things.values():
            for above in self.path_up(thing.pk):
                self.below.setdefault(above, []).append(thing.pk)

    def path_up(self, pk: int) -> list[int]:
        """What the thing hangs on, nearest first; ends after ten steps or outside the tree."""
        path: list[int] = []
        parent = self.things[pk].parent
        while parent is not None and parent in self.things and len(path) < 10:
            path.append(parent)
            parent = self.things[parent].parent
        return path

    def sites(self, pk: int) -> list[Thing]:
        return [self.things[below] for below in self.below.get(pk, ()) if self.things[below].kind == "site"]


def find_causes(tree: Tree, *, now: float) -> Findings:
    """Group everything dark under its highest cause; what has none is a cause itself once its wait is over."""
    dark = {pk: thing for pk, thing in tree.things.items() if thing.dark_since is not None}
    anyone_heard = any(thing.heard and thing.dark_since is None for thing in tree.things.values())
    causes: list[Cause] = []
    taken: set[int] = set()
    for pk in _candidates(tree, dark):
        if pk in taken:
            continue
        cause = _cause_at(tree, pk, taken)
        if cause is not None:
            causes.append(cause)
            taken.update(cause.explained, [pk])
    causes += [Cause(pk, _own_rule(thing), (), len(tree.sites(pk)) or 1) for pk, thing in dark.items() if pk not in taken]
    storm = not anyone_heard and len(dark) >= STORM
    return Findings(tuple(replace(cause, waiting=_must_wait(tree, cause, now, storm=storm)) for cause in causes), anyone_heard)


def _candidates(tree: Tree, dark: Mapping[int, Thing]) -> list[int]:
    """What may explain the dark things, highest first: themselves if they beat, and everything above them."""
    wanted = {above for pk in dark for above in tree.path_up(pk)} | {pk for pk, thing in dark.items() if thing.kind == "edge"}
    return sorted(wanted, key=lambda pk: (len(tree.path_up(pk)), pk))


def _cause_at(tree: Tree, pk: int, taken: set[int]) -> Cause | None:
    thing = tree.things[pk]
    below = [tree.things[child] for child in tree.below.get(pk, ()) if child not in taken]
    if thing.kind == "edge" and thing.beats and thing.dark_since is not None:
        together = tuple(
            child.pk for child in below if child.dark_since is not None and child.dark_since >= thing.dark_since - TOGETHER * child.wait_s
        )
        return Cause(pk, Rule.EDGE_SILENT, together, len(tree.sites(pk)))
    edges = [child for child in below if child.kind == "edge" and child.beats]
    judged = edges if len(edges) >= 2 else [child for child in below if child.kind == "site"]
    silent = _silent_together(judged)
    if silent is None or not _is_lowest_common(tree, pk, silent):
        return None
    inside = {child.pk for child in silent}
    explained = tuple(child.pk for child in below if child.dark_since is not None and (child.pk in inside or _same_time(child, silent)))
    of_sites = Rule.ALL_SITES_OF_EDGE if thing.kind == "edge" else Rule.SITES_SHARE_LINE
    return Cause(pk, Rule.EDGES_SHARE_UPLINK if judged is edges else of_sites, explained, len(judged))


def _silent_together(judged: list[Thing]) -> list[Thing] | None:
    """Those that fell silent together, when they are nearly all that can still speak; None otherwise.

    What has been dark much longer than the newest silence has a cause of its own and is not asked.
    """
    starts = [child.dark_since for child in judged if child.dark_since is not None]
    if not starts:
        return None
    newest = max(starts)
    asked = [
        child for child in judged if child.heard and (child.dark_since is None or child.dark_since >= newest - TOGETHER * child.wait_s)
    ]
    silent = [child for child in asked if child.dark_since is not None]
    return silent if len(silent) >= 2 and len(silent) >= SHARE * len(asked) else None


def _same_time(child: Thing, silent: list[Thing]) -> bool:
    first = min(other.dark_since or 0.0 for other in silent)
    return child.dark_since is not None and child.dark_since >= first - TOGETHER * child.wait_s


def _is_lowest_common(tree: Tree, pk: int, silent: list[Thing]) -> bool:
    """Whether the silent ones meet only here: one line of an edge cannot make the edge the cause."""
    branches = set()
    for child in silent:
        path = [child.pk, *tree.path_up(child.pk)]
        branches.add(path[path.index(pk) - 1])
    if len(branches) > 1:
        return True
    only = tree.things[next(iter(branches))]
    return only.kind == "site"


def _must_wait(tree: Tree, cause: Cause, now: float, *, storm: bool) -> bool:
    """A silence is told only when what is above has been heard since, or has had the time to fall silent too."""
    thing = tree.things[cause.root]
    silences = [tree.things[pk].dark_since or 0.0 for pk in (cause.root, *cause.explained) if tree.things[pk].dark_since is not None]
    since, wait = max(silences), max(tree.things[pk].wait_s for pk in (cause.root, *cause.explained))
    if storm:
        return now < since + 3 * wait
    if _parent_heard_since(tree, thing, since + thing.period_s):
        return False
    return now < since + 2 * wait


def _parent_heard_since(tree: Tree, thing: Thing, moment: float) -> bool:
    """Whether the object above was heard after `moment`; where it does not beat, somebody else through it; at the top, anybody."""
    above = tree.things.get(thing.parent or 0)
    witnesses: Iterable[Thing] = tree.things.values()
    if above is not None:
        witnesses = [above] if above.beats and above.kind == "edge" else tree.sites(above.pk)
    return any(witness.heard_at > moment for witness in witnesses)


def _own_rule(thing: Thing) -> Rule:
    return Rule.EDGE_SILENT if thing.kind == "edge" else Rule.SITE_ALONE
