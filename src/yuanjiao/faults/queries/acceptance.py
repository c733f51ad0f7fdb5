"""When a repair may be verified: a play test in the journal after the work began (story 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from yuanjiao.faults.models import WorkOrder
from yuanjiao.network.models import ManagedObject
from yuanjiao.network.queries import Play, affected_sites, passed_play_test_after, sites_in, state_now, upstream

SITES_ASKED = 500
"""How many dependent sites are looked through for a test; an edge with more has long passed one."""


@dataclass(frozen=True)
class AcceptanceCheck:
    """Whether the order's own acceptance test is passed, by which play, and what is missing otherwise."""

    passed: bool
    play: Play | None
    site: ManagedObject | None
    missing: str


def acceptance_check(order: WorkOrder, *, at: datetime) -> AcceptanceCheck:
    """Equipment: the site itself has played. Line: a site behind it has. Server: that, and the edge is not down now."""
    if order.item.started_at is None:
        return AcceptanceCheck(False, None, None, "尚未开始处理")
    since = order.item.started_at.replace(microsecond=0)  # play tests are kept to the second
    if order.subject.kind == "edge" and state_now([order.subject_id], at=at)[order.subject_id].state == "down":
        return AcceptanceCheck(False, None, None, f"{order.subject.name} 目前仍不通")
    sites = testing_sites(order)
    if not sites:
        return AcceptanceCheck(False, None, None, f"{order.subject.name} 下没有站点，无法以播放测试核实")
    for site in sites:
        play = passed_play_test_after(site, since)
        if play is not None:
            return AcceptanceCheck(True, play, site, "")
    where = sites[0].name if len(sites) == 1 else f"受影响的 {len(sites)} 个站点中任一个"
    return AcceptanceCheck(False, None, None, f"等待{where}的播放测试：开始处理以后还没有播放成功的记录")


def testing_sites(order: WorkOrder) -> Sequence[ManagedObject]:
    """The sites whose play can show the repair: the object itself, those its outage darkened, else those behind it."""
    if order.subject.kind == "site":
        return [order.subject]
    darkened = list(affected_sites(order.outage.uid)[:SITES_ASKED]) if order.outage else []
    return darkened or _sites_behind(order.subject)


def _sites_behind(subject: ManagedObject) -> list[ManagedObject]:
    near = sites_in([subject.division.path])[:SITES_ASKED]
    return [site for site in near if any(above.pk == subject.pk for above in upstream(site))]
