"""A node that comes back to a parent it had, with or without a farewell when it left."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.moving import NEW, OLD, Land, all_is_well, enrol_again, node_at, outside, seen
from tests.simulator import LossyLine
from yuanjiao.flow.journal import handover
from yuanjiao.flow.journal.event import Fact
from yuanjiao.flow.journal.membership import NodeEnrolled, apply_enrolled
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.wire.client import Line


@pytest.mark.clause("GOV32")
@pytest.mark.parametrize("former", [NEW, ""])
def test_a_county_that_said_no_farewell_comes_back_and_its_late_word_does_not_shut_it_out(land: Land, former: str) -> None:
    """The old city never heard that it had gone; it hears so now, in the journal, behind the county's return."""
    land.see(land.county, "没送出去")
    land.move(reachable=False)
    land.see(land.county, "在东市", NEW)
    land.see(land.village, "村里在东市")
    land.ship(land.village, land.county, land.east)
    assert node_at(land.west, land.county).moved_at is None, "it could not be told"
    land.move(to=land.west, scope=OLD, former=former)
    land.see(land.county, "回来了")
    land.see(land.village, "村里回来了")
    land.ship(times=3)
    for place, here in ((land.west, ["搬前", "没送出去", "回来了"]), (land.province, ["搬前", "没送出去", "在东市", "回来了"])):
        there = node_at(place, land.county)
        assert (there.moved_at, there.revoked_at, there.scope) == (None, None, OLD)
        assert [text for text in seen(place, land.county) if text in here] == here
        assert "村里回来了" in seen(place, land.village)
    assert ("在东市" in seen(land.west, land.county)) == bool(former), "of the other city it may speak here where its code says so"
    assert node_at(land.east, land.county).moved_to_name == "west"
    assert node_at(land.province, land.county).enrolled_by == node_at(land.province, land.west)
    all_is_well(*([land.west] if former else []), land.province, land.county)


def test_a_county_let_in_again_where_it_stands_is_believed_as_before(land: Land) -> None:
    """With the same scope, by a new code: nothing of what it says changes."""
    land.see(land.county, "还没送")
    enrol_again(land.county, land.west, land.code(land.west, former="", scope=OLD))
    land.see(land.county, "再登记后")
    land.ship(times=3)
    for place in (land.west, land.province):
        assert seen(place, land.county) == ["搬前", "还没送", "再登记后"]
        assert seen(place, land.village) == ["村里搬前"]
    all_is_well(land.county, land.west, land.province)


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
