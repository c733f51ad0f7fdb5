"""The verdicts of a turn: the first ones, the last ones, and the class of what they explain."""

from __future__ import annotations

from yuanjiao.network.diagnosis.record import change
from yuanjiao.network.diagnosis.settle import name_uplinks, settle_edges
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.diagnosis.verdicts import keep, names_of, rule_on, wanted_names
from yuanjiao.network.diagnosis.weighing import weigh_again, weigh_all
from yuanjiao.network.models import Outage


def settle(turn: Turn) -> None:
    """Last verdicts on edges that are back."""
    waiting = turn.picture.unsettled
    names = names_of(turn.picture, [matter.place for matter in waiting])
    rulings, turn.picture.unsettled = settle_edges(turn.picture, waiting, names, turn.at)
    turn.settled = rulings


def keep_rulings(turn: Turn) -> None:
    """First verdicts, then last ones; what they explain has the same class."""
    wanted = {place for told in turn.told for place in wanted_names(turn.picture, told)}
    names = names_of(turn.picture, wanted)
    weighed = weigh_all(turn.picture, turn.told, turn.heard, turn.at)
    first = [
        rule_on(turn.picture, told, names, weighed.get(told.matter.pk), anyone_heard=turn.anyone_heard)
        for told in turn.told
        if told.matter.rule == "" or told.stayed
    ]
    rulings = [*first, *turn.rulings, *turn.settled]
    keep(rulings, turn.at)
    later = weigh_again(turn.picture, turn.heard, turn.at)
    keep(later, turn.at)
    rulings += later
    spread(turn, {ruling.matter.pk: ruling.fault for ruling in rulings})
    name_uplinks(turn.picture, turn.settled, turn.at)


def spread(turn: Turn, classes: dict[int, str]) -> None:
    for fault in set(classes.values()):
        keys = [pk for pk, one in classes.items() if one == fault]
        change(keys, fault_class=fault)
        for start in range(0, len(keys), 500):
            Outage.objects.filter(root__in=keys[start : start + 500]).exclude(fault_class=fault).update(fault_class=fault)
