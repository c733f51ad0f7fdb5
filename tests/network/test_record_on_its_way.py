"""A month's record comes in segment by segment: what was dark at the end of one of them may be over in the next."""

from __future__ import annotations

import pytest

from tests.network.telling import Telling, after
from tests.network.test_outage_stories import story
from yuanjiao.network.models import OutageVerdict, Watermark

pytestmark = pytest.mark.django_db


def cut_and_heard_again(tree: Telling) -> None:
    """E1 is cut off at 3 and beats again at 40; its record is complete here up to 2."""
    tree.edges_speak(after(2), "E1", "E2")
    tree.turn(after(2))
    tree.tell("down", "E1", at=after(3))
    tree.edges_speak(after(40), "E2")
    tree.turn(after(8))
    tree.tell("up", "E1", at=after(40))
    Watermark.objects.filter(observer=tree.nodes["E1"]).update(said_at=after(40), said_through=after(40))


def test_a_silence_whose_end_is_still_on_its_way_raises_no_alarm() -> None:
    tree = Telling(nodes=True)
    cut_and_heard_again(tree)
    tree.turn(after(40))
    tree.tell("down", "L2-1", at=after(10))
    tree.turn(after(40.2))
    assert tree.roots() == {}
    assert story("L2-1") == [(10, None)]
    tree.tell("up", "L2-1", at=after(25))
    tree.turn(after(40.4))
    tree.edges_speak(after(41), "E1")
    tree.turn(after(41))
    assert tree.roots() == {}
    assert story("L2-1") == [(10, 25)]
    assert [row.rule for row in OutageVerdict.objects.filter(outage__object__code="L2-1")] == ["site_alone"]


def test_a_record_that_is_always_some_minutes_late_is_told_as_it_comes() -> None:
    tree = Telling(nodes=True)
    cut_and_heard_again(tree)
    Watermark.objects.filter(observer=tree.nodes["E1"]).update(held_through=after(30), held_at=after(35))
    tree.tell("down", "L2-1", at=after(29))
    tree.turn(after(40.2))
    assert tree.roots() == {"L2-1": "equipment"}


def test_a_silence_that_the_whole_record_leaves_open_is_told_when_the_record_is_here() -> None:
    tree = Telling(nodes=True)
    cut_and_heard_again(tree)
    tree.tell("down", "L2-1", at=after(10))
    tree.turn(after(40.2))
    assert tree.roots() == {}
    tree.edges_speak(after(41), "E1")
    tree.turn(after(41))
    assert tree.roots() == {"L2-1": "equipment"}
    assert story("L2-1") == [(10, None)]
