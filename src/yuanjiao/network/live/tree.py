"""The dependency tree as arrays: what hangs below what, and who is the nearest observer. Pure; `parent` is -1 at the top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.live.words import EDGE

Places = NDArray[np.int32]
DEEPEST = 10
"""Steps from a site to the top that are looked at; what hangs deeper, or in a circle, hangs nowhere."""


@dataclass(frozen=True)
class Tree:
    """Every object's interval [enter, leave) in one walk from the top down; `order` are the places in the order of the walk."""

    enter: Places
    leave: Places
    order: Places

    def below(self, place: int) -> Places:
        """All that hangs on an object, however far down, without itself."""
        return self.order[self.enter[place] + 1 : self.leave[place]]

    def is_below(self, places: NDArray[np.int64], place: int) -> NDArray[np.bool_]:
        """For each place whether it hangs on `place`."""
        answer: NDArray[np.bool_] = (self.enter[places] > self.enter[place]) & (self.enter[places] < self.leave[place])
        return answer


def walk(parent: NDArray[np.int32]) -> Tree:
    """The tree of an array of parents, level by level."""
    levels = _levels(parent)
    size = np.ones(len(parent), np.int64)
    for level in reversed(levels[1:]):
        size += np.bincount(parent[level], weights=size[level], minlength=len(parent)).astype(np.int64)
    enter = np.full(len(parent), -1, np.int32)
    for number, level in enumerate(levels):
        enter[level] = _entries(level, parent, size, enter, top=number == 0)
    leave = np.where(enter >= 0, enter + size, -1).astype(np.int32)
    walked = np.flatnonzero(enter >= 0)
    order = np.empty(len(walked), np.int32)
    order[enter[walked]] = walked
    return Tree(enter, leave, order)


def _levels(parent: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """Places by their distance from the top."""
    reached = parent < 0
    levels = [np.flatnonzero(reached)]
    for _ in range(DEEPEST):
        following = np.flatnonzero(~reached & (parent >= 0) & reached[parent])
        if not len(following):
            break
        reached[following] = True
        levels.append(following)
    return levels


def _entries(
    level: NDArray[np.int64], parent: NDArray[np.int32], size: NDArray[np.int64], enter: Places, *, top: bool
) -> NDArray[np.int64]:
    """Where each of a level is entered: after its parent and the subtrees of its elder siblings."""
    above = np.full(len(level), -1, np.int64) if top else parent[level].astype(np.int64)
    by_parent = np.argsort(above, kind="stable")
    before = np.cumsum(size[level][by_parent]) - size[level][by_parent]
    starts = np.r_[True, np.diff(above[by_parent]) != 0]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(level)), 0))
    entries = np.empty(len(level), np.int64)
    base = np.zeros(len(level), np.int64) if top else enter[above[by_parent]] + 1
    entries[by_parent] = base + before - before[first]
    return entries


def observers(parent: NDArray[np.int32], kind: NDArray[np.uint8], speaks: NDArray[np.bool_]) -> Places:
    """The nearest edge above each object that runs a node (`speaks`), or -1: then it is the top that hears it."""
    found = np.full(len(parent), -1, np.int32)
    above = parent.copy()
    speaking = (kind == EDGE) & speaks
    for _ in range(DEEPEST):
        climbing = np.flatnonzero((above >= 0) & (found < 0))
        if not len(climbing):
            break
        here = above[climbing]
        found[climbing[speaking[here]]] = here[speaking[here]]
        above[climbing] = parent[here]
    return found
