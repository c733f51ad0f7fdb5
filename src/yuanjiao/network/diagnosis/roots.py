"""From the findings of the rules to what shall stand: who is a root, whom it explains, what ends. Decides; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from yuanjiao.network.diagnosis.picture import Matter, Picture
from yuanjiao.network.rules.causes import FOUND, Findings, Mask, Places, Rule

PATIENCE = 2
"""So many times period and grace after its root has ended, what is still dark keeps it: it may not have had its turn to beat."""


@dataclass
class Decision:
    """`top`: place of the root of every dark place, `under`: key of the present root where that one keeps it (0: none).

    `shared`: roots that do not beat themselves, with whom they explain now. `over`: derived outages that end, and when; `taken`: derived
    ones that a higher root has taken over, with the place of that root.
    """

    dark: Places
    top: Places
    under: Places
    waiting: Mask
    settling: Mask
    shared: dict[int, Places] = field(default_factory=dict)
    over: list[tuple[Matter, float]] = field(default_factory=list)
    taken: list[tuple[Matter, int]] = field(default_factory=list)


def decide(picture: Picture, findings: Findings, now: float) -> Decision:
    """What shall stand, from the findings and from what stands already."""
    dark = np.flatnonzero(~np.isnan(picture.silent))
    top, under = findings.root[dark].copy(), picture.root[dark].copy()
    stays = _keeps(picture, dark, top, under, now)
    under[~stays] = 0
    top[stays] = dark[stays]
    decision = Decision(dark, top, under, findings.waiting.copy(), np.zeros(len(picture.forest), np.bool_))
    _follow_roots_up(picture, decision, stays)
    _share(picture, findings, decision, stays)
    _stand_or_end(picture, decision, now)
    return decision


def _keeps(picture: Picture, dark: Places, top: Places, under: Places, now: float) -> Mask:
    """Whether what explains a dark place today goes on doing so: it lasts or has just ended, and nothing above it is the cause."""
    keys, back = np.unique(under, return_inverse=True)
    place, until = np.full(len(keys), -1), np.full(len(keys), -np.inf)
    for number, key in enumerate(keys.tolist()):
        matter = picture.matters.get(key)
        if matter is not None:
            place[number], until[number] = matter.place, np.inf if matter.ended is None else matter.ended
    in_time = now < until[back] + PATIENCE * picture.forest.wait[dark]
    higher = picture.forest.is_above(top, np.maximum(place[back], 0)) & (place[back] >= 0)
    answer: Mask = (under > 0) & in_time & ~higher
    return answer


def _follow_roots_up(picture: Picture, decision: Decision, stays: Mask) -> None:
    """What hangs on a dark object that keeps its own root has the same root: one step is enough."""
    kept = np.zeros(len(picture.forest), np.int64)
    kept[decision.dark[stays]] = decision.under[stays]
    above = kept[decision.top]
    moved = ~stays & (above > 0) & (decision.top != decision.dark)
    decision.under[moved] = above[moved]
    decision.top[moved] = decision.dark[moved]
    stays |= moved


def _share(picture: Picture, findings: Findings, decision: Decision, stays: Mask) -> None:
    """Roots that are not dark themselves. Where part of what they would explain is still explained by another, they wait for that."""
    size = len(picture.forest)
    derived = np.isnan(picture.silent)
    found = findings.root[decision.dark]
    doubtful = np.zeros(size, np.bool_)
    doubtful[found[stays & derived[found]]] = True
    standing = np.zeros(size, np.bool_)
    standing[[matter.place for matter in picture.matters.values() if matter.derived and matter.ended is None]] = True
    alone = ~stays & derived[decision.top] & doubtful[decision.top] & ~standing[decision.top]
    decision.settling[decision.dark[alone]] = True
    decision.top[alone] = decision.dark[alone]
    shared = derived[decision.top] & (decision.under == 0)
    order = np.argsort(decision.top[shared], kind="stable")
    members, tops = decision.dark[shared][order], decision.top[shared][order]
    firsts, starts = np.unique(tops, return_index=True)
    decision.shared = dict(zip(firsts.tolist(), np.split(members, starts[1:]), strict=True)) if len(firsts) else {}


def _stand_or_end(picture: Picture, decision: Decision, now: float) -> None:
    """A derived outage ends when more than half of what it explained is back, at the first return of that wave."""
    standing = [
        matter for matter in picture.matters.values() if matter.derived and matter.ended is None and matter.place not in decision.shared
    ]
    if not standing:
        return
    kept = dict(zip(*(part.tolist() for part in np.unique(decision.under, return_counts=True)), strict=True))
    for matter in standing:
        dark = kept.get(matter.pk, 0)
        taker = _taker(picture, decision, matter)
        if dark == 0 and taker is not None:
            decision.taken.append((matter, taker))
        elif 2 * len(matter.backs) > dark + len(matter.backs) or dark == 0:
            decision.over.append((matter, _first_of_wave(picture, matter, now)))


def _taker(picture: Picture, decision: Decision, matter: Matter) -> int | None:
    """The root that has taken what this outage explained."""
    lost = (picture.root[decision.dark] == matter.pk) & (decision.under != matter.pk)
    tops = decision.top[lost]
    return int(tops[0]) if len(tops) and tops[0] != decision.dark[lost][0] else None


def _first_of_wave(picture: Picture, matter: Matter, now: float) -> float:
    """When the wave of returns began that made more than half of them: one that was back long before had been dark by itself."""
    if not matter.backs:
        return max(now, matter.started)
    backs = sorted(matter.backs)
    half = backs[len(backs) // 2]
    return max(min(back for back in backs if back >= half - float(picture.forest.wait[matter.place])), matter.started)


def rule_of(findings: Findings, place: int) -> tuple[Rule, int]:
    """The rule that found a root, and of how many objects it speaks."""
    return FOUND[int(findings.rule[place])], int(findings.of[place])
