"""Evidence gathered for the roots of one turn: probes, checks, sightings, and sites heard directly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from yuanjiao.network.diagnosis.picture import Picture
from yuanjiao.network.diagnosis.sighting import Heard
from yuanjiao.network.diagnosis.verdicts import Told, clock
from yuanjiao.network.queries.evidence import EvidenceRow, evidence_about
from yuanjiao.network.rules.causes import KINDS, LINE, SITE
from yuanjiao.network.rules.evidence import Observation, Weighed, weigh

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


def _observation(row: EvidenceRow, of: str) -> Observation:
    return Observation(row.kind.value, row.ok, row.at.timestamp(), row.note, row.what, of)
