"""Verdicts: which class, by which rule, on what evidence, how sure. One follows another; none is rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.rows import insert
from yuanjiao.network.diagnosis.picture import UP, Matter, Picture, batches
from yuanjiao.network.diagnosis.record import moment
from yuanjiao.network.models import FaultClass, ManagedObject, OutageVerdict
from yuanjiao.network.rules.causes import EDGE, SITE, Places, Rule
from yuanjiao.network.rules.evidence import Weighed

CLASS_OF = {
    Rule.EDGE_SILENT: (FaultClass.SERVER, 0.5),
    Rule.EDGES_SHARE_UPLINK: (FaultClass.LINE, 0.85),
    Rule.ALL_SITES_OF_EDGE: (FaultClass.SERVER, 0.6),
    Rule.SITES_SHARE_LINE: (FaultClass.LINE, 0.85),
    Rule.SITE_ALONE: (FaultClass.EQUIPMENT, 0.7),
    Rule.STAYED_BEHIND: (FaultClass.EQUIPMENT, 0.8),
}
"""The first verdict of each rule with its confidence, 0 to 1."""
COLUMNS = ("outage_id", "at", "fault_class", "rule", "evidence", "confidence", "settled")
DOUBT = 0.6
"""While nobody at all is heard, a verdict is that much less sure."""


@dataclass(frozen=True)
class Ruling:
    """One verdict to be written."""

    matter: Matter
    fault: str
    rule: Rule
    text: str
    confidence: float
    settled: bool = False


def clock(seconds: float) -> str:
    return f"{moment(seconds).astimezone(CHINA):%m月%d日 %H:%M:%S}"


def names_of(picture: Picture, places: Iterable[int]) -> dict[int, str]:
    """Names by place, in one query for a turn."""
    wanted = {int(picture.forest.ids[place]): place for place in places if place >= 0}
    found: dict[int, str] = {}
    for part in batches(wanted):
        found.update(ManagedObject.objects.filter(pk__in=part).values_list("pk", "name"))
    return {wanted[pk]: name for pk, name in found.items()}


def keep(rulings: Iterable[Ruling], at: datetime) -> None:
    """Write the verdicts; each matter remembers the one that stands."""
    rows = []
    for ruling in rulings:
        matter = ruling.matter
        matter.rule, matter.fault, matter.sure = ruling.rule, ruling.fault, ruling.confidence
        matter.settled |= ruling.settled
        rows.append((matter.pk, at, str(ruling.fault), str(ruling.rule), ruling.text, ruling.confidence, ruling.settled))
    if rows:
        insert(OutageVerdict, COLUMNS, rows)


@dataclass(frozen=True)
class Told:
    """One root as it is told for the first time: the rule that found it, of how many that speaks, and what it explains."""

    matter: Matter
    rule: Rule
    of: int
    members: Places
    stayed: bool = False


def rule_on(picture: Picture, told: Told, names: Mapping[int, str], weighed: Weighed | None, *, anyone_heard: bool) -> Ruling:
    """The verdict of the rule that found a root; evidence that says more goes before it."""
    rule = Rule.STAYED_BEHIND if told.stayed else told.rule
    fault, confidence = CLASS_OF[rule]
    text = _sentence(picture, told, names, anyone_heard=anyone_heard)
    if weighed is not None and weighed.confidence > confidence:
        return Ruling(told.matter, weighed.fault, weighed.rule, f"{text}；{weighed.note}", weighed.confidence)
    return Ruling(told.matter, fault, rule, text, confidence if anyone_heard else DOUBT * confidence)


def wanted_names(picture: Picture, told: Told) -> set[int]:
    """The places whose names its sentence will have."""
    parent = int(picture.forest.parent[told.matter.place])
    return {told.matter.place, parent, *_first(picture, told).tolist()}


def _first(picture: Picture, told: Told) -> Places:
    return np.sort(told.members[told.members != told.matter.place])[:3]


def _sentence(picture: Picture, told: Told, names: Mapping[int, str], *, anyone_heard: bool) -> str:
    place, since = told.matter.place, clock(told.matter.started)
    name = names.get(place, "")
    if told.stayed:
        return f"{names.get(int(picture.forest.parent[place]), '上级')}已恢复，{name}仍无心跳，另有原因"
    if told.rule is Rule.EDGE_SILENT:
        return f"{name}自 {since} 起无心跳，其下 {told.of} 个站点情况不明；是停机还是上联不通，恢复后由其开机时刻定论"
    if told.rule is Rule.SITE_ALONE:
        return _alone(picture, place, name, since, names)
    by_edges = told.rule is Rule.EDGES_SHARE_UPLINK
    judged = int((picture.forest.kind[told.members] == (EDGE if by_edges else SITE)).sum())
    what = "台边缘服务器" if by_edges else "个站点"
    shown = "、".join(names.get(int(one), "") for one in _first(picture, told)) + ("等" if len(told.members) > 3 else "")
    elsewhere = "别处仍有心跳" if anyone_heard else "但别处也没有心跳，不排除是本机收不到"
    if not judged:  # a start lay between: who it was is in the rows of its children
        return f"{name}所带的{what[1:]}在 {since} 前后一同无心跳，{elsewhere}"
    return f"{name}所带 {told.of} {what}中有 {judged} {what[0]}在 {since} 前后一同无心跳（{shown}），{elsewhere}"


def _alone(picture: Picture, place: int, name: str, since: str, names: Mapping[int, str]) -> str:
    forest, parent = picture.forest, int(picture.forest.parent[place])
    if parent < 0:
        return f"{name}自 {since} 起无心跳，没有共用线路的站点可以对照"
    inside = np.arange(parent + 1, forest.end[parent])
    others = inside[(forest.kind[inside] == SITE) & (inside != place)]
    if not len(others):
        return f"{name}自 {since} 起无心跳，没有共用线路的站点可以对照"
    heard = int(((picture.state[others] == UP) & np.isnan(picture.silent[others])).sum())
    return f"{name}自 {since} 起无心跳，同在{names.get(parent, '')}上的其余 {len(others)} 个站点中 {heard} 个正常"
