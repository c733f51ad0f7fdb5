"""The rules of roots once more, in plain loops over single objects: what the arrays of `rules.causes` must agree with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHARE, STORM = 0.9, 3


@dataclass(frozen=True)
class Thing:
    """One object; `dark` is None while it is not silent."""

    pk: int
    kind: str
    parent: int | None
    period: float = 60.0
    wait: float = 90.0
    dark: float | None = None
    heard: bool = True
    beats: bool = True
    told_below: bool = False
    heard_at: float = 0.0


class PlainSearch:
    """root: pk → pk of its root; rule and waiting by pk of the root."""

    def __init__(self, things: Iterable[Thing], now: float) -> None:
        self.things = {thing.pk: thing for thing in things}
        self.root: dict[int, int] = {}
        self.rule: dict[int, str] = {}
        self.patient: dict[int, float] = {}
        self.quickest = min((c.wait for c in self.things.values() if c.kind == "site" and c.dark is not None), default=float("inf"))
        for pk in sorted(self.things, key=lambda pk: (len(self.up(pk)), pk)):
            if pk not in self.root:
                self.try_cause(pk)
        for thing in self.things.values():
            if thing.dark is not None and thing.pk not in self.root:
                self.root[thing.pk] = thing.pk
                self.rule[thing.pk] = "edge_silent" if thing.kind == "edge" else "site_alone"
        spoken = [thing for thing in self.things.values() if thing.heard and thing.beats]
        alive = sum(thing.dark is None for thing in spoken)
        storm = len(self.root) >= STORM and alive <= (1 - SHARE) * len(spoken)
        self.waiting = {root: self.must_wait(root, now, storm) for root in set(self.root.values())}

    def up(self, pk: int) -> list[int]:
        path, parent = [], self.things[pk].parent
        while parent is not None and parent in self.things:
            path.append(parent)
            parent = self.things[parent].parent
        return path

    def below(self, pk: int) -> list[Thing]:
        return [thing for thing in self.things.values() if pk in self.up(thing.pk)]

    def try_cause(self, pk: int) -> None:
        thing = self.things[pk]
        left = [child for child in self.below(pk) if child.pk not in self.root]
        if thing.kind == "edge" and thing.beats and thing.dark is not None:
            self.take(pk, "edge_silent", [c for c in left if c.dark is not None and not c.told_below and c.dark >= thing.dark - c.wait])
            self.root[pk] = pk
            return
        edges = [child for child in left if child.kind == "edge" and child.beats]
        by_edges = len(edges) >= 2
        judged = [child for child in (edges if by_edges else [c for c in left if c.kind == "site"]) if child.heard]
        starts = [child.dark for child in judged if child.dark is not None]
        if not starts:
            return
        asked = [child for child in judged if child.dark is None or child.dark >= max(starts) - child.wait]
        unsure = [c for c in self.below(pk) if not by_edges and self.is_unsure(c, max(starts))]
        sure = [c for c in asked if c not in unsure]
        branches: dict[int, list[Thing]] = {}
        for child in sure:
            branches.setdefault(self.branch(child.pk, pk), []).append(child)
        alive = {b: sum(c not in unsure for c in self.alive_in(b, by_edges)) for b in branches}
        silent = {b: sum(c.dark is not None for c in members) for b, members in branches.items()}
        whole = {b for b in branches if silent[b] and silent[b] >= SHARE * (silent[b] + alive[b])}
        covered = sum(silent[b] for b in whole)
        if covered < 2 or len(whole) < 2 or covered < SHARE * len(sure):
            return
        if unsure and covered < SHARE * (len(sure) + len(unsure)):
            self.patient[pk] = max(c.heard_at + c.wait for c in unsure)
        name = "edges_share_uplink" if by_edges else "all_sites_of_edge" if thing.kind == "edge" else "sites_share_line"
        together = [c for c in left if c.dark is not None and c.dark >= max(starts) - c.wait and self.branch(c.pk, pk) in whole]
        self.take(pk, name, [c for c in together if not (by_edges and c.told_below)])

    def is_unsure(self, thing: Thing, newest: float) -> bool:
        speaks = thing.kind == "site" and thing.heard and thing.dark is None
        return speaks and thing.wait > self.quickest and 0 < thing.heard_at <= newest

    def alive_in(self, branch: int, by_edges: bool) -> list[Thing]:
        inside = [self.things[branch], *self.below(branch)]
        return [c for c in inside if c.heard and c.dark is None and ((c.kind == "edge" and c.beats) if by_edges else c.kind == "site")]

    def branch(self, pk: int, top: int) -> int:
        path = [pk, *self.up(pk)]
        return path[path.index(top) - 1]

    def take(self, pk: int, rule: str, children: list[Thing]) -> None:
        self.rule[pk] = rule
        self.root.update((child.pk, pk) for child in children)

    def must_wait(self, root: int, now: float, storm: bool) -> bool:
        if now < self.patient.get(root, now):
            return True
        members = [self.things[pk] for pk, above in self.root.items() if above == root]
        since, wait = max(c.dark or 0.0 for c in members), max(c.wait for c in members)
        if now >= since + (3 if storm else 2) * wait:
            return False
        return storm or self.witness(root) <= since + wait

    def witness(self, root: int) -> float:
        own = {root, *(c.pk for c in self.below(root))}
        for above in self.up(root):
            if self.things[above].kind == "edge" and self.things[above].beats:
                return self.things[above].heard_at
            if any(c.kind == "site" and c.pk not in own for c in self.below(above)):
                return max(c.heard_at for c in self.below(above) if c.kind == "site")
        return max(thing.heard_at for thing in self.things.values())
