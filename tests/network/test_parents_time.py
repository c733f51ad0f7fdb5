"""A machine whose clock is wrong writes its facts in its parent's time, as the parent's answers last told it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.network.listening import ALL, LIU, Night
from yuanjiao.flow.nodes.commands import note_clock
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.flow.nodes.queries import own_node, parent_ahead_s
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import commands
from yuanjiao.network.models import ListeningGap, PlayTest, StateChange
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
AHEAD = timedelta(minutes=4)


@pytest.fixture
def parent(cast: Cast, at: datetime) -> Node:
    """A parent whose clock is four minutes ahead of ours."""
    own_node()
    parent = Node.objects.create(uid=new_uid(), kind=NodeKind.CENTRE, name="上级", public_key=b"p" * 32, is_parent=True, enrolled_at=at)
    note_clock(node=parent, offset_s=-AHEAD.total_seconds())
    return parent


def test_at_the_top_there_is_no_other_time(cast: Cast) -> None:
    assert parent_ahead_s() == 0.0


def test_silence_and_return_are_written_in_the_parents_time(cast: Cast, at: datetime, parent: Node) -> None:
    night, silent = Night(cast, at), LIU[0]
    night.passes(2)
    last = at + timedelta(minutes=1)
    night.passes(4, beating=set(ALL) - {silent})
    back = night.now
    night.passes(1)
    rows = StateChange.objects.filter(object=cast.sites[silent]).order_by("at")
    assert [(row.state, row.at) for row in rows] == [("up", at + AHEAD), ("down", last + AHEAD), ("up", back + AHEAD)]
    assert rows[1].last_heard_at == last + AHEAD


def test_a_restart_does_not_shift_twice(cast: Cast, at: datetime, parent: Node) -> None:
    night = Night(cast, at)
    night.passes(2)
    night.restarts(after_minutes=3)
    started = night.now
    gap = ListeningGap.objects.get()
    assert gap.end == started + AHEAD
    assert gap.start <= at + timedelta(minutes=2) + AHEAD
    night.passes(1)
    back = StateChange.objects.get(object=cast.sites[LIU[0]], until=None)
    assert (back.state, back.at) == ("up", started + AHEAD)


def test_a_play_test_is_written_in_the_parents_time(cast: Cast, at: datetime, parent: Node) -> None:
    uid = commands.record_play_test(site=LIU[0], ok=True, step="", item="试播片", sent_at="", at=at)
    assert PlayTest.objects.get(uid=uid).at == at + AHEAD
