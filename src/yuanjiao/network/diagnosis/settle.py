"""What the return of an object proves: the last verdict on an ended root, from the other end's record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np

from yuanjiao.network.diagnosis.picture import NEVER, Matter, Picture
from yuanjiao.network.diagnosis.record import insert_children, moment
from yuanjiao.network.diagnosis.verdicts import Ruling, clock
from yuanjiao.network.models import FaultClass, ListeningGap, Outage, Watermark
from yuanjiao.network.queries.evidence import EvidenceRow, failed_line_checks
from yuanjiao.network.rules.causes import EDGE, LINE, Rule

TOGETHER_S = 180.0
PATIENCE = timedelta(minutes=10)
"""So long the record of an edge that is back is waited for; then its boot time alone decides."""


def settle_line(matter: Matter, name: str) -> Ruling | None:
    """Sites that come back within minutes of each other were cut together."""
    back = sorted(matter.backs)
    wave = [one for one in back if matter.ended is not None and matter.ended <= one <= matter.ended + TOGETHER_S]
    if len(wave) < 2 or 2 * len(wave) < len(back):
        return None
    text = f"{name}：{len(wave)} 个对象在 {clock(wave[0])} 至 {clock(wave[-1])} 之间一同恢复，是共用的线路"
    return Ruling(matter, FaultClass.LINE, Rule.CAME_BACK_TOGETHER, text, 0.95, settled=True)


def settle_edges(picture: Picture, matters: Iterable[Matter], names: dict[int, str], at: datetime) -> tuple[list[Ruling], list[Matter]]:
    """Verdicts on edges that are back, and those whose record is still awaited."""
    waiting, rulings, matters = [], [], list(matters)
    failed = _failed_uplinks(picture, matters)
    for matter in matters:
        mark = Watermark.objects.filter(edge=int(picture.forest.ids[matter.place])).order_by("-said_at").first()
        if mark is None or mark.boot_at is None:
            continue
        late = at > moment(matter.ended or 0.0) + PATIENCE
        if not late and (mark.said_at is None or mark.said_at < moment(matter.ended or 0.0)):
            waiting.append(matter)  # its newest word is from before
            continue
        ruling = _settle_edge(picture, matter, mark, names.get(matter.place, ""), failed.get(matter.pk), late=late)
        if ruling is None:
            waiting.append(matter)
        else:
            rulings.append(ruling)
    return rulings, waiting


def _failed_uplinks(picture: Picture, matters: Sequence[Matter]) -> dict[int, EvidenceRow]:
    """Key of the outage → the first failed check of its uplink in it, by the edge's own record, which came after it."""
    forest = picture.forest
    uplinks = {one.pk: int(forest.ids[forest.parent[one.place]]) for one in matters if forest.parent[one.place] >= 0}
    if not uplinks:
        return {}
    first, last = min(one.started for one in matters), max(one.ended or 0.0 for one in matters)
    rows = failed_line_checks(uplinks.values(), moment(first), moment(last))
    found = {}
    for one in matters:
        begins, ends = moment(one.started - float(forest.wait[one.place])), moment(one.ended or 0.0)
        inside = [row for row in rows.get(uplinks.get(one.pk, 0), ()) if row.since is not None and begins <= row.since < ends]
        if inside:
            found[one.pk] = inside[0]
    return found


def _settle_edge(picture: Picture, matter: Matter, mark: Watermark, name: str, failed: EvidenceRow | None, *, late: bool) -> Ruling | None:
    """Up all the time: it was cut off. Booted since: it was down itself, unless its record shows it at work after the cut: listening, or
    finding its uplink failed."""
    boot, began = mark.boot_at, clock(matter.started)
    if boot is None:
        return None
    told = f"{name}恢复后报告：{clock(boot.timestamp())}"
    if boot < moment(matter.started):
        seen = f"；{failed.note}" if failed is not None else ""
        text = f"{told} 开机后一直在运行，早于中断开始（{began}），是上联线路不通{seen}"
        return Ruling(matter, FaultClass.LINE, Rule.EDGE_STAYED_UP, text, 0.95, settled=True)
    if not late and (mark.held_through is None or mark.held_through < moment(matter.ended or 0.0)):
        return None
    stopped = _stopped_at(mark, matter)
    if stopped is not None and stopped.timestamp() > matter.started + 2 * float(picture.forest.wait[matter.place]):
        text = f"{told} 重新开机，但它的记录到 {clock(stopped.timestamp())} 仍在观察，晚于中断开始（{began}），先断的是上联线路"
        return Ruling(matter, FaultClass.LINE, Rule.EDGE_STAYED_UP, text, 0.85, settled=True)
    if failed is not None and failed.since is not None and failed.since < boot:
        text = f"{told} 重新开机，但此前在 {clock(failed.since.timestamp())} 已查出上联不通（{failed.note}），先断的是上联线路"
        return Ruling(matter, FaultClass.LINE, Rule.LINE_CHECK_FAILED, text, 0.85, settled=True)
    text = f"{told} 重新开机，晚于中断开始（{began}），是服务器停机"
    return Ruling(matter, FaultClass.SERVER, Rule.EDGE_BOOTED, text, 0.95 if stopped else 0.85, settled=True)


def _stopped_at(mark: Watermark, matter: Matter) -> datetime | None:
    """When the edge, by its own record, first ceased to listen in the outage."""
    ended = moment(matter.ended or 0.0)
    gaps = ListeningGap.objects.filter(observer=mark.observer, end__gt=moment(matter.started), start__lte=ended)
    return gaps.order_by("start").values_list("start", flat=True).first()


def name_uplinks(picture: Picture, rulings: Iterable[Ruling], at: datetime) -> None:
    """A cut edge that ran all the time: the outage is its uplink's, unless that carried another edge; the edge's own is explained by it.

    The outage keeps its uid, its verdicts, its order and its reports; only the object it names becomes the right one.
    """
    for ruling in rulings:
        matter, forest = ruling.matter, picture.forest
        above = int(forest.parent[matter.place])
        if ruling.fault != FaultClass.LINE or forest.kind[matter.place] != EDGE or above < 0 or forest.kind[above] != LINE:
            continue
        row = Outage.objects.filter(pk=matter.pk).values_list("started_lo", "started_hi").first()
        if row is None or matter.ended is None or _is_told(picture, above, matter) or _carried_another(picture, above, matter):
            continue
        Outage.objects.filter(pk=matter.pk).update(object=int(forest.ids[above]))
        edge = (int(forest.ids[matter.place]), matter.started, row[0].timestamp(), row[1].timestamp(), matter.ended)
        insert_children([(*edge, matter.pk, FaultClass.LINE, "silence")], at)
        matter.place = above


def _is_told(picture: Picture, above: int, matter: Matter) -> bool:
    """Whether the uplink has an outage of that time already."""
    rows = Outage.objects.filter(object=int(picture.forest.ids[above]), started_at__lt=moment(matter.ended or 0.0))
    return rows.exclude(ended_at__lte=moment(matter.started)).exists()


def _carried_another(picture: Picture, above: int, matter: Matter) -> bool:
    """Whether the uplink carried another edge all the while: then it was not the uplink that broke, but what is before this edge."""
    forest = picture.forest
    inside = np.arange(above + 1, forest.end[above])
    others = inside[(forest.kind[inside] == EDGE) & (picture.state[inside] != NEVER) & (inside != matter.place)]
    rows = Outage.objects.filter(object__in=forest.ids[others].tolist(), started_at__lt=moment(matter.ended or 0.0), sign="silence")
    dark = set(rows.exclude(ended_at__lte=moment(matter.started)).values_list("object_id", flat=True))
    return bool(set(forest.ids[others].tolist()) - dark)


def unsettled(picture: Picture, at: datetime) -> list[Matter]:
    """Edges that came back of late without a last verdict: after a restart they are still waited for."""
    rows = Outage.objects.filter(object__kind="edge", root=None, sign="silence", ended_at__gt=at - PATIENCE).exclude(verdicts__settled=True)
    found = []
    for row in rows:
        place = int(picture.forest.places([row.object_id])[0])
        if place >= 0 and row.ended_at is not None:
            found.append(Matter(row.pk, place, row.started_at.timestamp(), row.ended_at.timestamp(), fault=row.fault_class))
    return found
