"""Plans beside the register of the small city: what is counted, what is refused, who sees it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.network.commands import add_asset, record_play_test, suspend_object
from yuanjiao.network.models import Lifecycle, Site
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import SYSTEM
from yuanjiao.plans import commands, queries
from yuanjiao.plans.models import BuildPlan, LentFacility, Outlet
from yuanjiao.plans.rules import Measure
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
LIN, WANG, GAOPING = "S-990101100200", "S-990101100201", "S-990102100200"
COUNTY, TOWN = "990101000000", 4
DAY = timedelta(days=1)
DUE = date(2027, 12, 31)


def plan(cast: Cast, at: datetime, who: str = "xianguan") -> BuildPlan:
    targets = [(Measure.KIND, "village", 5), (Measure.CAPABILITY, "综合信息服务站", 2)]
    return commands.add_build_plan(
        title="2027 年建设计划", division=cast.divisions[COUNTY], document="柳组〔2027〕3 号", due_on=DUE,
        targets=targets, by=cast.actor(who), at=at,
    )  # fmt: skip


@pytest.mark.clause("NET10")
def test_a_plan_shows_built_accepted_and_remaining(cast: Cast, at: datetime) -> None:
    Site.objects.filter(code=LIN).update(lifecycle=Lifecycle.BUILT)
    lines = queries.plan_lines(plan(cast, at))
    assert [(line.title, line.progress.built, line.progress.accepted, line.progress.remaining) for line in lines] == [
        ("行政村", 4, 3, 2),
        ("综合信息服务站", 0, 0, 2),
    ]


@pytest.mark.clause("NET11")
def test_a_new_service_is_a_capability_of_a_site_not_another_site(cast: Cast, at: datetime) -> None:
    made, before = plan(cast, at), Site.objects.count()
    Site.objects.filter(code=LIN).update(capabilities="综合信息服务站、远程医疗")
    assert queries.plan_lines(made)[1].progress.accepted == 1
    assert Site.objects.count() == before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"due_on": date(2026, 3, 1)}, "已经过去"),
        ({"document": " "}, "依据"),
        ({"targets": []}, "至少要有一项"),
        ({"targets": [(Measure.KIND, "镇上", 3)]}, "没有“镇上”"),
        ({"targets": [(Measure.CAPABILITY, "书屋", 3), (Measure.CAPABILITY, "书屋", 4)]}, "写了两次"),
    ],
)
def test_a_plan_that_says_nothing_is_refused(cast: Cast, at: datetime, changed: dict[str, object], words: str) -> None:
    said: dict[str, object] = {"title": "计划", "division": cast.divisions[COUNTY], "document": "文", "due_on": DUE}
    said |= {"targets": [(Measure.KIND, "village", 3)], "by": cast.actor("xianguan"), "at": at}
    with pytest.raises(Refused, match=words):
        commands.add_build_plan(**(said | changed))  # type: ignore[arg-type]
    assert not BuildPlan.objects.exists()


def test_the_outsider_plans_nothing_and_sees_nothing(cast: Cast, at: datetime, log_in: LogIn) -> None:
    with pytest.raises(NotFound):
        plan(cast, at, "linxian")
    with pytest.raises(Forbidden):
        plan(cast, at, "rexian")
    plan(cast, at)
    assert "2027 年建设计划" in log_in("xianguan").get("/plans/").content.decode()
    assert "2027 年建设计划" not in log_in("linxian").get("/plans/").content.decode()


@pytest.mark.clause("NET13")
def test_coverage_counts_places_and_looks_ahead(cast: Cast, at: datetime) -> None:
    target = commands.add_coverage_target(
        division=cast.divisions["990100000000"], level=5, urban_only=False, due_on=DUE, document="市办〔2026〕1 号",
        by=cast.actor("shiguan"), at=at,
    )  # fmt: skip
    Site.objects.filter(code=LIN).update(in_service_on=at.date() - 10 * DAY)
    Site.objects.filter(code=GAOPING).update(lifecycle=Lifecycle.PLANNED)
    found = queries.coverage_progress(target, on=at.date())
    assert (found.wanted, found.covered, found.forecast.gained) == (5, 4, 1)
    assert [place.name for place in found.uncovered] == ["高坪村"]
    assert found.forecast.reached_on == at.date() + 180 * DAY
    with pytest.raises(Conflict):
        commands.add_coverage_target(
            division=cast.divisions["990100000000"], level=5, urban_only=False, due_on=DUE, document="再来",
            by=cast.actor("shiguan"), at=at,
        )  # fmt: skip


@pytest.mark.clause("NET14")
def test_an_upgrade_is_accepted_by_a_play_test_and_by_nothing_else(cast: Cast, at: datetime) -> None:
    officer, site = cast.actor("xianguan"), cast.sites[LIN]
    record_play_test(site=LIN, ok=True, step="", item="片", sent_at="1", at=at - DAY)
    row = commands.plan_upgrade(site=site, to_mode="pc", work="", planned_on=DUE, cost_cents=123_456, document="", by=officer, at=at)
    assert (row.from_mode, row.to_mode) == ("broadband_stb", "pc")
    with pytest.raises(Refused, match="没有登记完工"):
        commands.accept_upgrade(upgrade=row, by=officer, at=at)
    commands.finish_upgrade(upgrade=row, by=officer, at=at)
    with pytest.raises(Refused, match="没有播放成功"):
        commands.accept_upgrade(upgrade=row, by=officer, at=at)
    play = record_play_test(site=LIN, ok=True, step="", item="片", sent_at="2", at=at + DAY)
    commands.accept_upgrade(upgrade=row, by=officer, at=at + DAY)
    row.refresh_from_db()
    assert (row.accepted_at, row.play_test) == (at + DAY, play)


def test_one_open_upgrade_a_site(cast: Cast, at: datetime) -> None:
    said = {"site": cast.sites[LIN], "to_mode": "pc", "work": "", "planned_on": DUE, "cost_cents": 0, "document": ""}
    commands.plan_upgrade(**said, by=cast.actor("xianguan"), at=at)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        commands.plan_upgrade(**said, by=cast.actor("xianguan"), at=at)  # type: ignore[arg-type]


@pytest.mark.clause("OPS19")
def test_the_renewal_list_proposes_and_only_a_decision_takes_a_site_out(cast: Cast, at: datetime, log_in: LogIn) -> None:
    for code, kind, bought, place in (
        ("A-1", "机顶盒", date(2019, 1, 1), LIN), ("A-2", "机顶盒", date(2025, 1, 1), WANG), ("A-3", "电视机", date(2010, 1, 1), LIN),
    ):  # fmt: skip
        add_asset(code=code, kind=kind, place=cast.sites[place], purchased_on=bought)
    assert [row.code for row in queries.renewals(["/"], on=at.date())] == ["A-1"]
    page = log_in("xianguan").get("/plans/renewals/").content.decode()
    assert "李村站点" in page
    assert "王庄村站点" not in page
    with pytest.raises(Refused, match="依据"):
        suspend_object(subject=cast.sites[LIN], document=" ", by=SYSTEM, on=at.date(), at=at)
    suspend_object(subject=cast.sites[LIN], document="柳组〔2026〕9 号", by=SYSTEM, on=at.date(), at=at)
    assert "柳组〔2026〕9 号" in log_in("xianguan").get("/plans/renewals/").content.decode()
    assert "李村" not in log_in("linxian").get("/plans/renewals/").content.decode()


@pytest.mark.clause("NET12")
def test_a_county_shows_its_demonstration_outlets_against_the_minimum(cast: Cast, at: datetime, log_in: LogIn) -> None:
    city, officer = cast.actor("shiguan"), cast.actor("xianguan")
    points = [commands.add_point(words=words, by=city, at=at) for words in ("有场地", "有专人", "有制度")]
    outlet = commands.open_outlet(site=cast.sites[LIN], opened_on=at.date(), document="", by=officer, at=at)
    commands.set_outlet_minimum(division=cast.divisions[COUNTY], count=2, document="", by=city, at=at)
    commands.check_outlet(outlet=outlet, fulfilled={points[0].pk, points[1].pk}, by=officer, at=at)
    row = queries.outlets_by_county(["/"], on=at.date())[0]
    assert (row.division.name, row.outlets, row.demonstrations, row.minimum, row.lacking) == ("柳溪县", 1, 0, 2, 2)
    assert queries.outlet_states(["/"])[0].missing == ["有制度"]
    answer = log_in("xianguan").post(f"/plans/outlets/{LIN}/", {"point": [point.pk for point in points]}, follow=True)
    assert "示范性网点" in answer.content.decode()
    assert queries.outlets_by_county(["/"], on=at.date())[0].lacking == 1
    commands.drop_point(point=points[0], by=city, at=at)
    commands.add_point(words="有台账", by=city, at=at)
    assert queries.outlets_by_county(["/"], on=at.date())[0].demonstrations == 0
    with pytest.raises(Forbidden):
        commands.add_point(words="加一条", by=officer, at=at)


@pytest.mark.clause("NET16")
def test_lent_facilities_have_owner_use_and_end(cast: Cast, at: datetime, log_in: LogIn) -> None:
    form = {"division": cast.divisions[COUNTY].pk, "name": "文化站二楼会议室", "owner": "柳溪县文化局", "permitted_use": "集中学习"}
    officer = log_in("xianguan")
    wrong = officer.post("/plans/facilities/new/", form | {"lent_on": "2026-03-01", "ends_on": "2026-01-01"})
    assert wrong.status_code == 400
    assert "早于" in wrong.content.decode()
    assert "文化站二楼会议室" in wrong.content.decode()
    page = officer.post("/plans/facilities/new/", form | {"lent_on": "2024-03-01", "ends_on": "2024-12-31"}, follow=True)
    assert all(words in page.content.decode() for words in ("柳溪县文化局", "集中学习", "2024-12-31", "已到期未归还"))
    assert "文化站" not in log_in("linxian").get("/plans/facilities/").content.decode()
    row = LentFacility.objects.get()
    assert log_in("linxian").post(f"/plans/facilities/{row.uid}/return/").status_code == 404
    officer.post(f"/plans/facilities/{row.uid}/return/")
    assert "已归还" in officer.get("/plans/facilities/").content.decode()


@pytest.mark.clause("NET09")
def test_costs_are_split_and_equipment_is_counted_once(cast: Cast, at: datetime, log_in: LogIn) -> None:
    Site.objects.filter(code=LIN).update(programmes="远程教育、农家书屋")
    add_asset(code="A-1", kind="机顶盒", place=cast.sites[LIN])
    commands.set_cost_shares(site=cast.sites[LIN], shares=[("远程教育", 2), ("农家书屋", 1)], by=cast.actor("xianguan"), at=at)
    site = queries.shared_sites(["/"]).get(code=LIN)
    assert queries.cost_split(site, 100_00) == {"远程教育": 66_67, "农家书屋": 33_33}
    page = log_in("xianguan").post(f"/plans/shares/{LIN}/", {"shares": "远程教育 1\n农家书屋 3", "amount": "10", "act": "try"})
    assert "2.50" in page.content.decode()
    assert "7.50" in page.content.decode()
    listed = log_in("xianguan").get("/register/assets/").content.decode()
    assert listed.count("A-1") == 1
    with pytest.raises(Refused, match="写一次"):
        commands.set_cost_shares(site=cast.sites[LIN], shares=[("书屋", 1), ("书屋", 2)], by=cast.actor("xianguan"), at=at)


def test_a_practice_note_is_read_by_every_county(cast: Cast, at: datetime, log_in: LogIn) -> None:
    note = commands.write_practice_note(
        division=cast.divisions[COUNTY], title="包片巡检", words="每周走一遍。", by=cast.actor("xianguan"), at=at
    )
    assert "每周走一遍" in log_in("linxian").get(f"/plans/notes/{note.uid}/").content.decode()
    found = queries.practice_note_of(cast.divisions[COUNTY])
    assert found is not None
    assert found.title == "包片巡检"
    assert AuditRow.objects.filter(action="登记经验做法").exists()


@pytest.mark.parametrize(
    ("address", "form", "words"),
    [
        ("/plans/new/", {"title": "计划", "document": "文", "due_on": "2027-12-31", "targets": "行政村 5\n书屋 3"}, "书屋"),
        ("/plans/coverage/new/", {"level": "4", "due_on": "2027-12-31", "document": "文"}, "乡镇"),
        ("/plans/notes/new/", {"title": "做法一", "words": "这样做"}, "做法一"),
    ],
)
def test_pages_keep_what_is_typed(cast: Cast, log_in: LogIn, address: str, form: dict[str, str], words: str) -> None:
    officer = log_in("xianguan")
    page = officer.post(address, {"division": cast.divisions[COUNTY].pk} | form, follow=True)
    assert page.status_code == 200
    assert words in page.content.decode()


def test_a_line_that_is_no_target_is_named(cast: Cast, log_in: LogIn) -> None:
    form = {"division": cast.divisions[COUNTY].pk, "title": "计划", "document": "文", "due_on": "2027-12-31", "targets": "行政村"}
    answer = log_in("xianguan").post("/plans/new/", form)
    assert answer.status_code == 400
    assert "看不懂这一行：行政村" in answer.content.decode()


@pytest.mark.parametrize("line", ["书" * 41 + " 3", "书屋 99999", "书屋 ²", "书屋 " + "9" * 5000])
def test_a_line_that_no_table_could_hold_is_refused(cast: Cast, log_in: LogIn, line: str) -> None:
    form = {"division": cast.divisions[COUNTY].pk, "title": "计划", "document": "文", "due_on": "2027-12-31", "targets": line}
    assert log_in("xianguan").post("/plans/new/", form).status_code == 400
    assert not BuildPlan.objects.exists()


def test_who_may_only_look_changes_nothing(cast: Cast, at: datetime, log_in: LogIn) -> None:
    Site.objects.filter(code=LIN).update(programmes="远程教育、农家书屋")
    commands.open_outlet(site=cast.sites[LIN], opened_on=at.date(), document="", by=cast.actor("xianguan"), at=at)
    row = commands.plan_upgrade(
        site=cast.sites[LIN], to_mode="pc", work="", planned_on=DUE, cost_cents=0, document="", by=cast.actor("xianguan"), at=at
    )
    leader = log_in("lingdao")
    assert leader.post(f"/plans/outlets/{LIN}/", {"point": ["1"]}).status_code == 403
    assert leader.post(f"/plans/upgrades/{row.uid}/", {"act": "finish"}).status_code == 403
    assert leader.post(f"/plans/shares/{LIN}/", {"shares": "远程教育 1"}).status_code == 403
    assert log_in("shiguan").post("/plans/outlets/points/", {"drop": "²"}).status_code == 404
    row.refresh_from_db()
    assert row.done_at is None


def test_upgrades_are_planned_and_walked_through_on_pages(cast: Cast, log_in: LogIn) -> None:
    officer = log_in("xianguan")
    form = {"site": LIN, "to_mode": "pc", "planned_on": "2027-05-01", "cost": "1200.50"}
    assert "1200.5" in officer.post("/plans/upgrades/new/", form, follow=True).content.decode()
    wrong = officer.post("/plans/upgrades/new/", form | {"site": GAOPING})
    assert wrong.status_code == 400
    assert "不在您负责的范围内" in wrong.content.decode()
    row = queries.upgrades(["/"])[0]
    page = officer.post(f"/plans/upgrades/{row.uid}/", {"act": "finish"}, follow=True).content.decode()
    assert "待验收" in page
    assert "没有播放成功" in officer.post(f"/plans/upgrades/{row.uid}/", {"act": "accept"}, follow=True).content.decode()
    assert log_in("linxian").get(f"/plans/upgrades/{row.uid}/").status_code == 404


def test_outlets_open_on_a_page(cast: Cast, log_in: LogIn) -> None:
    officer = log_in("xianguan")
    page = officer.post("/plans/outlets/new/", {"site": LIN, "opened_on": "2026-03-01"}, follow=True)
    assert "李村站点" in page.content.decode()
    again = officer.post("/plans/outlets/new/", {"site": LIN, "opened_on": "2026-03-01"})
    assert again.status_code == 400
    assert "已经是" in again.content.decode()
    assert Outlet.objects.count() == 1
    assert log_in("linxian").get(f"/plans/outlets/{LIN}/").status_code == 404
