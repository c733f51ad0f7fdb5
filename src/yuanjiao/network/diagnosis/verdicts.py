"""Verdicts: which class, by which rule, on what evidence, how sure. One follows another; none is rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from yuanjiao.lib.clock import CHINA
from yuanjiao.network.models import FaultClass, ManagedObject, ObjectKind, Outage, OutageVerdict, Watermark
from yuanjiao.network.rules.causes import Cause, Rule, Tree

CLASS_OF = {
    Rule.EDGE_SILENT: (FaultClass.SERVER, 0.5),
    Rule.EDGES_SHARE_UPLINK: (FaultClass.LINE, 0.85),
    Rule.ALL_SITES_OF_EDGE: (FaultClass.SERVER, 0.6),
    Rule.SITES_SHARE_LINE: (FaultClass.LINE, 0.85),
    Rule.SITE_ALONE: (FaultClass.EQUIPMENT, 0.7),
    Rule.STAYED_BEHIND: (FaultClass.EQUIPMENT, 0.8),
}
"""The first verdict of each rule with its confidence, 0 to 1."""
TOGETHER = timedelta(minutes=3)


@dataclass(frozen=True)
class Evidence:
    """What a verdict may rest on: the tree as the rules saw it, and whether anybody at all was heard."""

    tree: Tree
    anyone_heard: bool


def _clock(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%m月%d日 %H:%M:%S}"


def judge_cause(outage: Outage, cause: Cause, evidence: Evidence, at: datetime) -> None:
    """Write the verdict of the rule that found this root, unless it stands already."""
    last = outage.verdicts.last()
    if last is not None and (last.rule == cause.rule or last.settled):
        return
    fault_class, confidence = CLASS_OF[cause.rule]
    if not evidence.anyone_heard:
        confidence *= 0.6
    _write(outage, fault_class, cause.rule, _sentence(outage, cause, evidence), confidence, at)


def stayed_behind(outage: Outage, at: datetime) -> None:
    """What explained it has ended, and it is still dark: it has a cause of its own."""
    above = "上级"
    if outage.object.depends_on is not None:
        above = outage.object.depends_on.name
    fault_class, confidence = CLASS_OF[Rule.STAYED_BEHIND]
    _write(outage, fault_class, Rule.STAYED_BEHIND, f"{above}已恢复，{outage.object.name}仍无心跳，另有原因", confidence, at)


def settle_ended(outage: Outage, at: datetime) -> None:
    """An ended root gets its last verdict where the return proves something."""
    if outage.root_id is not None or outage.verdicts.filter(settled=True).exists():
        return
    mark = Watermark.objects.filter(edge=outage.object_id).first()
    if outage.object.kind == ObjectKind.EDGE and mark is not None and mark.boot_at is not None:
        _settle_edge(outage, mark.boot_at, at)
    elif outage.object.kind == ObjectKind.LINE:
        _settle_line(outage, at)
    outage.held = False
    outage.save(update_fields=["held"])


def _settle_edge(outage: Outage, boot_at: datetime, at: datetime) -> None:
    """Up all the time: it was cut off. Booted since: it was down itself."""
    told, began = f"{outage.object.name}恢复后报告：{_clock(boot_at)}", _clock(outage.started_at)
    if boot_at < outage.started_at:
        text = f"{told} 开机后一直在运行，早于中断开始（{began}），是上联线路不通"
        _write(outage, FaultClass.LINE, Rule.EDGE_STAYED_UP, text, 0.95, at, settled=True)
    else:
        text = f"{told} 重新开机，晚于中断开始（{began}），是服务器停机"
        _write(outage, FaultClass.SERVER, Rule.EDGE_BOOTED, text, 0.95, at, settled=True)


def _settle_line(outage: Outage, at: datetime) -> None:
    """Sites that come back within minutes of each other were cut together."""
    back = sorted(child.ended_at for child in outage.explained.exclude(ended_at=None) if child.ended_at)
    if len(back) >= 2 and back[-1] - back[0] <= TOGETHER:
        text = f"{len(back)} 个站点在 {_clock(back[0])} 至 {_clock(back[-1])} 之间一同恢复，是共用的线路"
        _write(outage, FaultClass.LINE, Rule.CAME_BACK_TOGETHER, text, 0.95, at, settled=True)


def _write(
    outage: Outage, fault_class: FaultClass, rule: Rule, evidence: str, confidence: float, at: datetime, *, settled: bool = False
) -> None:
    OutageVerdict.objects.create(
        outage=outage, at=at, fault_class=fault_class, rule=rule, evidence=evidence, confidence=confidence, settled=settled
    )
    outage.fault_class = fault_class
    outage.save(update_fields=["fault_class"])
    outage.explained.exclude(fault_class=fault_class).update(fault_class=fault_class)


def _sentence(outage: Outage, cause: Cause, evidence: Evidence) -> str:
    tree = evidence.tree
    name, since = outage.object.name, _clock(outage.started_at)
    if cause.rule is Rule.EDGE_SILENT:
        return f"{name}自 {since} 起无心跳，其下 {cause.of} 个站点情况不明；是停机还是上联不通，恢复后由其开机时刻定论"
    if cause.rule is Rule.SITE_ALONE:
        return _alone(outage, tree)
    dark = [pk for pk in cause.explained if tree.things[pk].dark_since is not None]
    what = "台边缘服务器" if cause.rule is Rule.EDGES_SHARE_UPLINK else "个站点"
    names = "、".join(ManagedObject.objects.filter(pk__in=dark[:3]).order_by("code").values_list("name", flat=True))
    judged = sum(tree.things[pk].kind == ("edge" if cause.rule is Rule.EDGES_SHARE_UPLINK else "site") for pk in dark)
    elsewhere = "别处仍有心跳" if evidence.anyone_heard else "但别处也没有心跳，不排除是本机收不到"
    shown = f"{names}{'等' if len(dark) > 3 else ''}"
    return f"{name}所带 {cause.of} {what}中有 {judged} {what[0]}在 {since} 前后一同无心跳（{shown}），{elsewhere}"


def _alone(outage: Outage, tree: Tree) -> str:
    name, since = outage.object.name, _clock(outage.started_at)
    parent = tree.things[outage.object_id].parent
    others = [thing for thing in tree.sites(parent or 0) if thing.pk != outage.object_id]
    heard = sum(thing.heard and thing.dark_since is None for thing in others)
    if outage.object.depends_on is None or not others:
        return f"{name}自 {since} 起无心跳，没有共用线路的站点可以对照"
    return f"{name}自 {since} 起无心跳，同在{outage.object.depends_on.name}上的其余 {len(others)} 个站点中 {heard} 个正常"
