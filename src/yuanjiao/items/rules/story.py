"""An item's life as Chinese sentences: who, when, what, why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from yuanjiao.items.rules.machine import ACT_NAMES, Act, ItemKind

OTHER_ACT_NAMES: dict[Act, str] = {Act.ISSUE: "交办"}
"""Where a plan, task or problem is spoken of otherwise than an order."""
OTHER_STATE_NAMES: dict[str, str] = {"draft": "待交办"}


def act_name(act: str, kind: str) -> str:
    """What the act is called for this kind of item; the first line of a story has none and is the entry itself."""
    if not act:
        return "登记"
    named = Act(act)
    return ACT_NAMES[named] if kind == ItemKind.WORK_ORDER else OTHER_ACT_NAMES.get(named, ACT_NAMES[named])


@dataclass(frozen=True)
class Told:
    """One step as its sentence needs it. Times are aware; `unit` is the owner unit of that moment."""

    act: str
    kind: str
    by: str
    unit: str
    at: datetime
    reason: str = ""
    due_before: datetime | None = None
    due_after: datetime | None = None


def sentence(step: Told, zone: tzinfo) -> str:
    """One line of the story: 2026年3月2日 16:00，周小兰派单给柳溪县电信分公司，要求3月5日 16:00前办结。"""
    said = f"{when(step.at, zone)}，{step.by}{_doing(step, zone)}"
    return f"{said}：{step.reason.rstrip('。')}。" if step.reason.strip() else f"{said}。"


def when(at: datetime, zone: tzinfo, *, year: bool = True) -> str:
    """A moment as people write it."""
    local = at.astimezone(zone)
    day = f"{local.month}月{local.day}日 {local:%H:%M}"
    return f"{local.year}年{day}" if year else day


def _doing(step: Told, zone: tzinfo) -> str:
    name = act_name(step.act, step.kind)
    if step.act == Act.ISSUE:
        return f"{name}给{step.unit}{_until(step, zone)}"
    if step.act == Act.REOPEN:
        return f"{name}，由{step.unit}再办{_until(step, zone)}"
    if step.act == Act.EXTEND and step.due_before and step.due_after:
        return f"同意延期，时限由{when(step.due_before, zone, year=False)}改为{when(step.due_after, zone, year=False)}"
    return name


def _until(step: Told, zone: tzinfo) -> str:
    return f"，要求{when(step.due_after, zone, year=False)}前办结" if step.due_after else ""


def changed_since(sentences: Iterable[str], seen: int) -> list[str]:
    """The sentences that somebody who saw the first `seen` of them does not know."""
    return list(sentences)[max(seen, 0) :]
