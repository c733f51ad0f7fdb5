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
from yuanjiao.network.models import Outage

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


def test_a_report_from_behind_a_silent_edge_belongs_to_the_outage_of_the_edge(world: World) -> None:
    edge = world.goes_dark("E-990101")
    world.report(LIN)
    run_faults(world.at + HOUR)
    (order,) = WorkOrder.objects.all()
    assert order.outage == edge
    assert queries.under_reporting(path(world), *MARCH).ratio.part == 0


@pytest.mark.clause("OPS05")
def test_reported_faults_are_counted_by_month_and_channel(world: World) -> None:
    world.report(LIN, channel=Channel.SITE_BUTTON)
    world.report(LIN, who="rexian", channel=Channel.PHONE)
    world.report("S-990101101200", who="xianguan", channel=Channel.OFFICER, at=datetime(2026, 3, 31, 16, 30, tzinfo=UTC))
    world.report("S-990102100200", who="linxian", channel=Channel.OFFICER)
    world.goes_dark("L-990101101")
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


@pytest.mark.clause("OPS06")
def test_a_call_on_the_morning_after_counts_for_the_outage_of_the_night(world: World) -> None:
    night = world.goes_dark(LIN)
    Outage.objects.filter(pk=night.pk).update(ended_at=world.at + 3 * HOUR)
    world.report(LIN, at=world.at + 10 * HOUR)
    run_faults(world.at + 10 * HOUR)
    assert queries.under_reporting(path(world), *MARCH).ratio.part == 0
    assert queries.only_people_saw(path(world), *MARCH) == []


def test_a_call_two_days_later_speaks_of_something_else(world: World) -> None:
    night = world.goes_dark(LIN)
    Outage.objects.filter(pk=night.pk).update(ended_at=world.at + 3 * HOUR)
    late = world.report(LIN, at=world.at + 48 * HOUR)
    run_faults(world.at + 48 * HOUR)
    assert queries.under_reporting(path(world), *MARCH).ratio.part == 1
    assert [row.report for row in queries.only_people_saw(path(world), *MARCH)] == [late]


def test_a_report_of_a_site_counts_for_the_root_that_darkened_it(world: World) -> None:
    root = world.goes_dark("L-990101100", affected=2)
    child = world.goes_dark(LIN, root=root)
    Outage.objects.filter(pk__in=[root.pk, child.pk]).update(ended_at=world.at + HOUR)
    world.report(LIN, at=world.at + 2 * HOUR)
    run_faults(world.at + 2 * HOUR)
    assert queries.under_reporting(path(world), *MARCH).ratio.part == 0


def test_a_bad_picture_is_no_matter_of_outages(world: World) -> None:
    commands.report_fault(
        site=world.cast.sites[LIN], channel=Channel.SITE_BUTTON, symptom="picture_sound", by=world.cast.actor("zhanguan"), at=world.at
    )
    run_faults(world.at)
    assert queries.only_people_saw(path(world), *MARCH) == []


@pytest.mark.clause("OPS06")
def test_both_lists_are_crossed_and_the_unseen_faults_estimated(world: World) -> None:
    world.goes_dark(LIN)
    world.goes_dark("S-990101101200")
    world.report(LIN, at=world.at + HOUR)
    world.report("S-990101101201", who="xianguan", channel=Channel.OFFICER, at=world.at + HOUR)
    world.report("S-990101101201", who="xianguan", channel=Channel.OFFICER, at=world.at + 2 * HOUR)
    run_faults(world.at + 3 * HOUR)
    found = queries.faults_nobody_saw(path(world), *MARCH)
    assert (found.seen.both, found.seen.only_monitor, found.seen.only_people) == (1, 1, 1), "two reports of one fault are one"
    assert found.estimate is not None
    assert found.estimate.total == pytest.approx(3.5)
    assert found.estimate.rough
    assert [(row.name, row.saw, row.alone) for row in found.lists] == [
        ("监测", 2, 1), ("站点、网页自报", 1, 0), ("热线电话", 0, 0), ("组织部门申报", 1, 1)
    ]  # fmt: skip
    assert found.bound is None, "two lists share faults, not three"


@pytest.mark.clause("OPS05", "OPS06")
def test_every_way_by_which_faults_become_known_is_a_list_of_its_own(world: World) -> None:
    others = ("S-990101100201", "S-990101101200", "S-990101101201")
    for code in (LIN, *others[:2]):
        world.goes_dark(code)
    world.report(LIN, at=world.at + HOUR)
    world.report(LIN, who="rexian", channel=Channel.PHONE, at=world.at + HOUR)
    world.report(others[0], who="xianguan", channel=Channel.OFFICER, at=world.at + HOUR)
    world.report(others[2], who="rexian", channel=Channel.PHONE, at=world.at + HOUR)
    world.report(others[2], who="xianguan", channel=Channel.OFFICER, at=world.at + 2 * HOUR)
    run_faults(world.at + 3 * HOUR)
    found = queries.faults_nobody_saw(path(world), *MARCH)
    assert [(row.saw, row.alone) for row in found.lists] == [(3, 1), (1, 0), (2, 0), (2, 0)]
    assert found.bound is not None
    assert found.bound.low >= found.seen.known == 4
    assert found.bound.rough


@pytest.mark.clause("OPS06")
def test_months_and_places_of_under_reporting_agree_with_the_single_ratio(world: World) -> None:
    world.goes_dark(LIN)
    world.goes_dark("S-990101101200", at=world.at + HOUR)
    world.goes_dark("S-990102100200", at=datetime(2026, 3, 31, 17, tzinfo=UTC))
    world.report(LIN, at=world.at + HOUR)
    run_faults(world.at + 2 * HOUR)
    paths = [path(world), path(world, "990102000000")]
    april = datetime(2026, 5, 1, tzinfo=CHINA)
    rows = {row.path: row.months for row in queries.under_reporting_by_month(paths, MARCH[0], april)}
    for place in paths:
        assert rows[place]["2026-03"] == queries.under_reporting(place, *MARCH).ratio
        assert rows[place]["2026-04"] == queries.under_reporting(place, MARCH[1], april).ratio
    assert (rows[paths[0]]["2026-03"].part, rows[paths[0]]["2026-03"].whole) == (1, 2)
    assert (rows[paths[1]]["2026-04"].part, rows[paths[1]]["2026-04"].whole) == (1, 1)


@pytest.mark.clause("OPS07")
def test_delays_are_medians_and_ranks_with_the_share_past_the_limit(world: World) -> None:
    world.goes_dark(LIN)
    world.goes_dark("S-990101101200")
    world.report(LIN, who="xianguan", channel=Channel.OFFICER, at=world.at + HOUR)
    world.report("S-990101101200", who="xianguan", channel=Channel.OFFICER, at=world.at + 26 * HOUR)
    run_faults(world.at + 27 * HOUR)
    found = queries.delays_by_place([path(world), path(world, "990102000000")], *MARCH)
    here = found[path(world)]
    assert (here.median_s, here.tenth_slowest_s) == (3600, 26 * 3600)
    assert (here.late.part, here.late.whole) == (1, 2)
    assert found[path(world, "990102000000")].median_s is None


@pytest.mark.clause("RPT12")
def test_every_figure_of_the_page_has_its_cut_off_its_count_its_share_and_opens(world: World, log_in: Callable[[str], Client]) -> None:
    world.goes_dark(LIN)
    world.goes_dark("S-990101101200")
    world.report(LIN, at=world.at + HOUR)
    run_faults(world.at + 2 * HOUR)
    officer = log_in("xianguan")
    page = officer.get("/faults/statistics/", {"month": "2026-03"}).content.decode()
    assert "截至 2026-" in page
    assert "50.00%" in page
    assert "1 / 2" in page
    assert "95% 区间" in page
    assert "两种途径互不影响" in page
    for address in ("/faults/unreported/", "/faults/people-only/", "/faults/delays/"):
        assert address in page
        assert officer.get(address, {"month": "2026-03"}).status_code == 200
    assert "李村" in officer.get("/faults/delays/", {"month": "2026-03"}).content.decode()
