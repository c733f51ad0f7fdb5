"""Maintenance, suspensions, targets and rule versions on the pages: announced by document, shown beside every rate, kept out of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.network.listening import LIU
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network import commands, queries
from yuanjiao.network.models import ListeningMark, MaintenanceWindow, Placement, PlayTest, RateRuleVersion, State, StateChange
from yuanjiao.network.rules import RULE
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import SYSTEM
from yuanjiao.simulation.cast import SINCE, Cast

pytestmark = pytest.mark.django_db
Enter = Callable[[str], Client]
OBSERVER = "00000000-0000-7000-8000-000000000001"
HOUR = timedelta(hours=1)


@pytest.fixture
def now(cast: Cast) -> datetime:
    """Ten hours in which every site was up, until now."""
    now = clock.now().replace(microsecond=0)
    ListeningMark.objects.create(observer=OBSERVER, at=now)
    for number, site in enumerate(cast.sites.values()):
        StateChange.objects.create(object=site, state=State.UP, at=now - 10 * HOUR, observer=OBSERVER, seq=number)
        PlayTest.objects.create(site=site, at=now - 11 * HOUR, ok=True, observer=OBSERVER)
    return now


def announce(cast: Cast, code: str, start: datetime, end: datetime, at: datetime, **more: object) -> MaintenanceWindow:
    subject = queries.object_by_code(code)
    told = {"document": "检字〔2026〕5号", "by": SYSTEM, "at": at} | more
    return commands.announce_maintenance(subject=subject, start=start, end=end, **told)  # type: ignore[arg-type]  # names of the command


def test_work_on_a_line_is_set_apart_for_all_its_sites_and_stands_beside_the_rate(cast: Cast, now: datetime) -> None:
    announce(cast, "L-990101100", now - 4 * HOUR, now - 2 * HOUR, now - 5 * HOUR)
    rate = queries.rate_over(cast.divisions["990101000000"], now - 10 * HOUR, now)
    assert (rate.maintenance, rate.up, rate.population) == (2 * 2 * 3600, (4 * 10 - 2 * 2) * 3600, 4)
    assert queries.maintenance_at([cast.sites[LIU[0]].pk, cast.sites["S-990102100200"].pk], now - 3 * HOUR).keys() == {
        cast.sites[LIU[0]].pk
    }
    assert queries.maintenance_at([cast.sites[LIU[0]].pk], now) == {}


def test_work_is_announced_before_it_begins_by_document_and_urgent_work_says_why(cast: Cast, now: datetime) -> None:
    for wrong, why in (
        ({"document": " "}, "通知文号"),
        ({"start": now - HOUR}, "开始之前"),
        ({"start": now - HOUR, "urgent": True}, "事由"),
        ({"start": now - 30 * HOUR, "urgent": True, "reason": "抢修"}, "24 小时"),
        ({"end": now}, "晚于"),
        ({"end": now + 40 * 24 * HOUR}, "停用"),
    ):
        asked = {"start": now + HOUR, "end": now + 3 * HOUR, "at": now} | wrong
        with pytest.raises(Refused, match=why):
            announce(cast, "L-990101100", **asked)  # type: ignore[arg-type]
    announce(cast, "L-990101100", now - HOUR, now + HOUR, now, urgent=True, reason="光缆被挖断")
    with pytest.raises(Conflict):
        announce(cast, "L-990101100", now, now + 2 * HOUR, now - HOUR)


def test_an_outsider_announces_nothing_for_another_county(cast: Cast, now: datetime) -> None:
    with pytest.raises(NotFound):
        announce(cast, "L-990101100", now + HOUR, now + 2 * HOUR, now, by=cast.actor("linxian"))


def test_a_cancelled_window_counts_until_it_was_cancelled(cast: Cast, now: datetime) -> None:
    window = announce(cast, LIU[0], now - 2 * HOUR, now + HOUR, now - 3 * HOUR)
    commands.cancel_maintenance(window=window, by=SYSTEM, at=now - HOUR)
    assert queries.rate_over("/", now - 10 * HOUR, now).maintenance == 3600
    with pytest.raises(Conflict):
        commands.cancel_maintenance(window=window, by=SYSTEM, at=now)
    coming = announce(cast, LIU[1], now + HOUR, now + 2 * HOUR, now)
    commands.cancel_maintenance(window=coming, by=SYSTEM, at=now)
    assert queries.maintenance_at([cast.sites[LIU[1]].pk], now + HOUR) == {}


def test_the_pages_announce_list_and_cancel(cast: Cast, now: datetime, log_in: Enter) -> None:
    officer = log_in("xianguan")
    told = {
        "subject": "L-990101100",
        "start": f"{(now + HOUR).astimezone(clock.CHINA):%Y-%m-%dT%H:%M}",
        "end": f"{(now + 3 * HOUR).astimezone(clock.CHINA):%Y-%m-%dT%H:%M}",
        "document": "检字〔2026〕6号",
    }
    refused = officer.post("/network/maintenance/new/", told | {"document": ""})
    assert refused.status_code == 400
    made = officer.post("/network/maintenance/new/", told, follow=True).content.decode()
    assert "涉及 2 个站点" in made
    listing = officer.get("/network/maintenance/?when=coming").content.decode()
    assert "检字〔2026〕6号" in listing
    assert "石桥镇接入线路" in listing
    window = MaintenanceWindow.objects.get()
    stranger = log_in("linxian")
    assert "检字〔2026〕6号" not in stranger.get("/network/maintenance/").content.decode()
    assert stranger.get(f"/network/maintenance/{window.uid}/").status_code == 404
    assert stranger.post(f"/network/maintenance/{window.uid}/cancel/").status_code == 404
    officer.post(f"/network/maintenance/{window.uid}/cancel/")
    assert "已撤销" in officer.get(f"/network/maintenance/{window.uid}/").content.decode()
    assert set(AuditRow.objects.filter(actor_name="赵敏芝").values_list("action", flat=True)) >= {"登记检修", "撤销检修"}


@pytest.mark.clause("OPS19")
def test_a_site_leaves_the_denominator_on_its_page_by_a_document_and_the_list_shows_it(cast: Cast, now: datetime, log_in: Enter) -> None:
    admin, code = log_in("shiguan"), LIU[0]
    today = clock.today()
    assert f'value="{today:%Y-%m-%d}"' in admin.get(f"/network/objects/{code}/").content.decode(), "today is filled in as browsers read it"
    without = admin.post(f"/network/objects/{code}/turn/", {"turn": "suspend", "on": today, "document": ""})
    assert without.status_code == 400
    assert "依据文件" in without.content.decode()
    admin.post(f"/network/objects/{code}/turn/", {"turn": "suspend", "on": today, "document": "停字〔2026〕9号"})
    assert Placement.objects.get(object__code=code, valid_to=None).lifecycle == "suspended"
    listing = admin.get("/network/suspended/").content.decode()
    assert "停字〔2026〕9号" in listing
    assert f"{today:%Y-%m-%d}" in listing
    assert queries.rate_at("/", now).excluded == 1
    admin.post(f"/network/objects/{code}/turn/", {"turn": "resume", "on": today})
    assert "停字〔2026〕9号" not in admin.get("/network/suspended/").content.decode()
    assert log_in("xianguan").post(f"/network/objects/{code}/turn/", {"turn": "suspend", "on": today}).status_code == 403


def test_a_site_moves_on_its_page(cast: Cast, now: datetime, log_in: Enter) -> None:
    admin, code = log_in("shiguan"), LIU[0]
    wrong = admin.post(f"/network/objects/{code}/move/", {"division": "990109999999", "on": clock.today()})
    assert wrong.status_code == 400
    admin.post(f"/network/objects/{code}/move/", {"division": "990102100200", "on": clock.today()})
    page = admin.get(f"/network/objects/{code}/").content.decode()
    assert "高坪村" in page
    assert "李村" in page


@pytest.mark.clause("NET05")
def test_a_target_is_inherited_dated_and_shown_beside_the_rate(cast: Cast, now: datetime, log_in: Enter) -> None:
    admin = log_in("shiguan")
    today, city = clock.today(), cast.divisions["990100000000"]
    admin.post("/network/rulings/target/", {"division": city.code, "value": "98.5", "on": today, "document": "青组发〔2026〕1号"})
    commands.set_target(division=cast.divisions["990102000000"], value=0.9, on=today, document="岭组发1号", by=SYSTEM, at=now)
    whole, children = queries.rate_and_children(city, now)
    assert whole.target is not None
    assert (whole.target.value, whole.target.document) == (0.985, "青组发〔2026〕1号")
    told = {child.division.name: (child.rate.target.value, child.rate.target.division) for child in children if child.rate.target}
    assert told == {"柳溪县": (0.985, "青禾市"), "石岭县": (0.9, "石岭县")}
    assert queries.target_of(city, clock.day_start(today) - HOUR) is None
    page = admin.get("/network/rates/").content.decode()
    assert "目标 98.50%（青禾市）" in page
    assert "青组发〔2026〕1号" in admin.get("/network/rulings/").content.decode()
    again = admin.post("/network/rulings/target/", {"division": city.code, "value": "99", "on": today, "document": "青组发2号"})
    assert again.status_code == 400


@pytest.mark.clause("NET06")
def test_a_new_version_of_the_rule_counts_from_its_day_and_both_are_printed(cast: Cast, now: datetime, log_in: Enter) -> None:
    admin, today = log_in("shiguan"), clock.today()
    coming = {"heartbeat_min": 10, "play_days": 7, "min_coverage": 80, "document": "青组发〔2026〕3号"}
    assert admin.post("/network/rulings/rule/", coming | {"on": today}).status_code == 400, "published figures stay as they are"
    admin.post("/network/rulings/rule/", coming | {"on": today + timedelta(days=1)})
    row = RateRuleVersion.objects.get()
    assert (row.version, row.heartbeat_min, row.min_coverage) == (2, 10, 0.8)
    assert queries.rule_on(today) == RULE
    assert queries.rule_on(today + timedelta(days=1)).version == 2
    RateRuleVersion.objects.update(valid_from=today)
    page = admin.get(f"/network/rates/?from={today - timedelta(days=1)}&to={today}").content.decode()
    assert "规则第 1 版" in page
    assert "规则第 2 版" in page


@pytest.mark.clause("NET05", "OPS11")
def test_the_page_of_rates_shows_a_past_moment_with_bounds_and_known_share(cast: Cast, now: datetime, log_in: Enter) -> None:
    then = (now - 2 * HOUR).astimezone(clock.CHINA)
    StateChange.objects.filter(object=cast.sites[LIU[0]].pk).update(until=now - 3 * HOUR)
    StateChange.objects.create(
        object=cast.sites[LIU[0]], state=State.DOWN, at=now - 3 * HOUR, last_heard_at=now - 3 * HOUR, observer=OBSERVER, seq=99
    )
    page = log_in("shiguan").get(f"/network/rates/?division=990101000000&at={then:%Y-%m-%dT%H:%M}").content.decode()
    assert "故障率 25.00%" in page
    assert "75.00%" in page
    assert "不明全算不通" in page
    assert "按所属项目" not in page, "no site names a programme"
    assert log_in("shiguan").get("/network/rates/?at=2099-01-01T00:00").status_code == 400
    assert re.search(r"石桥镇.*?50\.00%", page, re.S)


@pytest.mark.clause("NET03", "NET04")
def test_every_rate_splits_by_kind_mode_land_and_programme(cast: Cast, now: datetime, log_in: Enter) -> None:
    site = cast.sites[LIU[0]]
    site.programmes = "党员远教、农村中小学远教"
    site.save(update_fields=["programmes"])
    table = queries.rate_table(cast.divisions["990101000000"], now - HOUR, now)
    assert {one.key for one in table.splits["programme"]} == {"党员远教", "农村中小学远教"}
    for by in ("site_kind", "access_mode", "urban_rural"):
        assert sum(one.rate.known for one in table.splits[by]) == table.whole.known
    page = log_in("xianguan").get("/network/rates/?division=990101000000").content.decode()
    for title in ("按站点类型", "按接入方式", "按城乡", "按所属项目"):
        assert title in page


def test_the_day_everything_began_has_a_page(cast: Cast, log_in: Enter) -> None:
    """A day before any beat, and a day before the register: no number, and the page says why."""
    for day in (SINCE, SINCE - timedelta(days=400)):
        page = log_in("shiguan").get(f"/network/rates/?from={day}&to={day}")
        assert page.status_code == 200
        assert "—" in page.content.decode()
