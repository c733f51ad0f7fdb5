"""The job that opens orders: it asks no more of the database because many are dark, and loses nobody's report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.faults.conftest import LIN, World
from yuanjiao.faults import commands, jobs
from yuanjiao.faults.jobs import open_orders_for_outages, run_faults, take_up_left_reports, take_up_reports
from yuanjiao.faults.models import FaultReport, ReportHandling, ServiceTerm, WorkOrder
from yuanjiao.faults.queries.reports import newly_pending

MINUTE = timedelta(minutes=1)
OTHERS = ("S-990101100201", "S-990101101200", "S-990101101201")


def asked(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        work()
    return len(queries)


def test_what_waits_for_its_patience_costs_no_query_of_its_own(world: World) -> None:
    commands.ensure_dictionaries()
    nothing = asked(lambda: run_faults(world.at))
    for code in (LIN, *OTHERS):
        world.goes_dark(code)
    assert asked(lambda: run_faults(world.at + 10 * MINUTE)) == nothing
    assert WorkOrder.objects.count() == 0


def test_what_has_its_order_costs_no_query_of_its_own(world: World) -> None:
    commands.ensure_dictionaries()
    nothing = asked(lambda: run_faults(world.at))
    for code in (LIN, *OTHERS):
        world.goes_dark(code)
    assert open_orders_for_outages(world.at + 31 * MINUTE) == 4
    assert asked(lambda: run_faults(world.at + 32 * MINUTE)) == nothing


def test_a_longer_patience_of_one_kind_is_kept(world: World) -> None:
    commands.ensure_dictionaries()
    ServiceTerm.objects.filter(fault_class="equipment").update(patience_minutes=120)
    world.goes_dark(LIN)
    world.goes_dark("E-990101")
    assert open_orders_for_outages(world.at + 31 * MINUTE) == 1
    assert open_orders_for_outages(world.at + 119 * MINUTE) == 0
    assert open_orders_for_outages(world.at + 120 * MINUTE) == 1


def test_a_storm_gets_its_orders_over_some_turns_the_oldest_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ORDERS_PER_TURN", 1)
    monkeypatch.setattr(jobs, "TOGETHER", 1)
    for number, code in enumerate((LIN, *OTHERS)):
        world.goes_dark(code, at=world.at - number * MINUTE)
    then = world.at + 60 * MINUTE
    assert [open_orders_for_outages(then) for _ in range(5)] == [1, 1, 1, 1, 0]
    assert list(WorkOrder.objects.order_by("pk").values_list("subject__code", flat=True)) == [*reversed(OTHERS), LIN]


def test_a_report_left_behind_by_many_newer_ones_has_its_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.report(LIN, who="xianguan")
    newer = world.report("S-990101100201", who="xianguan")
    commands.take_up_report(report=newer, by=world.cast.actor("rexian"), at=world.at)
    monkeypatch.setattr(jobs, "newly_pending", lambda: newly_pending(behind=0))
    assert take_up_reports(world.at) == 0
    assert take_up_left_reports(world.at) == 1
    assert ReportHandling.objects.count() == FaultReport.objects.count() == 2
