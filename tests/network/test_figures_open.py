"""Every figure of the page of rates opens to the sites behind it, also of the past and of ended divisions; tables go out as 台账."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from io import BytesIO

import openpyxl
import pytest
from django.core.management import call_command
from django.test import Client

from tests.network.listening import LIU
from tests.network.test_ruling_pages import OBSERVER, announce
from tests.network.test_ruling_pages import now as now
from yuanjiao.lib import clock
from yuanjiao.network import commands, queries
from yuanjiao.network.models import RateRuleVersion, State, StateChange
from yuanjiao.network.queries.behind import KINDS, fill_sites, sites_behind
from yuanjiao.network.queries.rates import SPLITS
from yuanjiao.people.rules import SYSTEM
from yuanjiao.places.models import Division
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
Enter = Callable[[str], Client]
HOUR = timedelta(hours=1)
CITY, COUNTY, TOWN = "990100000000", "990101000000", "990101100000"


@pytest.fixture
def broken(cast: Cast, now: datetime) -> datetime:
    """One site of 柳溪县 was dark from five to three hours ago, a second one was worked on for an hour of these, a third is suspended."""
    first, second, third = LIU[:3]
    StateChange.objects.filter(object=cast.sites[first].pk).update(until=now - 5 * HOUR)
    dark = {"last_heard_at": now - 5 * HOUR, "observer": OBSERVER}
    StateChange.objects.create(object=cast.sites[first], state=State.DOWN, at=now - 5 * HOUR, until=now - 3 * HOUR, seq=90, **dark)
    StateChange.objects.create(object=cast.sites[first], state=State.UP, at=now - 3 * HOUR, seq=91, observer=OBSERVER)
    announce(cast, second, now - 5 * HOUR, now - 4 * HOUR, now - 6 * HOUR)
    commands.suspend_object(subject=cast.sites[third], document="停字3号", by=SYSTEM, on=clock.local_day(now - 5 * HOUR), at=now)
    return now


def moment(at: datetime) -> str:
    return f"{at.astimezone(clock.CHINA):%Y-%m-%dT%H:%M}"


def sheet(answer: object) -> list[tuple[object, ...]]:
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    return list(openpyxl.load_workbook(BytesIO(content)).active.iter_rows(values_only=True))


@pytest.mark.clause("RPT16", "OPS11")
def test_every_figure_of_the_past_opens_as_many_sites_as_it_says(cast: Cast, broken: datetime, log_in: Enter) -> None:
    officer, then = log_in("xianguan"), broken - 4.5 * HOUR
    page = unescape(officer.get(f"/network/rates/?division={COUNTY}&at={moment(then)}").content.decode())
    rate = queries.rate_at(cast.divisions[COUNTY], then.replace(second=0))
    assert (rate.down, rate.maintenance, rate.suspended) == (1, 1, 1)
    for kind, count in (("down", 1), ("maintenance", 1)):
        (address,) = set(re.findall(rf'class="figure[^>]*href="([^"]*rates/sites/[^"]*show={kind})"', page))
        told = officer.get(address).content.decode()
        assert len(set(re.findall(r'href="/network/sites/([^"/]+)/"', told))) == count
    assert LIU[0] in officer.get(f"/network/rates/sites/?division={COUNTY}&at={moment(then)}&show=down").content.decode()
    assert log_in("linxian").get(f"/network/rates/sites/?division={COUNTY}&at={moment(then)}&show=down").status_code == 404


def test_the_sites_behind_a_rate_add_up_to_it_for_every_kind_and_every_value_of_every_split(cast: Cast, broken: datetime) -> None:
    division, start, end = cast.divisions[COUNTY], broken - 8 * HOUR, broken
    table = queries.rate_table(division, start, end)
    for kind in KINDS:
        rows = sites_behind(division, start, end, kind=kind)
        seconds = [getattr(row.rate, kind) for row in rows]
        assert (sum(seconds), seconds) == (getattr(table.whole, kind), sorted(seconds, reverse=True))
        assert all(seconds)
    for by in SPLITS:
        for one in table.splits[by]:
            assert sum(row.rate.up for row in sites_behind(division, start, end, split=by, key=one.key)) == one.rate.up
    rows = sites_behind(division, start, end)
    fill_sites(rows)
    assert {row.code for row in rows} == {one.code for one in queries.rates_by_site(division, start, end)}
    assert {row.place_name for row in rows} >= {"李村"}


def test_a_table_of_units_and_the_sites_behind_it_go_out_as_numbers_with_their_rule(cast: Cast, broken: datetime, log_in: Enter) -> None:
    day, leader = clock.local_day(broken), log_in("lingdao")
    rows = sheet(leader.get(f"/network/rates/?division={CITY}&from={day}&to={day}&export=xlsx"))
    head = next(row for row in rows if "畅通率" in row)
    values = next(dict(zip(head, row, strict=True)) for row in rows if "柳溪县" in row)
    rate = next(
        one.rate for one in queries.rates_by_child(cast.divisions[CITY], clock.day_start(day), broken) if one.division.code == COUNTY
    )
    assert abs(int(values["不通（秒）"]) - rate.down) <= 60  # the page's end is a little later
    assert {"已知", "下限", "上限", "故障率", "目标"} <= set(head)
    assert any("分钟内有心跳" in str(cell) for row in rows for cell in row), "the rule is printed beside every rate"
    rows = sheet(leader.get(f"/network/rates/sites/?division={CITY}&from={day}&to={day}&show=down&export=xlsx"))
    if rate.down:  # five hours ago may have been yesterday
        assert any(LIU[0] in row for row in rows)


@pytest.mark.clause("NET02")
def test_villages_without_a_site_go_out_with_their_codes_and_the_count_that_reconciles(cast: Cast, log_in: Enter) -> None:
    commands.retire_object(subject=cast.sites[LIU[0]], document="退字1号", by=SYSTEM, on=clock.today(), at=clock.now())
    rows = sheet(log_in("lingdao").get(f"/network/coverage/?division={COUNTY}&export=xlsx"))
    assert next(row for row in rows if "990101100200" in row)[1:5] == ("990101100200", "李村", "石桥镇", "柳溪县")
    assert any("村级区划 4 个，其中有在用站点 3 个，没有的 1 个" in str(cell) for row in rows for cell in row)


@pytest.mark.clause("NET05", "OPS11")
def test_a_division_that_has_ended_is_still_there_in_its_days(
    cast: Cast, broken: datetime, log_in: Enter, capsys: pytest.CaptureFixture[str]
) -> None:
    today, day = clock.local_day(broken), clock.local_day(broken) - timedelta(days=2)  # before the first of the rows, whatever hour it is
    Division.objects.filter(path__startswith=cast.divisions[TOWN].path).update(valid_to=today)
    leader, window = log_in("lingdao"), f"from={day}&to={day}"
    county = unescape(leader.get(f"/network/rates/?division={COUNTY}&{window}").content.decode())
    (address,) = set(re.findall(rf'href="(/network/rates/\?division={TOWN}[^"]*)"', county)) - {""}
    assert "石桥镇畅通率" in leader.get(address).content.decode()
    assert leader.get(f"/network/rates/sites/?division={TOWN}&{window}").status_code == 200
    assert leader.get(f"/network/rates/?division={TOWN}").status_code == 404, "today there is no such town"
    call_command("rates", "verify", "--division", TOWN, "--from", str(day), "--to", str(day + timedelta(days=1)))
    assert "石桥镇" in capsys.readouterr().out


@pytest.mark.clause("NET06")
def test_a_sites_page_prints_the_rules_of_its_days(cast: Cast, now: datetime, log_in: Enter) -> None:
    RateRuleVersion.objects.create(version=2, heartbeat_min=7, play_days=9, min_coverage=0.8, valid_from=clock.today(), document="试字1号")
    page = log_in("xianguan").get(f"/network/sites/{LIU[0]}/").content.decode()
    assert "规则第 1 版" in page
    assert "规则第 2 版" in page
