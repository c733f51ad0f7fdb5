"""Equipment is in one place, its way is kept, units answer for what they were given, and age is counted by county."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from yuanjiao.assets import commands, queries
from yuanjiao.assets.models import Issue, Move
from yuanjiao.assets.rules import bought_before, years_used
from yuanjiao.flow.catalogue.shelf import from_document
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.network.models import Asset, Condition
from yuanjiao.network.shelf.register import Register, accept, offer
from yuanjiao.people.rules import Actor, Grant, Permission, Role
from yuanjiao.simulation.cast import Cast

SITE, OTHER_SITE, FAR_SITE = "S-990101100200", "S-990101101200", "S-990102100200"
COUNTY_UNIT, TOWN_UNIT = "ZZ-990101", "ZZ-990101100"
DAY = date(2026, 3, 2)


@pytest.fixture
def who(cast: Cast, at: datetime) -> dict[str, Any]:
    return {"by": cast.actor("xianguan"), "at": at}


def enter(who: dict[str, Any], code: str, *, kind: str = "机顶盒", **standing_and_details: Any) -> Asset:
    standing = {name: standing_and_details.pop(name) for name in ("place", "unit", "store") if name in standing_and_details}
    return commands.enter_asset(code=code, kind=kind, standing=standing or {"place": SITE}, details=standing_and_details, **who)


def place_of(asset: Asset) -> str:
    return queries.where(Asset.objects.get(pk=asset.pk))


@pytest.mark.clause("NET09")
def test_a_piece_is_in_exactly_one_place_and_so_counted_once(cast: Cast, who: dict[str, Any]) -> None:
    box = enter(who, "A-1")
    for standing in ({}, {"place": SITE, "store": COUNTY_UNIT}, {"place": "S-0"}):
        with pytest.raises(Refused):
            commands.enter_asset(code="A-2", kind="机顶盒", standing=standing, details={}, **who)
    for fields in ({"store": cast.units[COUNTY_UNIT]}, {"place": None}):
        with pytest.raises(IntegrityError, match="asset_in_exactly_one_place"), transaction.atomic():
            Asset.objects.filter(pk=box.pk).update(**fields)
    commands.move_asset(asset=box, standing={"place": OTHER_SITE}, note="李村停用", on=DAY, **who)
    commands.move_asset(asset=box, standing={"store": COUNTY_UNIT}, note="收回", on=DAY + timedelta(days=1), **who)
    assert queries.assets(["/"]).count() == 1
    way = [(one.left, one.reached, one.on) for one in queries.way_of(box)]
    assert way == [("李村站点", "桃花村站点", DAY), ("桃花村站点", "柳溪县委组织部备件库", DAY + timedelta(days=1))]
    assert Asset.objects.get().condition == Condition.SPARE
    with pytest.raises(Conflict):
        commands.move_asset(asset=box, standing={"store": COUNTY_UNIT}, note="", on=DAY, **who)


def test_what_left_its_site_goes_down_no_more(cast: Cast, who: dict[str, Any]) -> None:
    box, path = enter(who, "A-1"), cast.divisions["990101000000"].path
    assert b"A-1" in offer(path).document
    commands.move_asset(asset=box, standing={"store": COUNTY_UNIT}, note="", on=DAY, **who)
    assert b"A-1" not in offer(path).document


@pytest.mark.clause("OPS22")
def test_a_device_is_issued_to_a_unit_and_handed_back(cast: Cast, who: dict[str, Any]) -> None:
    laptop, unit, store = enter(who, "PC-1", kind="计算机", store=COUNTY_UNIT), cast.units[TOWN_UNIT], cast.units[COUNTY_UNIT]
    give = {"asset": laptop, "unit": unit, "document": "领用单 1", "on": DAY}
    with pytest.raises(Refused, match="领用人"):
        commands.issue_asset(taker=" ", **give, **who)
    commands.issue_asset(taker="刘建国", **give, **who)
    assert place_of(laptop) == "石桥镇党委（配发）"
    with pytest.raises(Refused, match="备用"):
        commands.issue_asset(taker="别人", **give, **who)
    for refused in ({"standing": {"place": SITE}}, {"standing": {"store": COUNTY_UNIT}}):
        with pytest.raises(Refused, match="先办“交回”"):
            commands.move_asset(asset=laptop, note="", on=DAY, **refused, **who)
    with pytest.raises(Refused, match="先办“交回”"):
        commands.scrap_asset(asset=laptop, document="文", on=DAY, **who)
    with pytest.raises(Refused, match="早于"):
        commands.hand_back(asset=laptop, store=store, note="", on=DAY - timedelta(days=1), **who)
    commands.hand_back(asset=laptop, store=store, note="离任交回", on=DAY + timedelta(days=9), **who)
    issue = Issue.objects.get()
    assert (issue.unit_id, issue.returned_on) == (unit.pk, DAY + timedelta(days=9))
    assert place_of(laptop) == "柳溪县委组织部备件库"
    assert Issue.personal == ("taker",)
    assert not [field for field in Issue._meta.get_fields() if field.is_relation and field.related_model.__name__ in {"Person", "Account"}]  # type: ignore[union-attr]


def test_repair_and_the_end_of_a_piece(who: dict[str, Any]) -> None:
    box = enter(who, "A-1")
    commands.send_to_repair(asset=box, note="不开机", on=DAY, **who)
    assert place_of(box) == "李村站点"
    with pytest.raises(Conflict):
        commands.send_to_repair(asset=box, note="", on=DAY, **who)
    commands.end_repair(asset=box, note="换电源", on=DAY, **who)
    with pytest.raises(Refused, match="依据文件"):
        commands.scrap_asset(asset=box, document="", on=DAY, **who)
    commands.scrap_asset(asset=box, document="柳〔2026〕9号", on=DAY, **who)
    with pytest.raises(Conflict, match="报废"):
        commands.move_asset(asset=box, standing={"store": COUNTY_UNIT}, note="", on=DAY, **who)
    assert [one.get_act_display() for one in Move.objects.all()] == ["送修", "修复", "报废"]


def test_only_who_manages_equipment_moves_it_and_only_in_the_own_subtree(cast: Cast, at: datetime, who: dict[str, Any]) -> None:
    box = enter(who, "A-1")
    with pytest.raises(NotFound):
        commands.move_asset(asset=box, standing={"place": FAR_SITE}, note="", on=DAY, **who)
    for name, error in (("linxian", NotFound), ("gongcheng", Forbidden), ("shenji", Forbidden), ("zhanguan", Forbidden)):
        with pytest.raises(error):
            commands.move_asset(asset=box, standing={"store": COUNTY_UNIT}, note="", on=DAY, by=cast.actor(name), at=at)
    assert not Move.objects.exists()


def aged(who: dict[str, Any], cast: Cast, at: datetime) -> None:
    city = {"by": cast.actor("shiguan"), "at": at}
    enter(who, "A-1", purchased_on=date(2018, 5, 1), price_fen=30_000)
    enter(who, "A-2", purchased_on=date(2020, 3, 2))
    enter(who, "A-3", purchased_on=date(2020, 3, 3))
    enter(who, "A-4", kind="电视机", purchased_on=date(2018, 5, 1), life_years=10)
    enter(who, "A-5", store=COUNTY_UNIT)
    scrapped = enter(who, "A-6", purchased_on=date(2010, 1, 1))
    commands.scrap_asset(asset=scrapped, document="文", on=DAY, **who)
    enter(city, "A-7", place=FAR_SITE, purchased_on=date(2025, 1, 1))


@pytest.mark.clause("OPS08")
def test_ageing_by_county_and_what_is_to_be_replaced(cast: Cast, at: datetime, who: dict[str, Any]) -> None:
    aged(who, cast, at)
    lines = {line.name: line for line in queries.ageing_by_county(["/"], on=local_day(at))}
    own, far = lines["柳溪县"], lines["石岭县"]
    assert (own.total, own.beyond, own.undated, own.share) == (5, 2, 1, 0.5)
    assert own.years == {2018: 2, 2020: 2}
    assert (far.total, far.beyond, far.share) == (1, 0, 0.0)
    assert [row.code for row in queries.replacement_list(["/"], on=local_day(at))] == ["A-1", "A-2"]
    assert [row.code for row in queries.replacement_list(["/"], on=local_day(at), faulty=["A-7", "A-6"])] == ["A-1", "A-2", "A-7"]
    assert not queries.replacement_list(cast.actor("linxian").paths(Permission.SEE_NETWORK), on=local_day(at)).exists()


def test_a_life_ends_on_its_anniversary() -> None:
    assert bought_before(date(2026, 3, 2), 6) == date(2020, 3, 2)
    assert bought_before(date(2024, 2, 29), 1) == date(2023, 2, 28)


@pytest.mark.clause("OPS08")
def test_the_life_of_a_kind_is_followed_by_all_that_had_none_of_their_own(cast: Cast, at: datetime, who: dict[str, Any]) -> None:
    enter(who, "A-1")
    enter(who, "A-2", life_years=9)
    city = {"by": cast.actor("shiguan"), "at": at}
    assert commands.set_kind_life(kind="机顶盒", years=5, **city) == 1
    enter(who, "A-3")
    assert dict(Asset.objects.values_list("code", "life_years")) == {"A-1": 5, "A-2": 9, "A-3": 5}
    with pytest.raises(Forbidden):
        commands.set_kind_life(kind="机顶盒", years=4, **who)


def test_a_store_below_its_least_stock_is_told_first(cast: Cast, who: dict[str, Any]) -> None:
    store = cast.units[COUNTY_UNIT]
    for number in range(3):
        enter(who, f"A-{number}", store=COUNTY_UNIT)
    enter(who, "B-1", kind="电视机", store=COUNTY_UNIT)
    commands.set_least_stock(store=store, kind="电视机", least=2, **who)
    commands.set_least_stock(store=store, kind="遥控器", least=1, **who)
    lines = [(line.kind, line.spare, line.least, line.is_short) for line in queries.stock(["/"])]
    assert lines == [("电视机", 1, 2, True), ("遥控器", 0, 1, True), ("机顶盒", 3, None, False)]
    commands.set_least_stock(store=store, kind="遥控器", least=0, **who)
    assert [line.kind for line in queries.stock(["/"])] == ["电视机", "机顶盒"]


def test_warranties_about_to_end_and_the_register_on_paper(who: dict[str, Any]) -> None:
    for number, ends in enumerate((DAY, DAY + timedelta(days=90), DAY + timedelta(days=91), DAY - timedelta(days=1))):
        enter(who, f"A-{number}", warranty_ends_on=ends, model="DTV", purchased_on=date(2024, 1, 1), handled_by="赵敏芝")
    assert [row.code for row in queries.warranties_ending(["/"], on=DAY)] == ["A-0", "A-1"]
    [line] = queries.book_lines(["/"])
    assert (line.kind, line.model, line.count, line.purchased_on, line.handled_by) == ("机顶盒", "DTV", 4, date(2024, 1, 1), "赵敏芝")


def test_scrapped_equipment_goes_down_no_more_and_the_rest_with_its_condition(cast: Cast, who: dict[str, Any]) -> None:
    box, broken, path = enter(who, "A-1"), enter(who, "A-2"), cast.divisions["990101000000"].path
    commands.send_to_repair(asset=broken, note="不开机", on=DAY, **who)
    commands.scrap_asset(asset=box, document="文", on=DAY, **who)
    down = offer(path).document
    assert [(row.code, row.condition) for row in from_document(down, Register).assets] == [("A-2", "repair")]


def test_a_copy_takes_the_condition_from_the_document(cast: Cast, who: dict[str, Any]) -> None:
    box, path = enter(who, "A-1"), cast.divisions["990101000000"].path
    commands.send_to_repair(asset=box, note="不开机", on=DAY, **who)
    down = offer(path).document
    Move.objects.all().delete()
    Asset.objects.update(condition=Condition.IN_SERVICE)
    accept(down)
    assert Asset.objects.get(code="A-1").condition == Condition.REPAIR
    accept(down.replace(b',"condition":"repair"', b""))  # of an older machine above
    assert Asset.objects.get(code="A-1").condition == Condition.IN_SERVICE


@pytest.mark.clause("OPS08")
def test_equipment_of_a_retired_site_is_neither_aged_nor_replaced(cast: Cast, at: datetime, who: dict[str, Any]) -> None:
    aged(who, cast, at)
    cast.sites[SITE].__class__.objects.filter(code=SITE).update(lifecycle="retired")
    lines = {line.name: (line.total, line.beyond) for line in queries.ageing_by_county(["/"], on=local_day(at))}
    assert lines == {"柳溪县": (1, 0), "石岭县": (1, 0)}
    assert not queries.replacement_list(["/"], on=local_day(at)).exists()


def test_years_in_use_are_whole_years() -> None:
    assert [years_used(date(2020, 3, 3), date(2026, 3, day)) for day in (2, 3)] == [5, 6]


def test_a_life_for_all_is_set_by_who_answers_for_all(cast: Cast, at: datetime, who: dict[str, Any]) -> None:
    enter(who, "A-1")
    far = enter({"by": cast.actor("linxian"), "at": at}, "A-2", place=FAR_SITE)
    half = Actor("县管", cast.people["xianguan"].uid, (Grant(Role.CITY_ADMIN, cast.divisions["990101000000"].path, 0),))
    with pytest.raises(Forbidden, match="全部设备"):
        commands.set_kind_life(kind="机顶盒", years=4, by=half, at=at)
    far.refresh_from_db()
    assert far.life_years == 6
    assert commands.set_kind_life(kind="机顶盒", years=4, by=cast.actor("shiguan"), at=at) == 2


def test_what_is_entered_with_a_unit_is_issued_to_it(cast: Cast, at: datetime, who: dict[str, Any]) -> None:
    laptop = enter(who, "PC-1", kind="计算机", unit=TOWN_UNIT)
    issue = Issue.objects.get()
    assert (issue.asset_id, issue.unit_id, issue.issued_on, issue.returned_on) == (laptop.pk, cast.units[TOWN_UNIT].pk, local_day(at), None)
    commands.hand_back(asset=laptop, store=cast.units[COUNTY_UNIT], note="", on=local_day(at), **who)
    assert not Issue.objects.filter(returned_on=None).exists()
