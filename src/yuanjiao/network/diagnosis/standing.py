"""What stands in a turn: the roots as the findings say, and what each of them explains."""

from __future__ import annotations

import numpy as np

from yuanjiao.network.diagnosis.acts import affects, create, hang
from yuanjiao.network.diagnosis.ends import end_derived, end_explained_lines, give_up
from yuanjiao.network.diagnosis.late import as_matter, late_ones
from yuanjiao.network.diagnosis.picture import EVIDENCE, HOLDS, Matter
from yuanjiao.network.diagnosis.record import change
from yuanjiao.network.diagnosis.roots import Decision, decide
from yuanjiao.network.diagnosis.telling import count_affected, forget_ended, release_held, tell_roots
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.models import Sign
from yuanjiao.network.rules.causes import SITE, Findings, Mask


def join_late(turn: Turn, findings: Findings, told_below: Mask) -> None:
    """Sites that were noticed only now, though what was above them when their beat was due may have ended: it keeps them."""
    for key, (above, places) in late_ones(turn.picture, findings, told_below, turn.now).items():
        matter = turn.picture.matters.setdefault(key, as_matter(above))
        turn.picture.root[places] = key
        affects(turn, key, matter.affected + len(places))


def bring_about(turn: Turn, findings: Findings) -> None:
    """Bring the roots to what the findings say."""
    turn.anyone_heard = findings.anyone_heard
    decision = decide(turn.picture, findings, turn.now)
    shared_roots(turn, decision)
    own_roots(turn, decision)
    explain(turn, decision)
    for matter, ended in decision.over:
        end_derived(turn, matter, ended)
    for matter, place in decision.taken:
        give_up(turn, matter, place)
    end_explained_lines(turn)
    tell_roots(turn, decision, findings)
    count_affected(turn)
    release_held(turn)
    forget_ended(turn)


def shared_roots(turn: Turn, decision: Decision) -> None:
    """Outages of lines and of edges without a node: after every last beat of the children, before the first missed one."""
    picture, new = turn.picture, []
    for place, members in decision.shared.items():
        if picture.outage[place] == 0:
            latest = float(picture.silent[members].max())
            lo, hi = float(picture.lo[members].max()), max(latest, float(picture.hi[members].min()))
            new.append((place, latest, lo, hi, Sign.SILENCE.value))
        elif picture.root[place]:
            make_root(turn, place)
    create(turn, new, derived=True)


def own_roots(turn: Turn, decision: Decision) -> None:
    picture = turn.picture
    roots = decision.dark[(decision.top == decision.dark) & (decision.under == 0)]
    fresh = roots[picture.outage[roots] == 0]
    columns = (picture.silent, picture.lo, picture.hi)
    create(turn, [(int(place), *(float(column[place]) for column in columns), Sign.SILENCE.value) for place in fresh])  # type: ignore[misc]
    for place in roots[picture.root[roots] > 0].tolist():
        make_root(turn, place, behind=picture.forest.kind[place] == SITE)


def make_root(turn: Turn, place: int, *, behind: bool = False) -> None:
    """What was explained is a root now, and waits until it may be told."""
    picture, pk = turn.picture, int(turn.picture.outage[place])
    picture.root[place], picture.hold[place] = 0, EVIDENCE
    derived = bool(np.isnan(picture.silent[place]))
    picture.matters[pk] = Matter(pk, place, float(picture.started[place]), derived=derived, behind=behind)
    change([pk], root=None, held=True, held_for=HOLDS[EVIDENCE])
    turn.changed = True


def explain(turn: Turn, decision: Decision) -> None:
    """Children get the key of their root; those without a row get theirs later, in one piece."""
    picture = turn.picture
    key = np.where(decision.under > 0, decision.under, picture.outage[decision.top])
    child = (decision.under > 0) | (decision.top != decision.dark)
    place, key = decision.dark[child], key[child]
    moved = place[(picture.root[place] != key) & (picture.outage[place] > 0)]
    keys = dict(zip(place.tolist(), key.tolist(), strict=True)) if len(moved) else {}
    for pk in {keys[int(one)] for one in moved}:
        hang(turn, pk, [int(one) for one in moved if keys[int(one)] == pk])
    picture.root[place], picture.hold[place] = key, 0
