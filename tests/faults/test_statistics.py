"""Figures with the rows behind them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from tests.faults.conftest import LIN, YES, World
from yuanjiao.faults import commands, queries
from yuanjiao.faults.jobs import run_faults
from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.rules import Channel
from yuanjiao.items.rules import State
from yuanjiao.lib.clock import CHINA

HOUR = timedelta(hours=1)
MARCH = (datetime(2026, 3, 1, tzinfo=CHINA), datetime(2026, 4, 1, tzinfo=CHINA))
COUNTY = "990101000000"


def path(world: World, code: str = COUNTY) -> str:
    return world.cast.divisions[code].path


@pytest.mark.clause("OPS06")
def test_under_reporting_counts_roots_without_any_persons_report_and_lists_them(world: World) -> None:
    reported = world.goes_dark("L-990101100", affected=2)
    world.goes_dark(LIN, root=reported)
    silent = world.goes_dark("S-990101101200", at=world.at + HOUR)
    world.goes_dark("S-990102100200")
    world.goes_dark("S-990101101201", at=datetime(2026, 4, 2, tzinfo=UTC))
    world.report(LIN, at=world.at + HOUR)
    run_faults(world.at + 5 * HOUR)
    under = queries.under_reporting(path(world), *MARCH)
    assert (under.ratio.part, under.ratio.whole, under.ratio.value) == (1, 2, 0.5)
    assert [view.uid for view in under.unreported] == [silent.uid]
    assert queries.under_reporting(path(world, "990102000000"), *MARCH).ratio.value == 1.0
    assert queries.under_reporting(path(world), datetime(2026, 1, 1, tzinfo=CHINA), MARCH[0]).ratio.value is None


def test_a_report_that_came_before_the_outage_was_found_counts_once_the_order_has_the_outage(world: World) -> None:
    world.goes_dark(LIN)
    run_faults(world.at + HOUR)
    assert queries.under_reporting(path(world), *MARCH).ratio.part == 1
    world.report(LIN, at=world.at + 2 * HOUR)
    run_faults(world.at + 2 * HOUR)
    assert queries.under_reporting(path(world), *MARCH).ratio.part == 0


@pytest.mark.clause("OPS05")
def test_reported_faults_are_counted_by_month_and_channel(world: World) -> None:
    world.report(LIN, channel=Channel.SITE_BUTTON)
    world.report(LIN, who="rexian", channel=Channel.PHONE)
    world.report("S-990101101200", who="xianguan", channel=Channel.OFFICER, at=datetime(2026, 3, 31, 16, 30, tzinfo=UTC))
    world.report("S-990102100200", who="linxian", channel=Channel.OFFICER)
    world.goes_dark("E-990101")
    run_faults(world.at + HOUR)
    months = queries.reported_faults(path(world), MARCH[0], datetime(2026, 5, 1, tzinfo=CHINA))
    assert [month.month for month in months] == ["2026-03", "2026-04"]
    assert months[0].by_channel == {"热线电话": 1, "站点一键报修": 1, "网页": 0, "组织部门申报": 0, "系统自动": 1}
    assert months[1].by_channel["组织部门申报"] == 1, "the evening of 31 March in UTC is April in China"
    assert (months[0].people, months[0].total) == (2, 3)


@pytest.mark.clause("OPS09")
def test_the_pareto_of_causes_counts_handed_in_orders_of_the_county(world: World) -> None:
    world.order(State.SUBMITTED)
    bars = queries.cause_pareto(path(world), *MARCH)
    assert [(bar.code, bar.count, bar.cumulative) for bar in bars] == [("equipment_age", 1, 1.0)]
    assert queries.cause_pareto(path(world, "990102000000"), *MARCH) == []


@pytest.mark.clause("OPS07")
def test_filing_delays_list_the_slowest_first(world: World) -> None:
    world.goes_dark(LIN)
    world.goes_dark("S-990101101200")
    world.report(LIN, who="xianguan", channel=Channel.OFFICER, at=world.at + HOUR)
    world.report("S-990101101200", who="xianguan", channel=Channel.OFFICER, at=world.at + 26 * HOUR)
    run_faults(world.at + 27 * HOUR)
    rows = queries.filing_delays(path(world), *MARCH)
    assert [(row.report.site_code, row.filing_delay_s, row.is_late) for row in rows] == [
        ("S-990101101200", 26 * 3600, True),
        (LIN, 3600, False),
    ]


def test_the_summary_counts_what_was_kept_and_what_was_missed(world: World) -> None:
    order = world.order(State.SUBMITTED)
    world.plays(LIN, at=world.at + 2 * HOUR)
    order = commands.verify_order(order=order, answers=YES, by=world.cast.actor("xianguan"), at=world.at + 3 * HOUR)
    commands.close_order(order=order, by=world.cast.actor("xianguan"), at=world.at + 3 * HOUR)
    world.goes_dark("S-990101101200")
    run_faults(world.at + HOUR)
    summary = queries.orders_summary(path(world), *MARCH)
    assert (summary.opened, summary.closed, summary.still_open) == (2, 1, 1)
    assert (summary.in_time.part, summary.in_time.whole) == (1, 2)
    assert summary.by_class == {"服务器故障": 0, "线路故障": 0, "终端站点设备故障": 2}
    assert queries.colour_counts(WorkOrder.objects.all(), world.at + 500 * HOUR)["red"] == 1  # type: ignore[index]


@pytest.mark.clause("OPS06")
def test_the_page_shows_the_ratio_with_its_rule_and_the_list_behind_it(world: World, log_in: Callable[[str], Client]) -> None:
    world.goes_dark("S-990101101200")
    officer = log_in("xianguan")
    page = officer.get("/faults/statistics/", {"month": "2026-03"}).content.decode()
    assert "100.00%" in page
    assert "同一根源只计一次" in page
    listed = officer.get("/faults/unreported/", {"month": "2026-03"}).content.decode()
    assert "桃花村站点" in listed
    assert "导出台账" in listed
