"""Items in a tree: which kind stands under which, and how much of each level is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from yuanjiao.items.rules.machine import ItemKind, State

K = ItemKind
PARTS_OF: dict[ItemKind, frozenset[ItemKind]] = {
    K.PLAN: frozenset({K.PLAN, K.MATTER, K.TASK, K.PROBLEM, K.MEASURE, K.PRACTICAL_SERVICE, K.RECTIFICATION, K.RESOURCE_PLAN_LINE}),
    K.MATTER: frozenset({K.PROBLEM, K.TASK, K.MEASURE, K.RECTIFICATION}),
    K.PROBLEM: frozenset({K.MEASURE, K.TASK, K.RECTIFICATION}),
    K.RECTIFICATION: frozenset({K.PROBLEM, K.MEASURE, K.TASK}),
    K.TASK: frozenset({K.TASK, K.MEASURE}),
}
"""Master plan → sub-plan → item (SUP10); matter → problem → measure (SUP31). What is not listed bears no parts."""
DEEPEST = 8
"""A tree has at most so many levels: whoever needs more has mistaken a part for a list."""


def may_stand_under(child: str, parent: str) -> bool:
    """Whether an item of one kind may be a part of an item of another."""
    return ItemKind(child) in PARTS_OF.get(ItemKind(parent), frozenset())


@dataclass(frozen=True)
class Node:
    """One item of a tree on a day. `parent` is None for the root."""

    key: int
    parent: int | None
    kind: str
    state: str


@dataclass(frozen=True)
class Tally:
    """Completed out of all; cancelled ones do not count."""

    done: int = 0
    total: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.done + other.done, self.total + other.total)


def one(state: str) -> Tally:
    """An item by itself."""
    return Tally() if state == State.CANCELLED else Tally(int(state == State.CLOSED), 1)


def by_kind(nodes: Iterable[Node]) -> dict[str, Tally]:
    """Completed / total of each kind, in the order of ItemKind: 整改事项 3/5，问题 10/22，措施 31/60."""
    found: dict[str, Tally] = {}
    for node in nodes:
        found[node.kind] = found.get(node.kind, Tally()) + one(node.state)
    return {kind.value: found[kind.value] for kind in ItemKind if kind.value in found and found[kind.value].total}


def beneath(nodes: Iterable[Node]) -> Mapping[int, Tally]:
    """Key → completed / total of everything beneath it, itself left out. Parents stand before their parts in `nodes`."""
    rows = list(nodes)
    sums = {node.key: Tally() for node in rows}
    for node in reversed(rows):
        if node.parent is not None and node.parent in sums:
            sums[node.parent] += one(node.state) + sums[node.key]
    return sums
