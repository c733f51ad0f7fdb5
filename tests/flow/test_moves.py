"""A node that gets another parent or another scope: what it says is believed by where it stood when it said it, nothing is lost or
doubled, who it leaves knows where it went, and it trusts the new catalogue by its enrolment alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

import httpx
import msgspec
import pytest

from tests.flow import happenings
from tests.flow.notices import LOCAL, NOTICES
from tests.simulator import Fate, LossyLine, Machine, World
from yuanjiao.flow.blobs import fetch
from yuanjiao.flow.catalogue import shelf as shelves_table
from yuanjiao.flow.catalogue.passing import change_parent
from yuanjiao.flow.catalogue.publish import publish
from yuanjiao.flow.journal import applying, handover
from yuanjiao.flow.journal.event import Event, EventTable, Fact
from yuanjiao.flow.journal.membership import NodeEnrolled, apply_enrolled
from yuanjiao.flow.journal.models import Entry, Head, Unapplied
from yuanjiao.flow.journal.queries import former_seq, own_seq
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.codes import code_hash
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.flow.nodes.models import EnrolmentCode, Node, NodePlace
from yuanjiao.flow.nodes.moving import Came, follow_division, let_go
from yuanjiao.flow.nodes.queries import parent_node, require_told_of, subjects_gone, subjects_with_a_node
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.join import ask_in
from yuanjiao.lib.errors import Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import AuditRow

WEST, EAST = "/990000000000/990100000000/", "/990000000000/990200000000/"
OLD, NEW = f"{WEST}990101000000/", f"{EAST}990101000000/"


class Seen(Event, frozen=True, kw_only=True):
    """Something was seen at a place."""

    KIND: ClassVar[str] = "tests.seen/1"

    text: str
    path: str


LIES_AT: dict[str, str] = {}
"""Where the register of a machine has a site now; what is told of it is judged by that."""


def apply_seen(event: Seen, fact: Fact) -> None:
    require_told_of([fact], [LIES_AT.get(event.path, event.path)])
    AuditRow.objects.create(at=fact.at, actor_name=str(fact.origin), action="seen", subject=event.text)


EVENTS: EventTable = {**happenings.EVENTS, Seen.KIND: (Seen, apply_seen)}


@pytest.fixture(autouse=True)
def wired(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.YUANJIAO_EVENTS = "tests.flow.test_moves.EVENTS"  # type: ignore[attr-defined]
    settings.YUANJIAO_SHELVES = "tests.flow.notices.SHELVES"  # type: ignore[attr-defined]
    monkeypatch.setattr(fetch, "PAUSE_S", 0.0)
    NOTICES.texts, NOTICES.blobs, LOCAL.texts, LOCAL.blobs = ("开学了",), (), (), ()
    for table in (applying.event_table, shelves_table.shelves):
        table.cache_clear()
    yield
    for table in (applying.event_table, shelves_table.shelves):
        table.cache_clear()


class Land:
    """A province with two cities, each signing a catalogue of its own; a county and a village of the western one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.province, self.west, self.east = (world.machine(name, "centre") for name in ("province", "west", "east"))
        self.county, self.village = world.machine("county", "edge"), world.machine("village", "site")
        for name, machine in (("省", self.province), ("西市", self.west), ("东市", self.east)):
            NOTICES.texts = (f"{name}的目录",)
            with machine.here():
                publish(machine.now)
        self.west.join(self.province, kind="centre", scope=WEST)
        self.east.join(self.province, kind="centre", scope=EAST)
        self.county.join(self.west, subject_code="E-990101", scope=OLD)
        self.village.join(self.county, subject_code="S-1", scope=OLD)

    def see(self, machine: Machine, text: str, path: str = OLD) -> None:
        with machine.here():
            record(Seen(text=text, path=path), at=machine.now)

    def ship(self, *machines: Machine, times: int = 2) -> None:
        for _ in range(times):
            self.world.pass_time(4000)
            for machine in machines or (self.village, self.county, self.west, self.east):
                machine.ship()
        with self.province.here():
            applying.retry_set_aside(self.province.now)  # as its job does

    def code(self, to: Machine, *, former: str, scope: str) -> str:
        with to.here():
            return issue_code(kind="edge", name="柳溪县", subject_code="E-990101", scope=scope, former_scope=former, at=to.now)

    def move(
        self, *, former: str = OLD, scope: str = NEW, reachable: bool = True, to: Machine | None = None, code: str = ""
    ) -> handover.Handover:
        """The operator's command at the county; its line leads to the other city, the eastern one if none is named, from then on."""
        to = to or self.east
        code = code or self.code(to, former=former, scope=scope)
        old, county = self.county.line, self.county
        assert old is not None
        old.fates.extend([] if reachable else [Fate.LOST] * 50)
        lines = [Line("http://parent.test", transport=line, now=lambda: county.now) for line in (old, LossyLine(to, county))]
        with county.here():
            done = handover.move(old=lines[0], new=lines[1], code=code, at=county.now)
            change_parent(done.root)
        old.fates.clear()
        self.former_line = old
        county.hang_on(to)
        county.restart()
        county.client = None
        return done


@pytest.fixture
def land(world: World) -> Land:
    made = Land(world)
    made.see(made.county, "搬前")
    made.see(made.village, "村里搬前")
    made.ship()
    return made


def seen(place: Machine, who: Machine) -> list[str]:
    uid = str(who.node().uid)
    with place.here():
        return list(AuditRow.objects.filter(action="seen", actor_name=uid).order_by("pk").values_list("subject", flat=True))


def all_is_well(*machines: Machine) -> None:
    for machine in machines:
        with machine.here():
            assert verify_journal().faults == []
            assert verify_journal(archive=True).faults == []
            assert [str(row) for row in Unapplied.objects.all()] == []
            assert replay(at=machine.now, keep=False).changed == ()


def node_at(place: Machine, who: Machine) -> Node:
    uid = who.node().uid
    with place.here():
        return Node.objects.select_related("enrolled_by").get(uid=uid)


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


def test_the_county_comes_back_and_goes_on_where_it_stood(land: Land) -> None:
    land.move()
    land.see(land.county, "在东市", NEW)
    land.ship()
    with land.west.here():
        code = issue_code(kind="edge", name="柳溪县", subject_code="E-990101", scope=OLD, former_scope=NEW, at=land.west.now)
    county = land.county
    lines = [Line("http://parent.test", transport=LossyLine(far, county), now=lambda: county.now) for far in (land.east, land.west)]
    with county.here():
        handover.move(old=lines[0], new=lines[1], code=code, at=county.now)
    county.hang_on(land.west)
    county.restart()
    land.see(county, "回来了")
    land.ship(times=3)
    assert seen(land.province, county) == ["搬前", "在东市", "回来了"]
    assert seen(land.west, county) == ["搬前", "在东市", "回来了"], "what it acknowledged to the other city is asked for"
    assert node_at(land.west, county).revoked_at is None
    assert node_at(land.east, county).moved_to_name == "west"
    with land.province.here():
        assert replay(at=land.province.now, keep=False).changed == ()
    assert node_at(land.province, county).scope == OLD


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


def enrol_again(child: Machine, parent: Machine, code: str) -> None:
    from yuanjiao.flow.catalogue.passing import pass_root_on
    from yuanjiao.flow.catalogue.trust import pin_root
    from yuanjiao.flow.wire.join import join

    line = Line("http://parent.test", transport=LossyLine(parent, child), now=lambda: child.now)
    with child.here():
        _, root = join(line=line, code=code, at=child.now, last_seq=former_seq())
        pin_root(root)
        pass_root_on(root)


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


def test_a_code_that_names_the_former_scope_gives_a_child_another(land: Land) -> None:
    narrow = f"{OLD}990101001000/"
    with land.west.here():
        code = issue_code(kind="edge", name="柳溪县", subject_code="E-990101", scope=narrow, former_scope=OLD, at=land.west.now)
    land.see(land.county, "全县，还没送")
    enrol_again(land.county, land.west, code)
    land.see(land.county, "一镇", narrow)
    with pytest.raises(Refused, match="范围以外"):
        land.see(land.county, "全县，不再管")
    land.ship()
    assert seen(land.west, land.county) == ["搬前", "全县，还没送", "一镇"]
    assert seen(land.province, land.county) == ["搬前", "全县，还没送", "一镇"]
    all_is_well(land.county, land.west, land.province)


def test_an_operator_of_the_old_parent_lets_a_lost_node_go(land: Land) -> None:
    with land.west.here():
        let_go(node=Node.objects.get(uid=land.county.node().uid), to_name="东市", at=land.west.now)
        with pytest.raises(Exception, match="已经移交"):
            let_go(node=Node.objects.get(uid=land.county.node().uid), to_name="东市", at=land.west.now)
    assert node_at(land.west, land.county).moved_to_name == "东市"
    land.ship(land.west)
    assert node_at(land.province, land.county).revoked_at is None, "above nothing is known of it but by the county's own word"


def test_a_parent_of_before_asks_for_the_whole_journal_and_gets_it(land: Land) -> None:
    """It does not know where the journal begins for it: then nothing is left out."""

    class Before(LossyLine):
        def _reach(self, request: httpx.Request, body: bytes) -> httpx.Response:
            if request.url.path == "/enrol":
                said = {k: v for k, v in msgspec.json.decode(body).items() if k in {"code", "uid", "public_key", "proof"}}
                body = msgspec.json.encode(said)
            return super()._reach(request, body)

    with land.east.here():
        code = issue_code(kind="edge", name="柳溪县", subject_code="E-990101", scope=NEW, former_scope="", at=land.east.now)
    county, old = land.county, land.county.line
    assert old is not None
    with county.here():
        lines = [Line("http://parent.test", transport=line, now=lambda: county.now) for line in (old, Before(land.east, county))]
        handover.move(old=lines[0], new=lines[1], code=code, at=county.now)
    county.hang_on(land.east)
    county.restart()
    land.see(county, "搬后", NEW)
    land.ship(times=3)
    with land.east.here():
        head = Head.objects.get(origin__uid=county.node().uid)
        assert (head.kept_from, Entry.objects.filter(origin=head.origin).count()) == (1, head.seq)


def test_where_a_journal_begins_only_its_owner_says(land: Land) -> None:
    class Liar(LossyLine):
        def _reach(self, request: httpx.Request, body: bytes) -> httpx.Response:
            if request.url.path == "/enrol":
                body = msgspec.json.encode(msgspec.json.decode(body) | {"start_seq": 1_000_000})
            return super()._reach(request, body)

    with land.east.here():
        code = issue_code(kind="edge", name="柳溪县", subject_code="E-990101", scope=NEW, at=land.east.now)
    county = land.county
    with county.here(), pytest.raises(Refused, match="不是这个节点说的"):
        handover.move(
            old=None, new=Line("http://parent.test", transport=Liar(land.east, county), now=lambda: county.now), code=code, at=county.now
        )
    assert node_at(land.west, county).moved_at is None


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
def test_a_county_that_went_outside_the_province_and_comes_back_is_believed_again(land: Land) -> None:
    abroad = outside(land)
    land.move(to=abroad, scope=OLD)
    land.ship(land.west)
    assert node_at(land.province, land.county).moved_at is not None
    land.move(to=land.west, scope=OLD, former="")
    land.see(land.county, "回来了")
    land.see(land.village, "村里回来了")
    land.ship(land.village, land.county, land.west, times=3)
    assert node_at(land.province, land.county).revoked_at is None
    assert seen(land.province, land.county) == ["搬前", "回来了"]
    assert seen(land.province, land.village) == ["村里搬前", "村里回来了"]
    all_is_well(land.county, land.west, land.province)


def test_a_gone_county_does_not_come_back_by_an_old_word(land: Land) -> None:
    """The western city's word that it let the county in, and the village's, said again after it has gone."""
    land.move(to=outside(land), scope=OLD)
    land.ship(land.west)
    with land.province.here():
        replay(at=land.province.now, keep=False)
        gone = Node.objects.get(uid=land.county.node().uid)
        west = land.west.node().uid
        for last_seq in (None, 0, 1):
            told: dict[str, Any] = {
                "kind": "edge",
                "name": "柳溪县",
                "public_key": bytes(gone.public_key),
                "subject_code": "E-990101",
                "scope": OLD,
            }
            event = NodeEnrolled(node=gone.uid, enrolled_at=gone.enrolled_at, last_seq=last_seq, **told)
            apply_enrolled(event, Fact(west, 1, land.province.now))
    assert node_at(land.province, land.county).moved_at is not None
    assert node_at(land.province, land.village).moved_at is not None


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


def outside(land: Land) -> Machine:
    """A city that does not stand below the province, with a catalogue of its own."""
    made = land.world.machine("abroad", "centre")
    with made.here():
        publish(made.now)
    return made


def test_a_former_name_is_not_taken_from_a_place_the_recorder_has_lost(land: Land) -> None:
    """Whoever holds the county's key lets in nodes that are to speak of what the county has left."""
    land.move()
    land.ship()

    def called(place: Machine, former: str, key: bytes) -> list[str]:
        with place.here():
            told: dict[str, Any] = {
                "kind": "site",
                "name": "新来的",
                "public_key": key * 32,
                "subject_code": "",
                "scope": f"{NEW}990101001000/",
            }
            event = NodeEnrolled(node=new_uid(), former_scope=former, enrolled_at=place.now, **told)
            apply_enrolled(event, Fact(land.county.node().uid, 1000, place.now))
            return [one.scope for one in Node.objects.get(uid=event.node).places.all() if one.scope != event.scope]

    village, other = f"{OLD}990101001000/", f"{OLD}990101002000/"
    assert called(land.province, village, b"a") == [], "there the villages of the old time are known"
    assert called(land.east, other, b"b") == [], "another place of the old subtree"
    assert called(land.east, village, b"c") == [village], "where everything below the county is new"


def test_enrolling_at_another_parent_is_refused_before_the_code_is_shown(land: Land) -> None:
    code = land.code(land.east, former=OLD, scope=NEW)
    with pytest.raises(Refused, match="nodes move"):
        enrol_again(land.county, land.east, code)
    with land.east.here():
        assert EnrolmentCode.objects.get(code_hash=code_hash(code)).used_at is None
    land.move(code=code)
    land.see(land.county, "搬后", NEW)
    land.ship()
    assert seen(land.east, land.county) == ["搬后"], "it begins behind what the old parent has"


def places_at(place: Machine, who: Machine) -> list[tuple[str, int, int | None]]:
    node = node_at(place, who)
    with place.here():
        return list(node.places.order_by("pk").values_list("scope", "first_seq", "last_seq"))


def test_a_used_code_moves_the_boundary_only_until_the_new_place_has_spoken(land: Land) -> None:
    code = land.code(land.east, former=OLD, scope=NEW)
    land.move(code=code)
    with land.county.here():
        last_word = own_seq()
    for text in ("搬后", "又一条"):
        land.see(land.county, text, NEW)
        enrol_again(land.county, land.east, code)  # the answer was not lost at all
        assert (OLD, 0, last_word) in places_at(land.east, land.county)
        land.ship()
    with land.county.here():
        line = Line("http://parent.test", transport=LossyLine(land.east, land.county), now=lambda: land.county.now)
        county = land.county.node()
        asked: dict[str, Any] = {"code": code, "uid": county.uid, "public_key": bytes(county.public_key), "sign": keys.sign}
        ask_in(line=line, came=Came(own_seq()), **asked)  # as a programme of before, or who wants the old place back
    assert (OLD, 0, last_word) in places_at(land.east, land.county)
    assert seen(land.east, land.county) == ["搬后", "又一条"]
    all_is_well(land.east)


@pytest.mark.parametrize(("hours", "moves"), [(70, True), (80, False)])
def test_a_used_code_moves_the_boundary_for_some_days(land: Land, hours: float, moves: bool) -> None:
    code = land.code(land.east, former=OLD, scope=NEW)
    ask = partial(ask_in, code=code, uid=land.county.node().uid, public_key=bytes(land.county.node().public_key), sign=keys.sign)
    line = Line("http://parent.test", transport=LossyLine(land.east, land.county), now=lambda: land.county.now)
    with land.county.here():
        ask(line=line, came=Came(own_seq()))  # and the answer is lost
    before = places_at(land.east, land.county)
    land.see(land.county, "还在西市")
    land.world.pass_time(hours * 3600)
    with land.county.here():
        ask(line=line, came=Came(own_seq()))
    assert (places_at(land.east, land.county) != before) == moves
    with land.county.here():
        ask(line=line, code=land.code(land.east, former=OLD, scope=NEW), came=Came(own_seq()))
        last = own_seq()
    assert (OLD, 0, last) in places_at(land.east, land.county), "a new code lets it speak of what it recorded meanwhile"
