"""What several steps of a turn do to an outage: begin it, hang it on another, tell it or keep it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from yuanjiao.network.diagnosis import holds
from yuanjiao.network.diagnosis.picture import EVIDENCE, HOLDS, MAINTENANCE, UNSTABLE, Matter
from yuanjiao.network.diagnosis.record import Root, change, insert_roots
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.models import Sign


def create(turn: Turn, wanted: Sequence[tuple[int, float, float, float, str]], *, derived: bool = False) -> list[Matter]:
    """Rows of roots: place, started, lo, hi, sign. They wait for evidence until they are told."""
    forest, picture = turn.picture.forest, turn.picture
    rows = [Root(int(forest.ids[place]), started, lo, hi, held_for=HOLDS[EVIDENCE], sign=sign) for place, started, lo, hi, sign in wanted]
    turn.changed |= bool(rows)
    keys = insert_roots(rows, turn.at)
    matters = [Matter(key, place, started, derived=derived) for key, (place, started, *_) in zip(keys, wanted, strict=True)]
    picture.matters.update((matter.pk, matter) for matter in matters)
    for matter, (place, started, _, _, sign) in zip(matters, wanted, strict=True):
        picture.outage[place], picture.started[place], picture.root[place] = matter.pk, int(started), 0
        picture.hold[place], picture.play[place] = EVIDENCE, sign == Sign.PLAY.value
    return matters


def hang(turn: Turn, pk: int, places: Sequence[int]) -> None:
    """The outages of these places are explained by the one with this key from now on."""
    keys = [int(turn.picture.outage[place]) for place in places]
    change(keys, root=pk, held=False, held_for="", fault_class=class_of(turn, pk))
    for key in keys:
        turn.picture.matters.pop(key, None)
    turn.changed = True


def class_of(turn: Turn, pk: int) -> str:
    """The class of a root; empty until it has a verdict."""
    matter = turn.picture.matters.get(pk)
    return matter.fault if matter is not None else ""


def came_or_went(turn: Turn, place: int, at: float) -> None:
    """An object that is unstable has changed once more."""
    if place in turn.picture.unstable:
        pk, changed = turn.picture.unstable[place]
        turn.picture.unstable[place] = pk, max(at, changed)


def release(turn: Turn, matters: Sequence[Matter]) -> None:
    """Tell them, unless they belong to a matter that is told already or to announced work."""
    keys, again = defaultdict(list), holds.note_drops(turn.picture, matters, turn.at)
    for one, known in zip(matters, again, strict=True):
        hold = UNSTABLE if known else MAINTENANCE if holds.in_maintenance(turn.picture, one, turn.windows[1]) else 0
        turn.picture.hold[one.place] = hold
        keys[hold].append(one.pk)
    hold_back(keys)
    turn.changed |= bool(matters)


def hold_back(keys: Mapping[int, Sequence[int]]) -> None:
    """Reason → the outages that are not told for it; 0: they are told."""
    for hold, pks in keys.items():
        change(pks, held=hold > 0, held_for=HOLDS[hold])


def affects(turn: Turn, key: int, count: int) -> None:
    """A root darkens so many sites; the number never shrinks."""
    matter = turn.picture.matters.get(key)
    if matter is not None and count > matter.affected:
        matter.affected = count
        change([key], affected_count=count)
