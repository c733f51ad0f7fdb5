"""Play failures of many sites of one edge (or, when they break on the way to it, of one line): one root with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from yuanjiao.network.diagnosis.picture import Picture
from yuanjiao.network.diagnosis.plays import STEP_NAMES, Failed
from yuanjiao.network.diagnosis.record import moment
from yuanjiao.network.models import PlayTest
from yuanjiao.network.rules.causes import EDGE, LINE
from yuanjiao.network.rules.evidence import CLASS_OF_STEP, SERVER
from yuanjiao.network.rules.evidence import LINE as LINE_FAULT
from yuanjiao.network.rules.plays import MANY, Shared, Tried, shared_cause

LINK = "link"
LOOK_BACK = timedelta(days=2)
SURE = 0.85


@dataclass(frozen=True)
class Common:
    """What stands above many failures: its place, since when, and what was found; `elsewhere`: other places where the same item fails."""

    place: int
    since: float
    shared: Shared
    elsewhere: int = 0

    @property
    def fault(self) -> str:
        """A store or an item that does not play is the server's; a way that is cut before it is the line's."""
        return LINE_FAULT if CLASS_OF_STEP.get(self.shared.step) == LINE_FAULT else SERVER


def common_causes(picture: Picture, begun: Sequence[Failed]) -> list[Common]:
    """Objects above the failures that have just begun, which explain them and the open ones beside them."""
    found = []
    for place in sorted({above for test in begun for above in [_above(picture, test)] if above >= 0}):
        if picture.outage[place]:
            continue
        failing = _failing(picture, place, begun)
        if len(failing) >= MANY and (common := _weigh(picture, place, failing)) is not None:
            found.append(common)
    items = [one.shared.item for one in found if one.shared.item]
    return [Common(one.place, one.since, one.shared, max(items.count(one.shared.item) - 1, 0)) for one in found]


def standing(picture: Picture, test: Failed) -> int:
    """The open root of play failures above this one, or 0."""
    place = _above(picture, test)
    return int(picture.outage[place]) if place >= 0 and picture.play[place] else 0


def _above(picture: Picture, test: Failed) -> int:
    """The line of a site that does not reach its edge, else the edge."""
    kind, place = (LINE if test.step == LINK else EDGE), int(picture.forest.parent[test.place])
    while place >= 0 and picture.forest.kind[place] != kind:
        place = int(picture.forest.parent[place])
    return place


def _failing(picture: Picture, place: int, begun: Iterable[Failed]) -> dict[int, float]:
    """Place of each site below that cannot play → since when: those that have an outage, and those that are about to."""
    inside = np.arange(place + 1, picture.forest.end[place])
    open_ = inside[picture.play[inside] & (picture.root[inside] == 0)]
    return {int(one): float(picture.started[one]) for one in open_} | {
        test.place: test.at for test in begun if place < test.place < picture.forest.end[place]
    }


def _weigh(picture: Picture, place: int, failing: dict[int, float]) -> Common | None:
    """The newest test of every site below since the first of the failures."""
    newest = max(failing.values())
    first = max(min(failing.values()), newest - LOOK_BACK.total_seconds())
    ids = picture.forest.ids[place + 1 : picture.forest.end[place]].tolist()
    rows = PlayTest.objects.filter(site__in=ids, at__gte=moment(first)).order_by("at", "pk").values_list("site_id", "ok", "step", "item")
    tried = {site: Tried(site, "" if ok else step or "video", item) for site, ok, step, item in rows}
    shared = shared_cause(tried.values())
    return None if shared is None else Common(place, first, shared)


def sentence(name: str, common: Common, names: Sequence[str]) -> str:
    """The evidence, as people read it."""
    shared = common.shared
    shown = "、".join(names[:3]) + ("等" if len(shared.sites) > 3 else "")
    step = STEP_NAMES.get(shared.step, shared.step)
    text = f"{name}所带站点有心跳，但最近试播的 {shared.tried} 个站点中有 {len(shared.sites)} 个失败（{shown}），多断在{step}"
    if shared.item:
        text += f"，都是《{shared.item}》，其他课件能播"
        text += f"；另有 {common.elsewhere} 处也播不了它，问题在课件本身" if common.elsewhere else "，问题在这里存的这件课件"
        return text
    return text + ("，问题在共用的线路，不在各站点设备" if common.fault == LINE_FAULT else "，问题在边缘服务器的存储或片目，不在各站点设备")
