"""Evidence gathered for the roots of one turn: probes, checks, sightings, and sites heard directly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from yuanjiao.network.diagnosis.picture import Picture
from yuanjiao.network.diagnosis.sighting import Heard
from yuanjiao.network.diagnosis.verdicts import Ruling, Told, clock
from yuanjiao.network.queries.evidence import EvidenceRow, evidence_about
from yuanjiao.network.rules.causes import KINDS, LINE, SITE, Rule
from yuanjiao.network.rules.evidence import Observation, Weighed, weigh

AGAIN_S, YOUNG_S, AGAIN = 60.0, 7200.0, 500
"""Open roots that are younger than this are weighed again so often, so many at the most: evidence comes later than silence."""
MOST = 2000
"""So many roots of one turn are weighed; in a larger storm the rule alone speaks first."""


def weigh_all(picture: Picture, told: Sequence[Told], heard: Heard, at: datetime) -> dict[int, Weighed]:
    """Key of the outage → what the evidence says, where it says anything."""
    chosen, forest = told[:MOST], picture.forest
    if not chosen:
        return {}
    above = {one.matter.place: int(forest.parent[one.matter.place]) for one in chosen}
    wanted = {int(forest.ids[place]) for pair in above.items() for place in pair if place >= 0}
    rows, direct = evidence_about(wanted, at), heard.witnessed(wanted)
    found = {}
    for one in chosen:
        place, parent = one.matter.place, above[one.matter.place]
        seen = [_observation(row, "self") for row in rows.get(int(forest.ids[place]), ())]
        if parent >= 0 and forest.kind[parent] == LINE:
            seen += [_observation(row, "above") for row in rows.get(int(forest.ids[parent]), ())]
        if forest.kind[place] == SITE and int(forest.ids[place]) in direct:
            when = direct[int(forest.ids[place])]
            seen.append(Observation("witness", True, when, f"{clock(when)} 仍直接收到该站点的心跳，盒子在运行"))
        weighed = weigh(KINDS[int(forest.kind[place])], one.matter.started, float(forest.wait[place]), seen)
        if weighed is not None:
            found[one.matter.pk] = weighed
    return found


def weigh_again(picture: Picture, heard: Heard, at: datetime) -> list[Ruling]:
    """Verdicts on open roots of which more is known by now than when they were told."""
    now = at.timestamp()
    if now - picture.weighed_at < AGAIN_S:
        return []
    picture.weighed_at = now
    young = [one for one in picture.matters.values() if one.ended is None and one.rule and not one.settled and now - one.started < YOUNG_S]
    newest = sorted((one for one in young if not picture.play[one.place]), key=lambda one: -one.started)[:AGAIN]
    told = [Told(one, Rule(one.rule), 1, np.zeros(0, np.int64)) for one in newest]
    weighed = weigh_all(picture, told, heard, at)
    found = [(one, weighed[one.pk]) for one in newest if one.pk in weighed]
    return [
        Ruling(one, more.fault, more.rule, f"后来得知：{more.note}", more.confidence)
        for one, more in found
        if more.rule != one.rule and more.confidence > one.sure
    ]


def is_time_to_weigh(picture: Picture, now: float) -> bool:
    """Whether open roots are due to be weighed again."""
    young = (one.ended is None and now - one.started < YOUNG_S for one in picture.matters.values())
    return now - picture.weighed_at >= AGAIN_S and any(young)


def _observation(row: EvidenceRow, of: str) -> Observation:
    return Observation(row.kind.value, row.ok, row.at.timestamp(), row.note, row.what, of)
