"""What a code says of a move: what was recorded before it, what its subtree was called, how long it may be asked again."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx
import msgspec
import pytest

from tests.flow.moving import NEW, OLD, Land, all_is_well, enrol_again, node_at, places_at, seen
from tests.simulator import LossyLine, Machine
from yuanjiao.flow.journal import handover
from yuanjiao.flow.journal.event import Fact
from yuanjiao.flow.journal.membership import NodeEnrolled, apply_enrolled
from yuanjiao.flow.journal.models import Entry, Head
from yuanjiao.flow.journal.queries import own_seq
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.codes import code_hash
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.flow.nodes.models import EnrolmentCode, Node
from yuanjiao.flow.nodes.moving import Came
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.join import ask_in
from yuanjiao.lib.errors import Refused
from yuanjiao.lib.uid import new_uid


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
