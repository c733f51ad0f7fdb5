"""An order of 柳溪县 at any state, made through the commands only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from yuanjiao.items import commands
from yuanjiao.items.models import Item
from yuanjiao.items.rules import Answer, ItemKind, State, ThreeAnswers
from yuanjiao.simulation.cast import Cast

YES = ThreeAnswers(Answer(True, "已更换机顶盒"), Answer(True, "播放测试通过"), Answer(True, "村里已恢复收看"))
NO = ThreeAnswers(Answer(True, "已到场"), Answer(False, "仍不能播放"), Answer(False, "没有变化"))
PATH = [State.DRAFT, State.ISSUED, State.ACCEPTED, State.IN_PROGRESS, State.SUBMITTED, State.VERIFIED, State.CLOSED]


@pytest.fixture
def item_at(cast: Cast, at: datetime) -> Callable[[State], Item]:
    """item_at(State.SUBMITTED) gives a fresh item that has just reached that state."""

    def make(state: State) -> Item:
        worker, verifier, clerk = cast.actor("gongcheng"), cast.actor("xianguan"), cast.actor("rexian")
        item = commands.create_item(
            kind=ItemKind.WORK_ORDER, title="李村站点中断", division=cast.divisions["990101100200"],
            lead_unit=cast.units["DX-990101"], expected_result="恢复播放", by=clerk, at=at,
        )  # fmt: skip
        steps: list[Callable[[Item], Item]] = [
            lambda i: commands.issue_item(item=i, due_at=at + timedelta(hours=72), respond_due_at=at + timedelta(hours=8), by=clerk, at=at),
            lambda i: commands.accept_item(item=i, by=worker, at=at),
            lambda i: commands.start_item(item=i, by=worker, at=at),
            lambda i: commands.submit_item(item=i, result="更换机顶盒", by=worker, at=at),
            lambda i: commands.verify_item(item=i, answers=YES, by=verifier, at=at),
            lambda i: commands.close_item(item=i, by=verifier, at=at),
        ]
        for step in steps[: PATH.index(state)]:
            item = step(item)
        return item

    return make
