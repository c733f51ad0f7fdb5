"""Dated truth: a site that moved or was suspended counts each day where and as it then was; divisions move with all below them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client

from yuanjiao.flow.journal.event import Fact
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import require_told_of
from yuanjiao.lib import clock
from yuanjiao.lib.clock import day_start
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.network import commands, queries
from yuanjiao.network.commands.many import ObjectEntry, correct_objects, enter_objects, follow_division, remove_objects
from yuanjiao.network.models import DayRollup, ListeningMark, Placement, RegisterVersion, State, StateChange
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import SYSTEM
from yuanjiao.places.models import Division
from yuanjiao.places.queries import division_by_code
from yuanjiao.register.commands import move_division
from yuanjiao.simulation.cast import SINCE, Cast

OBSERVER = "00000000-0000-7000-8000-000000000001"
FEB = date(2026, 2, 1)
MID = date(2026, 2, 11)
MAR = date(2026, 3, 1)
DAY = 86_400
LI, LIU, SHILING = "S-990101100200", "990101000000", "990102000000"


@pytest.fixture
def month(cast: Cast) -> Cast:
    """Every site was up all February, as far as this machine heard; the play test is of the last day of January."""
    from yuanjiao.network.models import PlayTest

    ListeningMark.objects.create(observer=OBSERVER, at=clock.day_start(MAR))
    for number, site in enumerate(cast.sites.values()):
        StateChange.objects.create(object=site, state=State.UP, at=clock.day_start(SINCE), observer=OBSERVER, seq=number)
        PlayTest.objects.create(site=site, at=clock.day_start(FEB) - timedelta(days=1), ok=True, observer=OBSERVER)
    return cast


def over(division: Division, first: date = FEB, last: date = MAR) -> queries.Rate:
    return queries.rate_over(division, clock.day_start(first), clock.day_start(last))


def story(code: str) -> list[tuple[str, str, date, date | None]]:
    rows = Placement.objects.filter(object__code=code).order_by("valid_from")
    return [(row.division.code, row.lifecycle, row.valid_from, row.valid_to) for row in rows]


def test_entering_an_object_begins_its_story_and_is_noticed(cast: Cast) -> None:
    before = RegisterVersion.objects.get().number
    enter_objects(entries=[entry("S-NEW", cast, date(2025, 5, 1))], on=MID)
    assert story("S-NEW") == [("990101100200", "in_service", date(2025, 5, 1), None)]
    assert RegisterVersion.objects.get().number > before


def entry(code: str, cast: Cast, since: date, **life: str) -> ObjectEntry:
    division = cast.divisions["990101100200"]
    known = {"lifecycle": "in_service", "suspension_document": ""} | life
    return ObjectEntry(
        kind="site", code=code, name="新站点", division_id=division.pk, depends_on="L-990101100", in_service_on=since, **known
    )  # type: ignore[arg-type]  # the literal keys are the fields' names


def test_what_comes_in_suspended_served_until_the_day_it_came(cast: Cast) -> None:
    enter_objects(entries=[entry("S-OLD", cast, date(2025, 5, 1), lifecycle="suspended", suspension_document="停字1号")], on=MID)
    village = "990101100200"
    assert story("S-OLD") == [(village, "in_service", date(2025, 5, 1), MID), (village, "suspended", MID, None)]


@pytest.mark.clause("OPS19")
def test_a_suspension_that_is_over_still_stands_in_the_days_it_lasted(month: Cast, at: datetime) -> None:
    county, site = month.divisions[LIU], month.sites[LI]
    whole = over(county)
    commands.suspend_object(subject=site, document="停字〔2026〕3号", by=SYSTEM, on=MID, at=at)
    commands.resume_object(subject=site, by=SYSTEM, on=date(2026, 2, 21), at=at)
    after = over(county)
    assert after.excluded == 10 * DAY
    assert after.known + after.unknown + after.excluded == whole.known + whole.unknown == 4 * 28 * DAY
    assert (after.population, after.suspended) == (4, 1)
    assert over(county, FEB, MID).excluded == 0
    held = queries.suspended_sites(["/"]).get()
    assert (held.document, held.valid_from, held.valid_to) == ("停字〔2026〕3号", MID, date(2026, 2, 21))
    assert queries.rate_at(county, clock.day_start(MID)).excluded == 1
    assert queries.rate_at(county, clock.day_start(MAR) - timedelta(hours=1)).excluded == 0


@pytest.mark.clause("OPS19")
def test_a_suspension_needs_a_document_a_day_in_order_and_the_permission(month: Cast, at: datetime) -> None:
    site = month.sites[LI]
    with pytest.raises(Refused, match="依据文件"):
        commands.suspend_object(subject=site, document=" ", by=SYSTEM, on=MID, at=at)
    with pytest.raises(Refused, match="不能晚于今天"):
        commands.suspend_object(subject=site, document="停字1号", by=SYSTEM, on=date(2026, 4, 1), at=at)
    with pytest.raises(Forbidden):
        commands.suspend_object(subject=site, document="停字1号", by=month.actor("zhanguan"), on=MID, at=at)
    commands.suspend_object(subject=site, document="停字1号", by=SYSTEM, on=MID, at=at)
    with pytest.raises(Conflict):
        commands.suspend_object(subject=site, document="停字2号", by=SYSTEM, on=MID, at=at)
    with pytest.raises(Refused, match="不能早于那一天"):
        commands.resume_object(subject=site, by=SYSTEM, on=FEB, at=at)
    with pytest.raises(Refused, match="依据文件"):
        commands.retire_object(subject=site, document="", by=SYSTEM, on=MAR, at=at)
    commands.retire_object(subject=site, document="退字1号", by=SYSTEM, on=MAR, at=at)
    assert [span[1] for span in story(LI)] == ["in_service", "suspended", "retired"]
    assert over(month.divisions[LIU], MAR, date(2026, 3, 2)).population == 3


def test_suspended_and_resumed_on_one_day_leaves_no_trace_in_the_days(month: Cast, at: datetime) -> None:
    commands.suspend_object(subject=month.sites[LI], document="停字1号", by=SYSTEM, on=MID, at=at)
    commands.resume_object(subject=month.sites[LI], by=SYSTEM, on=MID, at=at)
    assert story(LI) == [("990101100200", "in_service", SINCE, None)]


@pytest.mark.clause("NET05", "OPS11")
def test_a_site_that_moved_gives_its_seconds_to_each_place(month: Cast, at: datetime) -> None:
    old, new, city = month.divisions[LIU], month.divisions[SHILING], month.divisions["990100000000"]
    before = over(city)
    commands.move_object(subject=month.sites[LI], division=month.divisions["990102100200"], by=SYSTEM, on=MID, at=at)
    assert (over(old).known, over(new).known) == ((3 * 28 + 10) * DAY, (28 + 18) * DAY)
    assert (over(city).up, over(city).population) == (before.up, 5)
    assert (over(old).population, over(new).population) == (4, 2)
    children = queries.rates_by_child(city, clock.day_start(FEB), clock.day_start(MAR))
    assert sum(child.rate.up for child in children) == before.up
    assert [row.code for row in queries.rates_by_site(new, clock.day_start(FEB), clock.day_start(MAR))] == [LI, "S-990102100200"]
    assert queries.rate_at(old, clock.day_start(FEB)).known == 4
    assert queries.rate_at(old, clock.day_start(MID)).known == 3


@pytest.mark.clause("NET05")
def test_a_division_moves_with_all_below_it_and_old_days_keep_the_old_tree(month: Cast, at: datetime) -> None:
    liu, shiling = month.divisions[LIU], month.divisions[SHILING]
    town = month.divisions["990101100000"]
    moved = move_division(division=town, parent=shiling, document="民字〔2026〕2号", on=MID, by=SYSTEM, at=at)
    assert moved == 3  # two sites and the line of the town
    now = division_by_code("990101100200", on=MID)
    assert now.path == f"{shiling.path}990101100000/990101100200/"
    assert division_by_code("990101100200", on=FEB).path.startswith(liu.path)
    assert (over(liu).known, over(shiling).known) == ((2 * 28 + 2 * 10) * DAY, (28 + 2 * 18) * DAY)
    assert over(division_by_code("990101100000", on=MID)).known == 2 * 28 * DAY, "the town itself has both its paths"
    for county, names in ((liu, {"桃源乡": True, "石桥镇": False}), (shiling, {"高坪镇": True, "石桥镇": False})):
        whole, below = queries.rate_and_children(county, clock.day_start(FEB), clock.day_start(MAR))
        assert {child.division.name: child.whole for child in below} == names
        assert sum(child.rate.known for child in below) == whole.known
    assert queries.site_counts(shiling.path, at=at).total == 3


def test_a_division_is_not_moved_into_itself_nor_without_a_document(month: Cast, at: datetime) -> None:
    town, village = month.divisions["990101100000"], month.divisions["990101100200"]
    with pytest.raises(Refused, match="级别不高于"):
        move_division(division=town, parent=village, document="民字1号", on=MID, by=SYSTEM, at=at)
    with pytest.raises(Refused, match="依据文件"):
        move_division(division=town, parent=month.divisions[SHILING], document="", on=MID, by=SYSTEM, at=at)
    with pytest.raises(Conflict):
        move_division(division=town, parent=month.divisions[LIU], document="民字1号", on=MID, by=SYSTEM, at=at)
    assert Division.objects.filter(code=town.code).count() == 1


def test_an_import_that_moves_and_is_taken_back_on_its_day_leaves_the_story_as_it_was(month: Cast, at: datetime) -> None:
    today = clock.local_day(at)
    other = month.divisions["990101100201"]
    correct_objects(changes={LI: {"division_id": other.pk}}, on=today)
    assert story(LI)[-1] == ("990101100201", "in_service", today, None)
    correct_objects(changes={LI: {"division_id": month.divisions["990101100200"].pk}}, on=today)
    assert story(LI) == [("990101100200", "in_service", SINCE, None)]


def test_a_corrected_day_of_entering_service_moves_the_beginning(month: Cast) -> None:
    correct_objects(changes={LI: {"in_service_on": MID}}, on=MAR)
    assert story(LI) == [("990101100200", "in_service", MID, None)]
    assert over(month.divisions[LIU]).known == (3 * 28 + 18) * DAY


def test_a_rename_keeps_the_place_and_taking_it_back_puts_the_story_back(month: Cast) -> None:
    from yuanjiao.places.commands import correct_division, restore_division

    village = month.divisions["990101100200"]
    renamed = correct_division(division=village, name="新李村", urban_rural="220", on=MID)
    follow_division(old=village, new=renamed)
    assert [span[2:] for span in story(LI)] == [(SINCE, MID), (MID, None)]
    commands.suspend_object(subject=fresh(month, LI), document="停字1号", by=SYSTEM, on=MAR, at=datetime(2026, 3, 2, tzinfo=UTC))
    follow_division(old=renamed, new=village)
    restore_division(division=renamed, ended=village)
    assert story(LI) == [("990101100200", "in_service", SINCE, MAR), ("990101100200", "suspended", MAR, None)]


def test_a_village_that_becomes_town_keeps_its_days_in_the_country(month: Cast) -> None:
    from yuanjiao.places.commands import correct_division

    def land(start: date, end: date) -> dict[str, int]:
        found = queries.rates_split("/", "urban_rural", clock.day_start(start), clock.day_start(end))
        return {one.label: one.rate.known + one.rate.unknown for one in found}

    village = month.divisions["990101100200"]
    village.urban_rural = ""
    village.save()
    silent = land(FEB, MAR)
    filled = correct_division(division=village, name=village.name, urban_rural="220", on=MID)
    assert filled.pk == village.pk, "said for the first time"
    assert correct_division(division=filled, name=village.name, urban_rural="210", on=MID).pk == village.pk, "still the country"
    country, part = land(FEB, MAR), land(FEB, MID)
    seconds = silent["未标明"] - country.get("未标明", 0)
    assert seconds > 0
    town = correct_division(division=filled, name=village.name, urban_rural="121", on=MID)
    follow_division(old=filled, new=town)
    assert land(FEB, MID) == part, "the days before stay as they were"
    assert land(FEB, MAR)["乡村"] == country["乡村"] - seconds * (MAR - MID).days // (MAR - FEB).days


def fresh(cast: Cast, code: str):  # type: ignore[no-untyped-def]  # the row as the database has it now
    cast.sites[code].refresh_from_db()
    return cast.sites[code]


def test_an_import_that_is_undone_takes_the_stories_with_it(cast: Cast) -> None:
    uids = enter_objects(entries=[entry("S-NEW", cast, MID)], on=MID)
    remove_objects(uids=uids.values())
    assert not Placement.objects.filter(object__code="S-NEW").exists()


def test_days_that_were_summed_are_old_when_the_past_becomes_another(month: Cast, at: datetime) -> None:
    for day in (FEB, MID):
        DayRollup.objects.create(day=day, rule_version=1, digest="", rows=0, made_at=at)
    commands.suspend_object(subject=month.sites[LI], document="停字1号", by=SYSTEM, on=MID, at=at)
    assert dict(DayRollup.objects.values_list("day", "stale")) == {FEB: False, MID: True}


def test_a_coverage_of_villages_is_that_of_its_day(month: Cast, at: datetime) -> None:
    county = month.divisions[LIU]
    commands.suspend_object(subject=month.sites[LI], document="停字1号", by=SYSTEM, on=MID, at=at)
    assert queries.coverage_of_villages(county, on=FEB).covered == 4
    assert queries.coverage_of_villages(county, on=MID).covered == 3


def test_the_database_was_told_the_story_of_what_it_had(cast: Cast) -> None:
    """The migration's own function, on a register whose stories are taken away."""
    import importlib

    from django.apps import apps

    commands.suspend_object(subject=cast.sites[LI], document="停字1号", by=SYSTEM, on=MID, at=datetime(2026, 3, 2, tzinfo=UTC))
    wanted = {code: story(code) for code in [LI, "S-990102100200", "E-990101"]}
    with transaction.atomic():
        Placement.objects.all().delete()
        importlib.import_module("yuanjiao.network.migrations.0003_placements").tell_stories(apps, None)
        assert {code: story(code) for code in wanted} == wanted


def test_the_page_of_the_register_moves_a_division(month: Cast, log_in: Callable[[str], Client]) -> None:
    admin = log_in("shiguan")
    told = {"division": "990101100000", "parent": SHILING, "on": clock.today(), "document": ""}
    assert admin.post("/register/divisions/move/", told).status_code == 400
    page = admin.post("/register/divisions/move/", told | {"document": "民字〔2026〕8号"}, follow=True).content.decode()
    assert "随迁站点、线路和服务器 3 个" in page
    assert division_by_code("990101100200", on=clock.today()).path.split("/")[3] == SHILING
    assert AuditRow.objects.get(action="区划变更").detail.endswith("随迁对象 3 个")
    assert log_in("xianguan").post("/register/divisions/move/", told).status_code == 403


@pytest.mark.clause("GOV32")
def test_a_division_takes_the_edge_along_that_was_let_in_for_its_place(month: Cast, at: datetime) -> None:
    """It is believed under both names of its place; what it told of before the day, also by a wider machine that lost the place."""
    county, other = month.divisions[LIU], month.divisions["990000000000"]
    city = month.divisions["990100000000"]
    edge = Node.objects.create(kind="edge", name="柳溪县边缘服务器", public_key=b"1" * 32, scope=county.path, enrolled_at=at)
    wide = Node.objects.create(kind="edge", name="市服务器", public_key=b"2" * 32, scope=city.path, enrolled_at=at)
    former = county.path
    move_division(division=county, parent=other, document="民字1号", on=MID, by=SYSTEM, at=at)
    new = f"{other.path}{LIU}/"
    edge.refresh_from_db()
    assert edge.scope == new
    late, before = Fact(edge.uid, 7, day_start(MID) + timedelta(days=30)), day_start(MID) - timedelta(hours=1)
    require_told_of([late], [former, new])
    require_told_of([Fact(wide.uid, 1, before)], [new])
    with pytest.raises(Refused, match="范围以外"):
        require_told_of([Fact(wide.uid, 2, day_start(MID))], [new])
