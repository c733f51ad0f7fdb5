"""A node that gets another parent or another scope: what it says is believed by where it stood when it said it, nothing is lost or
doubled, who it leaves knows where it went, and it trusts the new catalogue by its enrolment alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.flow.moving import LIES_AT, NEW, OLD, WEST, Land, Seen, all_is_well, enrol_again, node_at, outside, seen
from tests.flow.notices import NOTICES
from tests.simulator import LossyLine, Machine, World
from yuanjiao.flow.catalogue.passing import change_parent
from yuanjiao.flow.catalogue.publish import publish
from yuanjiao.flow.journal import handover
from yuanjiao.flow.journal.models import Entry, Unapplied
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.flow.nodes.models import Node, NodePlace
from yuanjiao.flow.nodes.moving import follow_division, let_go
from yuanjiao.flow.nodes.queries import parent_node, subjects_gone, subjects_with_a_node
from yuanjiao.flow.wire.client import Line


@pytest.mark.clause("GOV32")
def test_a_county_that_moves_is_told_where_it_belongs_and_counted_once_above(land: Land) -> None:
    land.see(land.county, "还没送")
    done = land.move()
    assert (done.parent.name, done.unacknowledged, done.farewell) == ("east", 0, "")
    land.see(land.county, "搬后", NEW)
    land.ship()
    assert seen(land.west, land.county) == ["搬前", "还没送"]
    assert seen(land.east, land.county) == ["搬后"], "what the old parent acknowledged stays with it"
    assert seen(land.province, land.county) == ["搬前", "还没送", "搬后"]
    all_is_well(land.county, land.west, land.east, land.province)
    there = node_at(land.province, land.county)
    assert there.enrolled_by is not None
    assert (there.enrolled_by.name, there.scope, there.revoked_at) == ("east", NEW, None)


@pytest.mark.clause("GOV32")
def test_the_old_parent_shows_the_county_as_moved_and_takes_nothing_later(land: Land) -> None:
    land.move()
    gone = node_at(land.west, land.county)
    assert gone.moved_at is not None
    assert (gone.moved_to_name, gone.moved_to) == ("east", land.east.node().uid)
    assert node_at(land.west, land.village).moved_at == gone.moved_at
    with land.west.here():
        assert subjects_gone() == {"E-990101", "S-1"}
        assert subjects_with_a_node() == {"E-990101", "S-1"}, "its sites are not this city's to hear"
        before = Entry.objects.count()
    land.county.line = land.former_line  # somebody left the old address in the settings
    land.see(land.county, "送错了", NEW)
    with pytest.raises(Exception, match="已移交 east"), land.county.here():
        land.county.shipper.turn(land.county.now)
    with land.west.here():
        assert Entry.objects.count() == before


@pytest.mark.clause("GOV32")
def test_what_a_county_recorded_while_it_was_cut_off_is_taken_by_the_new_parent(land: Land) -> None:
    for day in range(30):
        land.see(land.county, f"断线第{day}天")
        land.see(land.village, f"村里第{day}天")
    land.ship(land.village)
    land.world.pass_time(30 * 86_400)
    done = land.move(reachable=False)
    assert (done.unacknowledged, bool(done.farewell)) == (60, True)
    land.see(land.county, "搬后", NEW)
    land.ship(land.county, land.east)
    said = [f"断线第{day}天" for day in range(30)]
    assert seen(land.west, land.county) == ["搬前"]
    assert seen(land.east, land.county) == [*said, "搬后"]
    assert seen(land.province, land.county) == ["搬前", *said, "搬后"]
    assert node_at(land.west, land.county).moved_at is None, "it could not be told"
    with land.county.here():
        line = Line("http://parent.test", transport=land.former_line, now=lambda: land.county.now)
        handover.say_farewell(line, at=land.county.now)
    assert seen(land.west, land.county) == ["搬前", *said], "up to the last entry of the old time, and no further"
    assert node_at(land.west, land.county).moved_to_name == "east"
    land.ship(land.west)
    assert seen(land.province, land.county) == ["搬前", *said, "搬后"]
    all_is_well(land.county, land.west, land.province)


@pytest.mark.clause("GOV32")
def test_the_word_of_the_new_parent_may_come_before_the_countys_own(land: Land) -> None:
    """At the province, which hears of it by way of both cities, in any order."""
    land.see(land.county, "断线时")
    land.move(reachable=False)
    land.see(land.county, "搬后", NEW)
    land.east.ship()  # the eastern city tells that it let the county in; of the county itself there is nothing yet
    there = node_at(land.province, land.county)
    assert there.enrolled_by is not None
    assert there.enrolled_by.name == "west"
    with land.province.here():
        assert Unapplied.objects.count() == 1
    land.ship(land.county, land.east)
    assert seen(land.province, land.county) == ["搬前", "断线时", "搬后"]
    assert node_at(land.province, land.county).scope == NEW
    all_is_well(land.province)


def test_nobody_takes_a_node_from_another_without_its_own_word(land: Land) -> None:
    county = land.county.node()
    with land.east.here():
        stolen = Node.objects.create(
            uid=county.uid, kind="edge", name="抢来的", public_key=bytes(county.public_key), scope=NEW, enrolled_at=land.east.now,
            enrolled_by=Node.objects.get(is_self=True), untold="enrolled",
        )  # fmt: skip
        assert stolen.pk
    land.ship(land.east)
    there = node_at(land.province, land.county)
    assert there.enrolled_by is not None
    assert (there.enrolled_by.name, there.scope) == ("west", OLD)


@pytest.mark.clause("GOV32")
def test_the_county_follows_the_new_citys_catalogue_without_an_alarm(land: Land) -> None:
    land.county.come_down()
    with land.county.here():
        assert NOTICES.shown() == ["西市的目录"]
    for number in range(3):  # the western catalogue is the newer one by far
        NOTICES.texts = (f"西市的目录{number}",)
        with land.west.here():
            publish(land.west.now)
        land.world.pass_time(60)
    NOTICES.texts = ("西市的目录",)
    land.move()
    with land.county.here():
        assert NOTICES.shown() == ["西市的目录"], "until the first one of the new city is here"
    assert land.county.come_down() == []
    with land.county.here():
        assert NOTICES.shown() == ["东市的目录"]
        parent = parent_node()
        assert parent is not None
        assert parent.name == "east"


def test_a_village_below_trusts_the_new_city_when_it_enrols_again(land: Land) -> None:
    land.county.come_down()
    land.village.come_down()
    land.move()
    land.county.come_down()
    with land.county.here():
        uid = land.village.node().uid
    land.village.come_down()
    with land.village.here():
        assert NOTICES.shown() == ["西市的目录"], "nobody in the middle gives it another centre to trust"
    with land.county.here():
        code = issue_code(kind="site", name="村", subject_code="S-1", scope=NEW, at=land.county.now)
        assert uid
    enrol_again(land.village, land.county, code)
    land.world.pass_time(700)
    assert land.village.come_down() == []
    with land.village.here():
        assert NOTICES.shown() == ["东市的目录"]
    land.see(land.village, "村里搬后", NEW)
    land.ship(times=3)
    assert seen(land.east, land.village) == ["村里搬后"]
    assert seen(land.province, land.village) == ["村里搬前", "村里搬后"]


@pytest.mark.parametrize("steps", range(1, 40, 6))
def test_a_move_that_is_cut_anywhere_is_run_again(land: Land, steps: int) -> None:
    land.see(land.county, "还没送")
    with land.east.here():
        code = issue_code(kind="edge", name="柳溪县", subject_code="E-990101", scope=NEW, former_scope=OLD, at=land.east.now)
    county, old = land.county, land.county.line
    assert old is not None

    def go() -> None:
        lines = [Line("http://parent.test", transport=line, now=lambda: county.now) for line in (old, LossyLine(land.east, county))]
        done = handover.move(old=lines[0], new=lines[1], code=code, at=county.now)
        change_parent(done.root)

    county.dies_in = steps
    if not county.does(go):
        land.world.pass_time(60)
        with county.here():
            go()
    county.hang_on(land.east)
    county.restart()
    land.see(county, "搬后", NEW)
    land.ship(times=3)
    assert seen(land.province, county) == ["搬前", "还没送", "搬后"]
    all_is_well(land.province, county)


@pytest.mark.clause("GOV32")
@pytest.mark.usefixtures("seen_wired")
def test_when_the_tree_changes_on_a_date_late_entries_of_before_are_believed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One city; the county's division goes to another part of the tree while the county, and the wider node it belonged to, are away."""
    province, west, county = world.machine("province", "centre"), world.machine("west", "edge"), world.machine("county", "edge")
    with province.here():
        publish(province.now)
    west.join(province, scope=WEST)
    county.join(province, subject_code="E-990101", scope=OLD)

    def see(machine: Machine, text: str, path: str) -> None:
        with machine.here():
            record(Seen(text=text, path=path), at=machine.now)

    monkeypatch.setitem(LIES_AT, "县里的站点", OLD)
    see(west, "西市看县里，变更前", "县里的站点")
    see(county, "变更前", OLD)
    world.pass_time(86_400)
    with province.here():
        assert follow_division(old=OLD, new=NEW, at=province.now) == 1
    world.pass_time(86_400)
    see(county, "县里还不知道", OLD)
    with county.here():
        follow_division(old=OLD, new=NEW, at=county.now)
    see(county, "县里知道了", NEW)
    see(west, "西市看县里，变更后", "县里的站点")
    monkeypatch.setitem(LIES_AT, "县里的站点", NEW)  # what the province's register says when all this comes
    for machine in (west, county):
        machine.ship()
    assert seen(province, county) == ["变更前", "县里还不知道", "县里知道了"]
    assert seen(province, west) == ["西市看县里，变更前"]
    with province.here():
        assert "范围以外" in Unapplied.objects.get().reason


def test_an_operator_of_the_old_parent_lets_a_lost_node_go(land: Land) -> None:
    with land.west.here():
        let_go(node=Node.objects.get(uid=land.county.node().uid), to_name="东市", at=land.west.now)
        with pytest.raises(Exception, match="已经移交"):
            let_go(node=Node.objects.get(uid=land.county.node().uid), to_name="东市", at=land.west.now)
    assert node_at(land.west, land.county).moved_to_name == "东市"
    land.ship(land.west)
    assert node_at(land.province, land.county).revoked_at is None, "above nothing is known of it but by the county's own word"


def test_a_late_entry_is_judged_by_its_number_and_not_by_a_clock_that_was_wrong(land: Land) -> None:
    land.county.skew_s = timedelta(days=400).total_seconds()
    land.see(land.county, "钟快了四百天")
    land.county.skew_s = 0.0
    land.move(reachable=False)
    land.ship(land.county, land.east)
    assert seen(land.east, land.county) == ["钟快了四百天"]


@pytest.mark.clause("GOV32")
@pytest.mark.parametrize("former", [OLD, ""])
def test_a_clock_that_is_set_back_gives_nobody_its_former_place_again(land: Land, former: str) -> None:
    """Whoever holds the county's key sets its clock to 1970 after the move; with or without a former scope in the code."""
    land.move(former=former)
    land.ship()
    land.county.skew_s = -timedelta(days=50 * 365).total_seconds()
    with land.county.here():
        NodePlace.objects.filter(node__is_self=True, valid_to__isnull=False).update(last_seq=None)  # it believes itself
    land.see(land.county, "还在说西市")
    land.ship()
    assert [seen(place, land.county) for place in (land.east, land.province)] == [[], ["搬前"]]


@pytest.mark.clause("GOV32")
def test_what_the_old_parent_has_of_the_villages_still_comes_to_the_province(land: Land) -> None:
    land.see(land.village, "村里最后一条")
    land.ship(land.village, land.county)  # as far as the western city
    land.move(to=outside(land), scope=OLD)
    land.see(land.village, "搬后")
    land.ship(land.village)
    land.ship(land.west)  # the county's going comes before the village's entries
    assert node_at(land.province, land.village).moved_at is not None
    assert seen(land.province, land.village) == ["村里搬前", "村里最后一条"]
    all_is_well(land.west, land.province)
