"""What came with a late record and is past already: it gets its roots as if it had been seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from yuanjiao.network.diagnosis import holds
from yuanjiao.network.diagnosis.absorb import Past
from yuanjiao.network.diagnosis.acts import hang
from yuanjiao.network.diagnosis.ends import settle_derived
from yuanjiao.network.diagnosis.late import join_groups
from yuanjiao.network.diagnosis.past import Group, past_groups
from yuanjiao.network.diagnosis.picture import HOLDS, Matter
from yuanjiao.network.diagnosis.record import Root, change, insert_children, insert_roots
from yuanjiao.network.diagnosis.sighting import see
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.diagnosis.verdicts import CLASS_OF, Told
from yuanjiao.network.models import Outage
from yuanjiao.network.rules.causes import EDGE


def tell_past(turn: Turn, past: Sequence[Past]) -> None:
    """Silences that came with a late record, ended meanwhile: they have their roots as if they had been seen."""
    if past:
        sight = see(turn.picture, turn.heard, turn.at)
        groups, joined = join_groups(turn.picture, list(past_groups(turn.picture, sight, past)), sight.told_below)
        write_groups(turn, groups)
        for key, members in joined.items():
            write_late(turn, key, members)


def write_late(turn: Turn, key: int, members: Sequence[Past]) -> None:
    """Past silences that were noticed late; the outage that explains them is in the rows."""
    ids, row = turn.picture.forest.ids, Outage.objects.get(pk=key)
    insert_children(
        [(int(ids[one.place]), one.started, one.lo, one.hi, one.ended, key, row.fault_class, "silence") for one in members], turn.at
    )
    change([key], affected_count=row.affected_count + len(members))
    if key in turn.picture.matters:
        matter = turn.picture.matters[key]
        matter.backs += [one.ended for one in members]
        matter.affected = row.affected_count + len(members)
    turn.changed = True


def write_groups(turn: Turn, groups: Sequence[Group]) -> None:
    """Roots of the past with what each explains. Thousands may come in one record of an edge: what is on record is read once for all of
    them, and they are written at once, ended as they are, because something else of the same object may be open now."""
    matters = [
        Matter(0, one.place, one.started, one.ended, derived=one.derived, backs=[each.ended for each in one.members] if one.derived else [])
        for one in groups
    ]
    held = holds.of_past(turn.picture, [(matter, one.ended) for matter, one in zip(matters, groups, strict=True)], turn.at)
    rows = [_root(turn, *each) for each in zip(groups, matters, held, strict=True)]
    for group, matter, row, key in zip(groups, matters, rows, insert_roots(rows, turn.at), strict=True):
        matter.pk, matter.affected = key, row.affected
        _stand(turn, group, matter)
    insert_children([child for group, matter in zip(groups, matters, strict=True) for child in _children(turn, group, matter)], turn.at)
    for group, matter in zip(groups, matters, strict=True):
        _settle(turn, group, matter)
    turn.changed |= bool(groups)


def _root(turn: Turn, group: Group, matter: Matter, hold: int) -> Root:
    subject, affected = int(turn.picture.forest.ids[group.place]), max(len(matter.backs), 1)
    return Root(subject, group.started, group.lo, group.hi, group.ended, HOLDS[hold], affected=affected)


def _stand(turn: Turn, group: Group, matter: Matter) -> None:
    turn.picture.matters[matter.pk] = matter
    turn.told.append(Told(matter, group.rule, group.of, np.array([one.place for one in group.members], np.int64)))
    if turn.picture.forest.kind[matter.place] == EDGE and not matter.derived:
        turn.picture.unsettled.append(matter)


def _children(turn: Turn, group: Group, matter: Matter) -> Iterable[tuple[int, float, float, float, float | None, int, str, str]]:
    fault, ids = CLASS_OF[group.rule][0].value, turn.picture.forest.ids
    rows = (one for one in group.members if one.place != group.place or group.derived)
    return ((int(ids[one.place]), one.started, one.lo, one.hi, one.ended, matter.pk, fault, "silence") for one in rows)


def _settle(turn: Turn, group: Group, matter: Matter) -> None:
    if group.still:
        hang(turn, matter.pk, [one for one in group.still if turn.picture.outage[one]])
        turn.picture.root[group.still] = matter.pk
    if group.derived:
        settle_derived(turn, matter)
