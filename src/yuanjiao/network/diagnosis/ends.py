"""What ends in a turn: silences that are over, what left service, and what was derived from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from django.db.models import F

from yuanjiao.network.counting.reading import Epoch
from yuanjiao.network.diagnosis import holds
from yuanjiao.network.diagnosis.absorb import Absorbed, Ended, end_silence
from yuanjiao.network.diagnosis.acts import came_or_went, hang, hold_back
from yuanjiao.network.diagnosis.news import News
from yuanjiao.network.diagnosis.picture import DOWN, EVIDENCE, MAINTENANCE, UP, Matter, batches
from yuanjiao.network.diagnosis.record import change, end_outages
from yuanjiao.network.diagnosis.settle import settle_line, unsettled
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.diagnosis.verdicts import Told, names_of
from yuanjiao.network.models import Liveness, Outage
from yuanjiao.network.rules.causes import EDGE, LINE, SITE, Mask, Places, Rule


def agree_with_states(turn: Turn, news: News) -> None:
    """After a start: outages of what left service end now; of what is up with nothing new about it, when it came up. What is down
    without an outage (it was out of service when it fell silent) is silent since then."""
    picture, found = turn.picture, Absorbed()
    up = unless_new(turn, ~np.isnan(picture.silent) & (picture.state == UP), news)
    for place, (since, _) in present_since(turn, up).items():
        end_silence(picture, place, since, found)
    end_all(turn, found.ended)
    down = unless_new(turn, (picture.state == DOWN) & np.isnan(picture.silent), news)
    for place, (since, last) in present_since(turn, down).items():
        picture.silent[place], picture.lo[place], picture.hi[place] = since, min(last, since), since + picture.forest.period[place]
    end_out_of_service(turn)


def unless_new(turn: Turn, wanted: Mask, news: News) -> Places:
    places = np.flatnonzero(wanted)
    answer: Places = places[~np.isin(places, news.place)]
    return answer


def present_since(turn: Turn, places: Places) -> dict[int, tuple[float, float]]:
    """Place → since when it is in its state, and when it was last heard."""
    ids, found = turn.picture.forest.ids, {}
    where = dict(zip(ids[places].tolist(), places.tolist(), strict=True))
    for part in batches(where):
        rows = Liveness.objects.filter(object__in=part).values_list("object_id", Epoch(F("since")), Epoch(F("last_heard_at")))
        found.update({where[pk]: (float(since), float(since if last is None else last)) for pk, since, last in rows})
    return found


def end_out_of_service(turn: Turn) -> None:
    rows = dict(Outage.objects.filter(ended_at=None).exclude(object__lifecycle="in_service").values_list("pk", "started_at"))
    end_outages((pk, max(turn.now, started.timestamp())) for pk, started in rows.items())
    change(rows, held=False, held_for="")
    for pk in rows:
        if pk in turn.picture.matters:
            turn.picture.matters[pk].ended = turn.now
    turn.picture.unsettled = unsettled(turn.picture, turn.at)
    turn.changed |= bool(rows)


def end_all(turn: Turn, ended: Sequence[Ended]) -> None:
    """Write the ends; roots get their last verdict, and those who explain learn who is back."""
    end_outages((one.outage, one.ended) for one in ended)
    turn.changed |= bool(ended)
    roots = []
    for one in ended:
        came_or_went(turn, one.place, one.ended)
        if one.root in turn.picture.matters:
            turn.picture.matters[one.root].backs.append(one.ended)
        elif not one.root and one.outage in turn.picture.matters:
            roots.append((turn.picture.matters[one.outage], one.ended, one.hold))
    end_matters(turn, roots)


def end_matters(turn: Turn, ended: Sequence[tuple[Matter, float, int]]) -> None:
    """These roots are over: matter, end, and why it was not told."""
    for matter, end, _ in ended:
        matter.ended = end
    unsure = [(matter, end) for matter, end, hold in ended if hold == EVIDENCE]
    keys = defaultdict(list)
    for (matter, _), announced in zip(unsure, holds.worked_on(turn.picture, unsure), strict=True):
        keys[MAINTENANCE if announced else 0].append(matter.pk)
    hold_back(keys)
    fresh = [matter for matter, _, _ in ended if not matter.rule]
    for matter in fresh:
        if matter.derived and not len(matter.members):
            members_from_rows(turn, matter)
        rule, of = matter.found or rule_from_rows(turn, matter)
        turn.told.append(Told(matter, rule, of, matter.members))
    holds.note_drops(turn.picture, fresh, turn.at)
    edges = (one for one, _, _ in ended if turn.picture.forest.kind[one.place] == EDGE and not one.derived)
    turn.picture.unsettled += [one for one in edges if not one.settled and not one.play]


def members_from_rows(turn: Turn, matter: Matter) -> None:
    """A start lay between: whom it darkened is in the rows of its children."""
    ids = Outage.objects.filter(root=matter.pk).values_list("object_id", flat=True)
    places = turn.picture.forest.places(list(ids))
    matter.members = np.sort(places[places >= 0])


def rule_from_rows(turn: Turn, matter: Matter) -> tuple[Rule, int]:
    """It ended before the rules were asked about it since the start: what it is and what it explained say which rule found it."""
    forest, place = turn.picture.forest, matter.place
    below = forest.kind[place + 1 : forest.end[place]]
    if not matter.derived:
        return (Rule.EDGE_SILENT, int((below == SITE).sum())) if forest.kind[place] == EDGE else (Rule.SITE_ALONE, 1)
    if (forest.kind[matter.members] == EDGE).sum() >= 2:
        return Rule.EDGES_SHARE_UPLINK, int((below == EDGE).sum())
    return Rule.ALL_SITES_OF_EDGE if forest.kind[place] == EDGE else Rule.SITES_SHARE_LINE, int((below == SITE).sum())


def end_derived(turn: Turn, matter: Matter, ended: float) -> None:
    end_outages([(matter.pk, ended)])
    hold = int(turn.picture.hold[matter.place])
    came_or_went(turn, matter.place, ended)
    turn.picture.forget(matter.place)
    end_matters(turn, [(matter, ended, hold)])
    settle_derived(turn, matter)
    turn.changed = True


def settle_derived(turn: Turn, matter: Matter) -> None:
    if turn.picture.forest.kind[matter.place] == LINE:
        ruling = settle_line(matter, names_of(turn.picture, [matter.place]).get(matter.place, ""))
        if ruling is not None:
            turn.rulings.append(ruling)


def give_up(turn: Turn, matter: Matter, place: int) -> None:
    """A line taken for the root until what is above fell silent too: never told, it is forgotten; told, it is explained."""
    picture, root = turn.picture, int(turn.picture.outage[place])
    if picture.hold[matter.place] == EVIDENCE:
        Outage.objects.filter(pk=matter.pk).delete()
        picture.forget(matter.place)
        picture.matters.pop(matter.pk, None)
    elif root:
        hang(turn, root, [matter.place])
        picture.root[matter.place] = root
    turn.changed = True


def end_explained_lines(turn: Turn) -> None:
    """Derived outages that a higher one explains end with it."""
    picture = turn.picture
    for place in np.flatnonzero((picture.outage > 0) & (picture.root > 0) & np.isnan(picture.silent)).tolist():
        above = picture.matters.get(int(picture.root[place]))
        if above is None or above.ended is not None:
            ended = turn.now if above is None or above.ended is None else above.ended
            end_outages([(int(picture.outage[place]), max(ended, float(picture.started[place])))])
            picture.forget(place)
            turn.changed = True
