"""Who is told in a turn, who is kept back, and how many sites a root darkens."""

from __future__ import annotations

import numpy as np

from yuanjiao.network.diagnosis import holds
from yuanjiao.network.diagnosis.acts import affects, release
from yuanjiao.network.diagnosis.picture import EVIDENCE, MAINTENANCE, UNSTABLE, Matter
from yuanjiao.network.diagnosis.record import change
from yuanjiao.network.diagnosis.roots import Decision, rule_of
from yuanjiao.network.diagnosis.sighting import behind
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.diagnosis.verdicts import Told
from yuanjiao.network.rules.causes import EDGE, SITE, Findings


def tell_roots(turn: Turn, decision: Decision, findings: Findings) -> None:
    """Roots that need not wait any longer get their verdict; the others remember what was found, should they end before. A silence told by
    a record that is still coming in is not told on: its end may be in the next segment."""
    picture, ready, unsure = turn.picture, [], behind(turn.picture, turn.at)
    for place in np.flatnonzero((picture.hold == EVIDENCE) & (picture.outage > 0) & (picture.root == 0)).tolist():
        matter = picture.matters[int(picture.outage[place])]
        if picture.play[place]:
            ready.append(matter)
            continue
        matter.derived &= bool(np.isnan(picture.silent[place]))
        remember(turn, matter, decision, findings)
        if matter.found is None or unsure[place] or decision.waiting[place] or decision.settling[place]:
            continue
        turn.told.append(Told(matter, *matter.found, matter.members, stayed=matter.behind))
        ready.append(matter)
    release(turn, ready)


def remember(turn: Turn, matter: Matter, decision: Decision, findings: Findings) -> None:
    """By which rule, and for whom, should it end before it is told."""
    if findings.of[matter.place]:
        matter.found = rule_of(findings, matter.place)
    mine = decision.shared.get(matter.place, decision.dark[(decision.top == matter.place) | (decision.under == matter.pk)])
    if len(mine) > len(matter.members):
        matter.members = mine


def release_held(turn: Turn) -> None:
    """Work that is over, or an object that came and went and is now steadily dark: what still stands is told, once it is heard of."""
    picture = turn.picture
    freed = [place for place in holds.close_steady(picture, turn.at) if picture.hold[place] == UNSTABLE]
    kept = np.flatnonzero(picture.hold == MAINTENANCE)
    freed += [place for place in kept[~turn.windows[0][kept]].tolist() if not holds.unheard(picture, place, turn.now)]
    picture.hold[freed] = 0
    change([int(picture.outage[place]) for place in freed], held=False, held_for="")


def count_affected(turn: Turn) -> None:
    """How many sites each open root darkens; of an edge that speaks for itself, all below it. It never shrinks."""
    picture = turn.picture
    sites = np.flatnonzero((picture.forest.kind == SITE) & ~np.isnan(picture.silent))
    own = np.where(picture.root[sites] > 0, picture.root[sites], picture.outage[sites])
    keys, counts = np.unique(own, return_counts=True)
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        affects(turn, key, count)
    for told in turn.told:
        if picture.forest.kind[told.matter.place] == EDGE and not told.matter.derived:
            affects(turn, told.matter.pk, told.of)


def forget_ended(turn: Turn) -> None:
    """Ended roots that explain nothing any more, or whose patience is over."""
    picture = turn.picture
    used = set(np.unique(picture.root[picture.root > 0]).tolist())
    for pk in [pk for pk, matter in picture.matters.items() if matter.ended is not None and pk not in used]:
        del picture.matters[pk]
