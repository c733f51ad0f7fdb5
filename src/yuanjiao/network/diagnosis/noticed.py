"""What came with a late record and is past already: it gets its roots as if it had been seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yuanjiao.network.diagnosis import holds
from yuanjiao.network.diagnosis.absorb import Past
from yuanjiao.network.diagnosis.acts import create, hang
from yuanjiao.network.diagnosis.ends import settle_derived
from yuanjiao.network.diagnosis.late import join_groups
from yuanjiao.network.diagnosis.past import Group, past_groups
from yuanjiao.network.diagnosis.picture import HOLDS, MAINTENANCE, UNSTABLE, Matter
from yuanjiao.network.diagnosis.record import change, insert_children
from yuanjiao.network.diagnosis.sighting import see
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.diagnosis.verdicts import CLASS_OF, Told
from yuanjiao.network.models import Outage, Sign
from yuanjiao.network.rules.causes import EDGE


def tell_past(turn: Turn, past: Sequence[Past]) -> None:
    """Silences that came with a late record, ended meanwhile: they have their roots as if they had been seen."""
    if past:
        sight = see(turn.picture, turn.heard, turn.at)
        groups, joined = join_groups(turn.picture, list(past_groups(turn.picture, sight, past)), sight.told_below)
        for group in groups:
            write_group(turn, group)
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


def write_group(turn: Turn, group: Group) -> None:
    times, place = (group.started, group.lo, group.hi), group.place
    (matter,) = create(turn, [(place, *times, Sign.SILENCE.value)], derived=group.derived, ended=group.ended)
    matter.backs = [one.ended for one in group.members] if group.derived else []
    turn.told.append(Told(matter, group.rule, group.of, np.array([one.place for one in group.members], np.int64)))
    end_matter_told(turn, matter, group.ended)
    fault = CLASS_OF[group.rule][0].value
    ids = turn.picture.forest.ids
    rows = [one for one in group.members if one.place != place or group.derived]
    insert_children([(int(ids[one.place]), one.started, one.lo, one.hi, one.ended, matter.pk, fault, "silence") for one in rows], turn.at)
    if group.still:
        hang(turn, matter.pk, [one for one in group.still if turn.picture.outage[one]])
        turn.picture.root[group.still] = matter.pk
    if group.derived:
        settle_derived(turn, matter)


def end_matter_told(turn: Turn, matter: Matter, ended: float) -> None:
    matter.ended = ended
    again = holds.note_drop(turn.picture, matter, turn.at)
    hold = UNSTABLE if again else MAINTENANCE if holds.was_worked_on(turn.picture, matter, ended) else 0
    change([matter.pk], held=hold > 0, held_for=HOLDS[hold], affected_count=max(len(matter.backs), 1))
    if turn.picture.forest.kind[matter.place] == EDGE and not matter.derived:
        turn.picture.unsettled.append(matter)
