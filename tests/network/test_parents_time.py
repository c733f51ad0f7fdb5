"""A machine whose clock is wrong writes its facts in its parent's time, as the parent's answers last told it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from tests.network.listening import ALL, LIU, Night
from yuanjiao.flow.nodes.commands import note_clock
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.flow.nodes.queries import own_node, parent_ahead_s
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import commands
from yuanjiao.network.commands import set_rhythm
from yuanjiao.network.commands.checks import record_findings
from yuanjiao.network.commands.moments import learn_parents_time
from yuanjiao.network.events import Finding
from yuanjiao.network.inputs import SiteBeat, hear_site
from yuanjiao.network.jobs import sweep
from yuanjiao.network.live import Listener
from yuanjiao.network.models import EdgeCheck, ListeningGap, ListeningMark, PlayTest, StateChange
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


class CutOff(Night):
    """A machine below that no answer reaches: only its own clocks tell it the time, one that may be set and one that never is."""

    def __init__(self, cast: Cast, at: datetime) -> None:
        self.set_by, self.steady = timedelta(0), 1000.0
        super().__init__(cast, at)
        self.turn()

    def turn(self) -> None:
        sweep(self.now + self.set_by, listener=self.listener, steady=self.steady + self.now.timestamp())

    def beat(self, code: str) -> bool:
        told = (self.now + self.set_by).timestamp()
        return hear_site(self.listener, SiteBeat(code, self.cast.sites[code].beat_key), told)


@pytest.mark.parametrize("by", [-1800.0, -20.0, 25.0])
def test_a_clock_that_is_set_during_a_cut_moves_no_date(cast: Cast, at: datetime, parent: Node, by: float) -> None:
    night, silent = CutOff(cast, at), LIU[0]
    night.passes(2)
    night.set_by = timedelta(seconds=by)
    night.passes(2)
    last = at + timedelta(minutes=3)
    night.passes(5, beating=set(ALL) - {silent})
    back = night.now
    night.passes(1)
    rows = StateChange.objects.filter(object=cast.sites[silent]).order_by("pk")
    assert [(row.state, row.at) for row in rows] == [("up", at + AHEAD), ("down", last + AHEAD), ("up", back + AHEAD)]
    assert parent_ahead_s() == AHEAD.total_seconds() - by
    assert not ListeningGap.objects.exists()


@pytest.mark.parametrize("seed", range(6))
def test_a_line_cut_under_a_clock_that_is_set_again_and_again_is_told_as_it_was(cast: Cast, at: datetime, parent: Node, seed: int) -> None:
    """Set back and forward at any moment of beats, silences and sweeps; boxes of two rhythms; the process starts anew in mid-cut."""
    draw, slow = random.Random(seed), LIU[1]
    set_rhythm(subject=cast.sites[slow], period_s=300, grace_s=120, by=cast.actor("shiguan"), at=at)
    cut, length = draw.uniform(400, 700), 3000
    back = cut + draw.uniform(700, 1500)
    heard = {code: beats_of(draw, 300 if code == slow else 60, length, (cut, back) if code in LIU[:2] else (0, 0)) for code in ALL}
    moments = [
        cut + draw.uniform(-60, 60),
        cut + draw.uniform(60, 440),
        back + draw.uniform(-60, 60),
        *(draw.uniform(0, 2900) for _ in range(3)),
    ]
    steps = {moment: draw.choice([draw.uniform(-1800, -2), draw.uniform(2, 29)]) for moment in moments}
    night = CutOff(cast, at)
    deeds = [(beat, 2, code) for code, beats in heard.items() for beat in beats]
    deeds += [(float(sweep), 1, "") for sweep in range(10, length, 10)] + [(moment, 0, "") for moment in steps] + [(cut + 500.5, 3, "")]
    for moment, what, code in sorted(deeds):
        night.now = at + timedelta(seconds=moment)
        if what == 0:
            night.set_by += timedelta(seconds=steps[moment])
        elif what == 1:
            night.turn()
        elif what == 2:
            night.beat(code)
        else:
            night.listener = Listener()
            night.turn()
    for code, beats in heard.items():
        rows = StateChange.objects.filter(object=cast.sites[code]).order_by("pk").values_list("state", "at")
        told = [(state, (moment - at - AHEAD).total_seconds()) for state, moment in rows]
        gone = [max(beat for beat in beats if beat < cut), min(beat for beat in beats if beat > back)] if code in LIU[:2] else []
        assert [state for state, _ in told] == ["up", "down", "up"][: 1 + len(gone)], code
        for (state, moment), beat in zip(told, [beats[0], *gone], strict=True):  # one just after a step may stand at the sweep before
            assert beat - 11 < moment <= beat, (code, state)


def beats_of(draw: random.Random, period: int, length: int, missing: tuple[float, float]) -> list[float]:
    """Beats in seconds, none while the line is cut."""
    first = draw.uniform(1, min(period, 200))
    times = [first + period * number for number in range(int((length - first) // period) + 1)]
    return [moment for moment in times if not missing[0] <= moment < missing[1]]


def test_a_leap_that_may_have_been_sleep_is_unknown_and_the_dates_after_it_go_on_evenly(cast: Cast, at: datetime, parent: Node) -> None:
    night = CutOff(cast, at)
    night.passes(2)
    leapt = night.now
    night.set_by = timedelta(minutes=40)
    night.passes(2)
    rows = StateChange.objects.filter(object=cast.sites[LIU[0]]).order_by("pk")
    assert [row.state for row in rows] == ["up", "unknown", "up"]
    assert rows[1].at == leapt - timedelta(seconds=5) + AHEAD
    assert rows[2].at <= leapt + timedelta(minutes=1) + AHEAD
    assert ListeningGap.objects.count() == 1


def test_what_the_parent_corrects_never_puts_a_later_fact_before_an_earlier_one(cast: Cast, at: datetime, parent: Node) -> None:
    """An hour is taken back: what follows is told of the moment of the last fact at the earliest, and the newest stands."""
    night, silent = CutOff(cast, at), LIU[0]
    night.passes(2)
    learn_parents_time(ahead_s=AHEAD.total_seconds() - 3600)
    night.passes(4, beating=set(ALL) - {silent})
    rows = StateChange.objects.filter(object=cast.sites[silent]).order_by("pk")
    assert [row.state for row in rows] == ["up", "down"]
    assert rows[1].at >= rows[0].at
    assert rows[1].until is None


def test_a_clock_set_back_while_nothing_ran_hides_no_gap(cast: Cast, at: datetime, parent: Node) -> None:
    night = Night(cast, at)
    night.passes(2)
    mark = ListeningMark.objects.get().at
    night.restarts(after_minutes=-60)
    gap = ListeningGap.objects.get()
    assert gap.start == mark.replace(microsecond=0) + AHEAD
    assert not StateChange.objects.filter(until=None).exclude(state="unknown").exists()


def test_what_an_edge_finds_of_itself_is_written_in_the_parents_time(cast: Cast, at: datetime, parent: Node) -> None:
    found = Finding(subject="E-990101", check="disk", ok=False, at=at, value=3.0, unit="%")
    record_findings(edge="E-990101", findings=[found], at=at)
    assert EdgeCheck.objects.get().at == at + AHEAD
