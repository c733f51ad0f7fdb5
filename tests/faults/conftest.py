"""A small city in which things break: outages, play tests, reports and orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from yuanjiao.faults import commands
from yuanjiao.faults.jobs import run_faults
from yuanjiao.faults.models import FaultReport, WorkOrder
from yuanjiao.faults.rules import Channel
from yuanjiao.items.rules import Answer, State, ThreeAnswers
from yuanjiao.network.commands import record_play_test
from yuanjiao.network.models import ManagedObject, Outage
from yuanjiao.simulation.cast import Cast

YES = ThreeAnswers(Answer(True, "已更换机顶盒"), Answer(True, "播放测试通过"), Answer(True, "村里已恢复收看"))
NO = ThreeAnswers(Answer(True, "已到场"), Answer(False, "仍不能播放"), Answer(True, "图像有改善"))
LIN = "S-990101100200"
"""The site of 李村; its manager is 李春燕."""
CLASSES = {"edge": "server", "line": "line", "site": "equipment"}


@dataclass
class World:
    """The cast and what happens to it."""

    cast: Cast
    at: datetime

    def thing(self, code: str) -> ManagedObject:
        return ManagedObject.objects.select_related("division").get(code=code)

    def goes_dark(self, code: str, *, at: datetime | None = None, root: Outage | None = None, affected: int = 1) -> Outage:
        """An outage as the network room derives it."""
        thing, at = self.thing(code), at or self.at
        return Outage.objects.create(
            object=thing, started_at=at, started_lo=at, started_hi=at, detected_at=at, root=root,
            fault_class=CLASSES[thing.kind], affected_count=affected,
        )  # fmt: skip

    def plays(self, code: str, *, at: datetime, ok: bool = True) -> UUID:
        """The site tells of a play test."""
        return record_play_test(site=code, ok=ok, step="" if ok else "video", item="测试片", sent_at=at.isoformat(), at=at)

    def report(
        self, code: str = LIN, *, who: str = "zhanguan", channel: Channel = Channel.SITE_BUTTON, at: datetime | None = None
    ) -> FaultReport:
        return commands.report_fault(
            site=self.cast.sites[code], channel=channel, symptom="no_play", by=self.cast.actor(who), at=at or self.at
        )

    def order(self, state: State = State.ISSUED, code: str = LIN) -> WorkOrder:
        """An order of a reported site, walked on by the engineer."""
        report = self.report(code, who="xianguan", channel=Channel.OFFICER)
        run_faults(self.at)
        order = WorkOrder.objects.get(handlings__report=report)
        engineer, later = self.cast.actor("gongcheng"), self.at + timedelta(hours=1)
        if state in {State.ACCEPTED, State.IN_PROGRESS, State.SUBMITTED}:
            order = commands.accept_order(order=order, by=engineer, at=later)
        if state in {State.IN_PROGRESS, State.SUBMITTED}:
            order = commands.start_order(order=order, by=engineer, at=later)
        if state is State.SUBMITTED:
            order = self.submit(order, at=later)
        return order

    def submit(self, order: WorkOrder, *, at: datetime) -> WorkOrder:
        return commands.submit_order(
            order=order, fault_class="equipment", cause="equipment_age", note="更换机顶盒", by=self.cast.actor("gongcheng"), at=at
        )


@pytest.fixture
def world(cast: Cast, at: datetime) -> World:
    return World(cast, at)


Enter = Callable[[str], object]
