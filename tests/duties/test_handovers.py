"""Hand-over sheets: what is on them, who signs, what is disputed; vacancies; and the pages of all that."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.duties.conftest import World
from yuanjiao.duties import commands, queries
from yuanjiao.duties.commands import Named
from yuanjiao.duties.models import Handover
from yuanjiao.duties.queries import drawing
from yuanjiao.items.commands import create_item
from yuanjiao.items.models import Item
from yuanjiao.items.rules import ItemKind, State
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.network.models import Asset
from yuanjiao.network.queries import open_roots
from yuanjiao.people import commands as people
from yuanjiao.people.models import Person, Responsibility, ResponsibilityKind
from yuanjiao.people.rules import Permission, Role
from yuanjiao.simulation.cast import SINCE, Cast

VILLAGE, LIN, COUNTY = "990101100200", "S-990101100200", "990101000000"
Enter = Callable[[str], Client]


@pytest.fixture(autouse=True)
def same_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: world.at + timedelta(hours=2))


def tenure_of(cast: Cast, username: str) -> Responsibility:
    return cast.people[username].responsibilities.select_related("person", "unit", "division").get()


def today(world: World) -> date:
    return clock.local_day(world.at)


def hand(world: World, username: str = "zhanguan", to: Named | None = None, **said: object) -> Handover:
    """To 马小军 of the village unless said otherwise; with `vacancy` to nobody."""
    cast = world.cast
    named = None if "vacancy" in said else to or Named("马小军", cast.units["ZZ-990101100200"])
    details = {"to": named, "on": today(world), "by": cast.actor("xianguan"), "at": world.at} | said
    return commands.hand_over(tenure=tenure_of(cast, username), **details)  # type: ignore[arg-type]


@pytest.mark.clause("GOV02")
def test_a_sheet_lists_what_is_open_and_in_hand_at_that_moment_and_does_not_change(world: World) -> None:
    outage = world.goes_dark(LIN)
    order = world.order(State.ISSUED)
    Asset.objects.create(code="STB-0001", kind="机顶盒", model="M1", place=world.thing(LIN))
    sheet = hand(world)
    told = {line.kind: (line.code.replace(" ", ""), line.title) for line in sheet.lines.all()}
    assert told["order"][0] == order.item.code
    assert told["outage"][0] == outage.object.code
    assert told["asset"] == ("STB-0001", "机顶盒 M1")
    Asset.objects.all().delete()
    assert sheet.lines.count() == 3


def test_a_sheet_that_cannot_name_all_says_how_many_more_and_names_the_dated_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "MOST", 1)
    cast, made = world.cast, []
    for number in range(7):
        item = create_item(
            kind=ItemKind.TASK, division=cast.divisions[VILLAGE], lead_unit=cast.units["ZZ-990101100200"], title=f"任务{number}",
            by=cast.actor("shiguan"), at=world.at,
        )  # fmt: skip
        made.append(item)
    Item.objects.filter(pk=made[4].pk).update(due_at=world.at)
    told = [line.title for line in queries.open_things(tenure_of(cast, "zhanguan"), world.at) if line.kind == "item"]
    assert told == ["任务4", "另有 6 项未逐一列出"]


def test_outages_of_one_object_are_not_hidden_behind_wider_ones(world: World) -> None:
    world.goes_dark("E-990101", affected=9)
    world.goes_dark(LIN)
    found = open_roots(["/"], limit=1, code=LIN)
    assert ([row.code for row in found.widest], found.count) == ([LIN], 1)


def test_the_list_of_sheets_stands_when_an_object_was_taken_out(world: World, log_in: Enter) -> None:
    Responsibility.objects.filter(pk=tenure_of(world.cast, "zhanguan").pk).update(object_code="S-GONE")
    hand(world)
    assert "S-GONE站点管理员" in log_in("xianguan").get(reverse("duties:handover_list")).content.decode()


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_place_is_told_for_the_furthest_day_somebody_types(log_in: Enter, day: str) -> None:
    assert log_in("xianguan").get(reverse("duties:place", args=[COUNTY]), {"on": day}).status_code == 200


def test_the_operators_sheet_lists_the_orders_of_its_unit_and_no_equipment_of_sites(world: World) -> None:
    world.order(State.ISSUED)
    Asset.objects.create(code="STB-0001", kind="机顶盒", place=world.thing(LIN))
    officer = world.cast.actor("shiguan")
    sheet = hand(world, "gongcheng", Named("钱卫东", world.cast.units["DX-990101"]), by=officer, roles=[Role.ENGINEER])
    assert [line.kind for line in sheet.lines.all()] == ["order"]


def test_the_successor_answers_from_that_day_and_has_the_posts_the_other_has_not_any_more(world: World) -> None:
    day = today(world)
    sheet = hand(world)
    assert sheet.following is not None
    assert (sheet.following.valid_from, sheet.tenure.valid_to) == (day, day)
    assert [post.role for post in sheet.following.person.memberships.all()] == [Role.SITE_MANAGER]
    assert not world.cast.actor("zhanguan", day).holds(Permission.FILE_FAULT)


def test_a_successor_has_the_post_also_when_the_other_keeps_it_and_never_a_wider_one(world: World) -> None:
    cast, first = world.cast, tenure_of(world.cast, "zhanguan")
    people.make_responsible(
        person=first.person, unit=first.unit, division=cast.divisions["990101100201"], kind=ResponsibilityKind.SITE_MANAGER, on=SINCE
    )
    said = {"tenure": first, "on": today(world), "by": cast.actor("shiguan"), "at": world.at}
    with pytest.raises(Refused, match="以原单位登记"):
        commands.hand_over(to=Named("马小军", cast.units["ZZ-990101100"]), **said)  # type: ignore[arg-type]
    first.refresh_from_db()
    assert (first.valid_to, Handover.objects.count()) == (None, 0)
    sheet = commands.hand_over(to=Named("马小军", first.unit), **said)  # type: ignore[arg-type]
    assert sheet.taker is not None
    assert [post.role for post in sheet.taker.memberships.all()] == [Role.SITE_MANAGER]
    assert cast.actor("zhanguan", today(world)).holds(Permission.FILE_FAULT)


def test_nobody_is_named_twice_for_the_same_nor_takes_over_what_they_hold(world: World) -> None:
    cast, place = world.cast, world.cast.divisions[VILLAGE]
    said = {"division": place, "kind": "liaison", "on": today(world), "by": cast.actor("xianguan"), "at": world.at}
    new = Named("马小军", cast.units["ZZ-990101100200"])
    commands.name_responsible(named=new, **said)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="已担任"):
        commands.name_responsible(named=new, **said)  # type: ignore[arg-type]
    commands.name_responsible(named=new, **said | {"kind": "site_manager"})  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="已担任"):
        hand(world)
    assert Responsibility.objects.filter(person__name="马小军").count() == 2
    assert tenure_of(cast, "zhanguan").valid_to is None


def test_a_tenure_does_not_end_here_without_a_successor_or_a_reason(world: World) -> None:
    with pytest.raises(Refused, match="空缺原因"):
        hand(world, vacancy=" ")
    assert Handover.objects.count() == 0
    assert tenure_of(world.cast, "zhanguan").valid_to is None


def test_nobody_of_another_county_hands_over_here_and_no_county_gives_away_a_city_post(world: World) -> None:
    cast = world.cast
    with pytest.raises(NotFound):
        hand(world, by=cast.actor("linxian"))
    with pytest.raises(Forbidden):
        hand(world, by=cast.actor("gongcheng"))
    with pytest.raises(Forbidden, match="市级管理员办理"):
        hand(world, roles=[Role.CITY_ADMIN])
    assert tenure_of(cast, "zhanguan").valid_to is None


@pytest.mark.clause("SUP40")
def test_both_sign_in_person_also_who_has_no_permission_left(world: World) -> None:
    cast, day = world.cast, today(world)
    Person.objects.filter(pk=cast.people["zhizuo"].pk).update(unit=cast.units["ZZ-990101100200"])
    sheet = hand(world, to=Named("孙文博", cast.units["ZZ-990101100200"]))
    with pytest.raises(Forbidden, match="本人签字"):
        commands.sign_sheet(sheet=sheet, by=cast.actor("xianguan", day), at=world.at)
    with pytest.raises(Refused, match="本人登录签字"):
        commands.sign_on_paper(sheet=sheet, side="given", note="代签", by=cast.actor("xianguan", day), at=world.at)
    commands.sign_sheet(sheet=sheet, by=cast.actor("zhanguan", day), at=world.at)
    with pytest.raises(Conflict, match="签过"):
        commands.sign_sheet(sheet=sheet, by=cast.actor("zhanguan", day), at=world.at)
    assert commands.sign_sheet(sheet=sheet, by=cast.actor("zhizuo", day), at=world.at).is_signed


def test_a_paper_signature_is_noted_for_who_has_no_log_in(world: World) -> None:
    sheet = hand(world)
    with pytest.raises(Refused, match="情况"):
        commands.sign_on_paper(sheet=sheet, side="taken", note=" ", by=world.cast.actor("xianguan"), at=world.at)
    done = commands.sign_on_paper(sheet=sheet, side="taken", note="已在纸质交接单签字", by=world.cast.actor("xianguan"), at=world.at)
    assert (done.taken_on_paper, done.given_at) == ("已在纸质交接单签字", None)


def test_what_is_disputed_stays_and_nothing_is_added_once_both_have_signed(world: World) -> None:
    world.order(State.ISSUED)
    cast = world.cast
    giver, officer = cast.actor("zhanguan", today(world)), cast.actor("xianguan")
    sheet = hand(world)
    commands.dispute_line(sheet=sheet, number=1, words="机顶盒已送修", by=giver, at=world.at)
    with pytest.raises(Conflict, match="机顶盒已送修"):
        commands.dispute_line(sheet=sheet, number=1, words="没有这回事", by=giver, at=world.at)
    with pytest.raises(Forbidden):
        commands.dispute_line(sheet=sheet, number=1, words="我看不是", by=officer, at=world.at)
    commands.sign_sheet(sheet=sheet, by=giver, at=world.at)
    commands.sign_on_paper(sheet=sheet, side="taken", note="已签", by=officer, at=world.at)
    with pytest.raises(Refused, match="不能再提异议"):
        commands.dispute_line(sheet=sheet, number=1, words="晚了", by=giver, at=world.at)
    assert [line.dispute for line in queries.lines_of(sheet)] == ["机顶盒已送修"]


def test_a_vacancy_is_on_the_list_from_the_day_it_begins_and_before_as_coming(world: World) -> None:
    day, path = today(world), world.cast.divisions[COUNTY].path
    assert VILLAGE not in {row.code for row in queries.villages_without_manager([path], day)}
    hand(world, vacancy="外出务工", on=day + timedelta(days=10))
    assert [(gap.place_code, gap.begins) for gap in queries.coming_vacancies([path], day)] == [(VILLAGE, day + timedelta(days=10))]
    assert VILLAGE not in {row.code for row in queries.villages_without_manager([path], day)}
    late = {row.code: row.since for row in queries.villages_without_manager([path], day + timedelta(days=10))}  # type: ignore[attr-defined]
    assert late[VILLAGE] == day + timedelta(days=10)
    assert queries.coming_vacancies([world.cast.divisions["990102000000"].path], day) == []


def test_what_is_coming_is_told_by_side_in_as_many_queries_as_for_one(world: World, django_assert_max_num_queries: Any) -> None:
    cast, end, officer = world.cast, today(world) + timedelta(days=10), world.cast.actor("shiguan")
    hand(world, "gongcheng", Named("钱卫东", cast.units["DX-990101"]), on=end, by=officer)
    hand(world, "xianguan", vacancy="调离", on=end, by=officer)
    hand(world, vacancy="外出务工", on=end)
    queries.coming_vacancies(["/"], today(world))
    with django_assert_max_num_queries(2):
        found = queries.coming_vacancies([cast.divisions[COUNTY].path], today(world))
    assert {(gap.place_code, gap.side, gap.kind, gap.county_name) for gap in found} == {
        (COUNTY, "home", "first", "柳溪县"), (VILLAGE, "home", "site_manager", "柳溪县"),
    }  # fmt: skip


@pytest.mark.clause("GOV01")
def test_a_county_lacks_what_it_has_not_on_each_side(world: World) -> None:
    path = world.cast.divisions[COUNTY].path
    missing = {(gap.side, gap.kind) for gap in queries.county_vacancies([path], today(world))}
    assert missing == {("home", "direct"), ("operator", "direct")}
    hand(world, "gongcheng", vacancy="调离", by=world.cast.actor("shiguan"))
    told = {(gap.side, gap.kind): gap.since for gap in queries.county_vacancies([path], today(world))}
    assert told["operator", "first"] == today(world)


def test_a_change_is_made_signed_and_printed_on_the_pages(world: World, log_in: Enter) -> None:
    cast, officer = world.cast, log_in("xianguan")
    world.order(State.ISSUED)
    place = reverse("duties:place", args=[VILLAGE])
    assert "办理交接" in officer.get(place).content.decode()
    new = reverse("duties:handover_new", args=[tenure_of(cast, "zhanguan").uid])
    assert "未办结的工单" in officer.get(new).content.decode()
    said = {"on": today(world).isoformat(), "unit": "ZZ-990101100200", "name": "马小军", "roles": ["site_manager"]}
    assert officer.post(new, {**said, "name": ""}).status_code == 400
    answer = officer.post(new, said)
    sheet = Handover.objects.get()
    assert answer["Location"] == reverse("duties:handover", args=[sheet.uid])
    assert officer.post(new, said).status_code == 409
    giver = log_in("zhanguan")
    assert "待您签字的交接单" in giver.get("/desk/").content.decode()
    page = reverse("duties:handover", args=[sheet.uid])
    assert giver.post(page, {"act": "dispute", "number": "1", "words": "已报过两次"}).status_code == 302
    assert giver.post(page, {"act": "sign"}).status_code == 302
    assert giver.post(page, {"act": "sign"}).status_code == 409
    assert "待您签字的交接单" not in giver.get("/desk/").content.decode()
    file = officer.get(reverse("duties:handover_file", args=[sheet.uid]))
    words = zipfile.ZipFile(BytesIO(file.content)).read("word/document.xml").decode()
    assert all(word in words for word in ("责任交接单", "马小军", "已报过两次", "监交人"))
    assert log_in("linxian").get(page).status_code == 404
    assert log_in("gongcheng").get(page).status_code == 404
    past = officer.get(place, {"on": "2025-03-03"}).content.decode()
    assert "李春燕" in past.split("本地任期")[0]
    assert "马小军" not in past.split("本地任期")[0]


def test_somebody_is_named_on_the_page_and_a_second_first_is_refused_with_the_way_out(world: World, log_in: Enter) -> None:
    officer = log_in("xianguan")
    page = reverse("duties:duty_new", args=[COUNTY])
    said = {"kind": "direct", "unit": "柳溪县委组织部", "name": "林月", "on": today(world).isoformat(), "document": "柳组〔2026〕4号"}
    asked = officer.get(page).content.decode()
    assert '<option value="ZZ-990101">' in asked
    assert "ZZ-990101100200" not in asked  # of twenty thousand units those near the place are proposed, any other is typed
    assert "没有找到单位" in officer.post(page, {**said, "unit": "石岭县委组织部"}).content.decode()
    assert officer.post(page, said).status_code == 302
    refused = officer.post(page, {**said, "kind": "first"})
    assert refused.status_code == 400
    assert "请先办理交接" in refused.content.decode()
    assert officer.get(reverse("duties:duty_new", args=["990102000000"])).status_code == 404
    listed = officer.get(reverse("duties:place_list")).content.decode()
    assert "林月" in listed
    assert "石岭县" not in listed


def test_the_start_page_of_a_county_says_where_nobody_answers_and_only_there(world: World, log_in: Enter) -> None:
    words = log_in("xianguan").get("/desk/").content.decode()
    assert "没有责任人的地方" in words
    assert "王庄村" in words
    assert "高坪村" not in words
    listed = log_in("xianguan").get(reverse("duties:vacancy_list")).content.decode()
    assert "运营商系统直接责任人" in listed
    assert "高坪村" not in listed
