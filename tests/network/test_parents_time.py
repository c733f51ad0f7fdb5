"""A machine whose clock is wrong writes its facts in its parent's time, as the parent's answers last told it."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import zstandard
from django.db.models import F

from tests.network.listening import ALL, LIU, Night
from yuanjiao.flow.nodes.commands import note_clock
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.flow.nodes.queries import own_node, parent_ahead_s
from yuanjiao.lib.errors import Unavailable
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import commands
from yuanjiao.network.commands import listening, set_rhythm
from yuanjiao.network.commands.checks import record_findings
from yuanjiao.network.commands.moments import learn_parents_time
from yuanjiao.network.events import Finding
from yuanjiao.network.inputs import SiteBeat, hear_edge, hear_site, read_edge_beat
from yuanjiao.network.jobs import beat_parent, sweep, sweeping
from yuanjiao.network.live import LISTENER, Listener, Undated
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
        self.set_by, self.steady, self.cut = timedelta(0), 1000.0, at
        super().__init__(cast, at)
        ListeningMark.objects.all().delete()  # of the sweep that had no steady clock
        self.listener = Listener()
        self.listener.answered = True
        self.turn()

    def turn(self) -> None:
        sweep(self.now + self.set_by, listener=self.listener, steady=self.steady + (self.now - self.cut).total_seconds())

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


class OffAndOn(CutOff):
    """A machine that may be switched off: then its steady clock begins anew, and it is not the same run of it."""

    def __init__(self, cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run = "first"
        for where in (sweeping, listening):
            monkeypatch.setattr(where, "boot_id", lambda: self.run)
        super().__init__(cast, at)

    def off(self, *, minutes: float, clock_set_by: timedelta, only_the_process: bool = False) -> None:
        self.now += timedelta(minutes=minutes)
        self.set_by += clock_set_by
        if not only_the_process:
            self.run, self.steady, self.cut = "second", 20.0, self.now
        self.listener = Listener()
        self.turn()

    def the_parent_answers(self) -> None:
        learn_parents_time(ahead_s=(AHEAD - self.set_by).total_seconds())
        self.listener.answered = True
        self.turn()

    def told(self, code: str) -> list[tuple[str, datetime]]:
        """What stands on record of one site, in true time and in order."""
        rows = StateChange.objects.filter(object=self.cast.sites[code]).exclude(until=F("at")).order_by("pk")
        return [(row.state, row.at - AHEAD) for row in rows]


@pytest.fixture
def night(cast: Cast, at: datetime, parent: Node, monkeypatch: pytest.MonkeyPatch) -> OffAndOn:
    """Everybody beats for two minutes; the last mark is of the last ten seconds."""
    night = OffAndOn(cast, at, monkeypatch)
    night.passes(2)
    return night


HOURS = [timedelta(hours=3), timedelta(hours=-3), timedelta(seconds=100), timedelta(seconds=-600), timedelta(0)]


@pytest.mark.clause("NET08")
@pytest.mark.parametrize("by", HOURS, ids=str)
def test_a_clock_set_while_the_machine_was_off_moves_no_date(night: OffAndOn, by: timedelta) -> None:
    """Nothing is dated before the parent has told the time, however long that takes; then all of it is, as it truly was."""
    mark, silent = ListeningMark.objects.get().at, LIU[0]
    night.off(minutes=30, clock_set_by=by)
    started = night.now
    night.passes(2)
    last = started + timedelta(minutes=1)
    night.passes(4, beating=set(ALL) - {silent})
    assert {state for state, _ in night.told(silent)[1:]} == {"unknown"}, "no clock is known: nothing but that is said"
    back = night.now
    night.passes(1)
    night.the_parent_answers()
    night.passes(1)
    assert night.told(silent)[1:] == [("unknown", mark), ("up", started), ("down", last), ("up", back)]
    assert [(gap.start, gap.end) for gap in ListeningGap.objects.exclude(start=F("end"))] == [(mark + AHEAD, started + AHEAD)]
    assert ListeningMark.objects.get().at > started + night.set_by, "and it is marked again that somebody listens"


@pytest.mark.parametrize("by", HOURS, ids=str)
def test_a_clock_set_while_only_the_process_was_off_is_noticed_without_the_parent(night: OffAndOn, by: timedelta) -> None:
    mark = ListeningMark.objects.get().at
    night.off(minutes=30, clock_set_by=by, only_the_process=True)
    started = night.now
    night.passes(1)
    assert night.told(LIU[0])[1:] == [("unknown", mark), ("up", started)]
    assert parent_ahead_s() == (AHEAD - by).total_seconds()


def test_a_clock_set_again_before_the_parent_answers_moves_no_date(night: OffAndOn) -> None:
    """As a time service does some seconds after the start."""
    mark = ListeningMark.objects.get().at
    night.off(minutes=30, clock_set_by=timedelta(hours=-9))
    started = night.now
    night.passes(2)
    night.set_by = timedelta(seconds=-20)
    night.passes(2)
    night.the_parent_answers()
    leapt = started + timedelta(minutes=2)
    states = night.told(LIU[0])[1:]
    assert states[:2] == [("unknown", mark), ("up", started)]
    again = leapt + timedelta(minutes=1)
    assert states[2:] == [("unknown", leapt - timedelta(seconds=5)), ("up", again)], "it may have slept, and says so"


def test_what_was_held_and_not_dated_is_lost_and_the_gap_goes_on(night: OffAndOn) -> None:
    """It is switched off again before the parent has answered: nothing is known since the last mark that was dated."""
    mark = ListeningMark.objects.get().at
    night.off(minutes=30, clock_set_by=timedelta(hours=1))
    night.passes(3)
    night.off(minutes=5, clock_set_by=timedelta(hours=-2))
    started = night.now
    night.passes(1)
    night.the_parent_answers()
    assert night.told(LIU[0])[1:] == [("unknown", mark), ("up", started)]


def test_who_stays_cut_off_goes_on_by_its_own_clock_after_a_while(night: OffAndOn) -> None:
    """It was switched off in the middle of a cut of a month: what it sees goes on record, and is not lost with the next power cut."""
    mark = ListeningMark.objects.get().at
    night.off(minutes=30, clock_set_by=timedelta(0))
    started = night.now
    night.passes(14)
    assert {state for state, _ in night.told(LIU[0])[1:]} <= {"unknown"}
    night.passes(2)
    assert night.told(LIU[0])[1:] == [("unknown", mark), ("up", started)]
    night.off(minutes=5, clock_set_by=timedelta(0))
    assert ListeningMark.objects.get().at > started + timedelta(minutes=14)


def test_a_clock_that_reads_a_time_before_the_machine_was_switched_off_is_never_believed(night: OffAndOn) -> None:
    """Its battery is dead: it begins in 2000."""
    night.off(minutes=30, clock_set_by=timedelta(days=-9000))
    night.passes(20)
    assert {state for state, _ in night.told(LIU[0])[1:]} <= {"unknown"}
    started = night.now - timedelta(minutes=20)
    night.the_parent_answers()
    assert ("up", started) in night.told(LIU[0])


def test_a_new_machine_says_nothing_before_it_has_heard_the_time(cast: Cast, at: datetime, parent: Node) -> None:
    night = CutOff(cast, at)
    night.listener = Listener()
    ListeningMark.objects.all().delete()
    night.turn()
    night.passes(2)
    assert not StateChange.objects.exists()


def test_a_play_test_that_cannot_be_dated_is_asked_for_again(
    cast: Cast, at: datetime, parent: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LISTENER, "undated", Undated(0.0, at.timestamp()))
    with pytest.raises(Unavailable):
        commands.record_play_test(site=LIU[0], ok=False, step="video", item="", sent_at="", at=at)


def test_who_never_asks_its_parent_the_time_does_not_wait_for_it(cast: Cast, at: datetime, parent: Node) -> None:
    """A centre below a province tells it what happened, and does not beat."""
    night = CutOff(cast, at)
    night.listener = Listener()
    night.listener.asks_parent = False
    ListeningMark.objects.all().delete()
    night.turn()
    night.passes(2)
    assert {row.state for row in StateChange.objects.all()} == {"up"}


class Answering:
    """A parent that keeps what it is told; its clock is four minutes ahead of the true time."""

    def __init__(self, night: OffAndOn) -> None:
        self.night, self.bodies = night, list[Any]()

    @property
    def offset_s(self) -> float:
        return (AHEAD - self.night.set_by).total_seconds()

    def post(self, path: str, content: bytes, **_: Any) -> httpx.Response:
        plain = zstandard.ZstdDecompressor().decompress(content) if content.startswith(b"(\xb5/\xfd") else content
        self.bodies.append(json.loads(plain))
        return httpx.Response(200, json={"accepted": 1})


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(minutes=20), timedelta(seconds=40)], ids=str)
def test_a_beat_between_a_set_clock_and_the_next_sweep_makes_nothing_older_or_younger(night: OffAndOn, at: datetime, by: timedelta) -> None:
    """What a beat tells is so and so long ago by the steady clock; the parent counts back from when it hears it."""
    line = Answering(night)
    swept = night.now - timedelta(seconds=5)
    night.now += timedelta(seconds=2)
    night.set_by = by
    steady = night.steady + (night.now - night.cut).total_seconds()
    beat_parent(night.now + night.set_by, listener=night.listener, line=line, steady=steady)  # type: ignore[arg-type]
    (told,) = line.bodies
    sent = datetime.fromisoformat(told["sent_at"])
    assert sent - datetime.fromisoformat(told["boot_at"]) == night.now - at
    assert sent - datetime.fromisoformat(told["observed_through"]) == night.now - swept
    ages = dict(told["beats"])
    assert ages[LIU[0]] == pytest.approx((night.now - (at + timedelta(minutes=1))).total_seconds())
    night.turn()
    assert parent_ahead_s() == pytest.approx(line.offset_s), "noticed once, not twice"
    above = Listener()
    above.reload(own_node(), top=True, now=0.0)
    body = read_edge_beat(json.dumps(told).encode())
    received = (night.now + AHEAD).timestamp()
    hear_edge(above, "E-990101", body, received, received - (night.now + by).timestamp())
    (word,) = above.words.values()
    assert word.boot_at == pytest.approx((at + AHEAD).timestamp())
    assert word.through <= (swept + AHEAD).timestamp() + 0.001


def test_while_nothing_is_dated_no_record_is_said_to_be_complete(night: OffAndOn) -> None:
    line = Answering(night)
    night.off(minutes=30, clock_set_by=timedelta(hours=1))
    night.passes(1)
    steady = night.steady + (night.now - night.cut).total_seconds()
    beat_parent(night.now + night.set_by, listener=night.listener, line=line, steady=steady)  # type: ignore[arg-type]
    assert line.bodies[0]["observed_through"] is None
    night.turn()
    assert night.listener.undated is None, "the answer to that beat told the time"
    assert parent_ahead_s() == (AHEAD - night.set_by).total_seconds()
