"""From beats that stop to an order that is closed: the network room's own findings, nothing written by hand."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.faults.conftest import YES
from tests.network.listening import ALL, LIU, Night
from yuanjiao.faults import commands, queries
from yuanjiao.faults.jobs import run_faults
from yuanjiao.faults.models import WorkOrder
from yuanjiao.items.rules import State
from yuanjiao.network.commands import record_play_test
from yuanjiao.simulation.cast import Cast


@pytest.mark.clause("NET08")
def test_a_silent_line_becomes_one_order_that_is_closed_after_a_play(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    night.passes(20, beating=set(ALL) - set(LIU[:2]))
    run_faults(night.now)
    assert not WorkOrder.objects.exists(), "patience"
    night.passes(15, beating=set(ALL) - set(LIU[:2]))
    run_faults(night.now)
    order = WorkOrder.objects.select_related("item__division", "subject__division").get()
    assert (order.subject.code, order.proposed_class, order.item.lead_unit) == ("L-990101100", "line", cast.units["DX-990101"])
    assert "石桥镇" in order.evidence
    assert queries.site_card(cast.sites[LIU[0]], at=night.now).order == order

    engineer, officer = cast.actor("gongcheng"), cast.actor("xianguan")
    order = commands.accept_order(order=order, by=engineer, at=night.now)
    order = commands.start_order(order=order, by=engineer, at=night.now)
    night.passes(3)
    order = commands.submit_order(order=order, fault_class="line", cause="line_cut", note="熔接", by=engineer, at=night.now)
    assert not queries.acceptance_check(order, at=night.now).passed, "beats alone are not a play"
    record_play_test(site=LIU[1], ok=True, step="", item="测试片", sent_at="", at=night.now)
    order = commands.verify_order(order=order, answers=YES, by=officer, at=night.now)
    order = commands.close_order(order=order, by=officer, at=night.now)
    assert (order.item.state, order.test_site_code) == (State.CLOSED, LIU[1])
    run_faults(night.now)
    assert WorkOrder.objects.count() == 1


@pytest.mark.clause("NET08")
def test_a_whole_edge_going_dark_is_one_order_for_the_edge(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    night.passes(35, beating=ALL[4:])
    run_faults(night.now)
    assert [(order.subject.code, order.proposed_class) for order in WorkOrder.objects.all()] == [("E-990101", "server")]
