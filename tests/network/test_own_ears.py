"""Self-suspicion: a total silence, a set clock, a stuck event loop, a restart; who comes and goes; the dead man's beat."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from tests.network.listening import ALL, LIU, Night
from tests.network.test_live_stateful import fresh_array
from yuanjiao.network import queries
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.network.jobs import keep_snapshot, reload_register, sweep, tell_alive
from yuanjiao.network.jobs.alive import ailment
from yuanjiao.network.live import DOWN, MINE, UP, Brake, Course, Listener, LiveArray, deaf_after
from yuanjiao.network.live.ears import answers, ears_open
from yuanjiao.network.live.flaps import SLOT_S, SLOTS, calm
from yuanjiao.network.live.tree import observers, walk
from yuanjiao.network.models import ListeningGap, Outage, StateChange
from yuanjiao.simulation.cast import Cast

NOW = 1_000_000.0
ROUND = 12


class Room:
    """Twelve objects of one period, an array and a brake; time goes in steps of five seconds."""

    def __init__(self) -> None:
        self.array = fresh_array(list(range(ROUND)))
        self.array.period[:], self.array.grace[:] = 60, 30
        self.array.listening_since, self.now, self.brake = NOW, NOW, Brake()
        self.ears: bool | None = None
        self.courses: list[Course] = []
        self.downs = 0

    def passes(self, seconds: int, beating: range = range(ROUND)) -> None:
        for _ in range(seconds // 5):
            self.now += 5
            turn = int(self.now // 5) % ROUND
            if turn in beating:
                self.array.hear(turn, self.now)
            self.turn()

    def turn(self) -> None:
        found = self.array.sweep(self.now)
        if self.brake.suspects(self.array, self.now):
            course, start, end = self.brake.course(self.array, self.now, ears_open=self.ears)
            self.courses.append(course)
            if course is Course.DEAF:
                self.array.excuse(start, end)
                return
            if course is Course.HOLD and self.brake.deaf:
                self.array.listening_since = self.now
            found = found if course is Course.TELL else found.without_downs()
        self.downs += int(np.count_nonzero(found.states == DOWN))
        self.array.settle(found)


def test_one_silent_object_is_told_without_delay() -> None:
    room = Room()
    room.passes(300)
    room.passes(150, range(1, ROUND))
    assert room.downs == 1
    assert not room.courses


def test_boxes_that_all_beat_at_the_same_moment_are_no_deafness_of_ours() -> None:
    room = Room()
    for _ in range(240):
        room.now += 5
        for place in range(ROUND) if room.now % 60 == 0 else ():
            room.array.hear(place, room.now)
        room.turn()
    assert Course.DEAF not in room.courses
    assert room.downs == 0
    assert set(room.array.state.tolist()) == {UP}
    for _ in range(36):
        room.now += 5
        for place in range(1, ROUND) if room.now % 60 == 0 else ():
            room.array.hear(place, room.now)
        room.turn()
    assert room.downs == 1


def test_when_all_are_silent_and_half_come_back_within_a_period_it_was_us() -> None:
    room = Room()
    room.passes(300)
    room.passes(120, range(0))
    assert room.downs == 0
    assert Course.HOLD in room.courses
    room.passes(60)
    assert room.courses[-1] is Course.DEAF
    room.passes(300)
    assert room.downs == 0
    assert set(room.array.state.tolist()) == {UP}


def test_when_all_are_silent_and_only_few_come_back_the_others_are_told() -> None:
    room = Room()
    room.passes(300)
    room.passes(100, range(0))
    room.passes(200, range(2))
    assert Course.DEAF not in room.courses
    assert room.downs == ROUND - 2


def test_a_reference_that_answers_says_that_it_is_they_who_are_silent() -> None:
    room = Room()
    room.ears = True
    room.passes(300)
    room.passes(150, range(0))
    assert room.downs == ROUND


def test_a_reference_that_does_not_answer_makes_us_deaf_until_we_hear_again() -> None:
    room = Room()
    room.ears = False
    room.passes(300)
    room.passes(900, range(0))
    assert room.downs == 0
    assert room.courses.count(Course.DEAF) == 1
    room.ears = None
    room.passes(300)
    assert room.downs == 0
    assert set(room.array.state.tolist()) == {UP}


def test_without_any_reference_a_lasting_total_silence_is_told_in_the_end() -> None:
    room = Room()
    room.passes(300)
    room.passes(400, range(0))
    assert room.downs == ROUND


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_a_reference_answers_when_it_accepts_or_refuses_a_connection(ear: socket.socket) -> None:
    port = ear.getsockname()[1]
    assert answers(f"127.0.0.1:{port}")
    ear.close()
    assert answers(f"127.0.0.1:{port}")
    assert not answers("not an address")


def test_an_event_loop_that_stands_is_no_open_ear(settings: Any) -> None:
    settings.REFERENCES = []
    listener = Listener()
    assert ears_open(listener, NOW) is None
    listener.tick(NOW)
    assert ears_open(listener, NOW + 5) is None
    assert ears_open(listener, NOW + 60) is False


def test_a_pause_of_the_event_loop_is_no_listening() -> None:
    listener = Listener()
    for second in range(60):
        listener.tick(NOW + second)
    assert listener.listened_since(NOW + 10, NOW + 60)
    listener.tick(NOW + 120)
    assert not listener.listened_since(NOW + 10, NOW + 121)
    assert listener.listened_since(NOW + 120, NOW + 121)


@pytest.mark.django_db
def test_a_storm_that_takes_long_to_write_is_no_deafness(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(2)
    begun, night.now = night.now, night.now + timedelta(minutes=2)
    for second in range(-10, 121):
        night.listener.tick((begun + timedelta(seconds=second)).timestamp())
    for code in ALL:
        night.beat(code)
    night.turn()
    assert not ListeningGap.objects.exists()
    assert not StateChange.objects.exclude(state="up").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("by", [-600.0, -20.0, 25.0])
def test_a_wall_clock_that_is_set_makes_nobody_silent(cast: Cast, at: datetime, by: float) -> None:
    night, steady = Night(cast, at), 100.0
    night.passes(2)
    for turn in range(60):
        steady += 5
        night.now += timedelta(seconds=5 + (by if turn == 20 else 0))
        if turn % 12 == 0:
            for code in ALL:
                night.beat(code)
        sweep(night.now, listener=night.listener, steady=steady)
    assert night.listener.stepped_s == by
    assert not StateChange.objects.exclude(state="up").exists()
    assert not ListeningGap.objects.exists()


@pytest.mark.django_db
def test_a_clock_that_jumps_far_ahead_may_have_been_a_pause_and_is_owned_up_to(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(2)
    sweep(night.now, listener=night.listener, steady=100.0)
    night.now += timedelta(minutes=10)
    sweep(night.now, listener=night.listener, steady=105.0)
    assert ListeningGap.objects.count() == 1
    assert not StateChange.objects.filter(state="down").exists()


@pytest.mark.django_db
def test_after_a_restart_the_snapshot_knows_the_last_beat_and_the_gap_stays_unknown(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    last = night.listener.array.last.max()
    keep_snapshot(night.now, listener=night.listener)
    night.restarts(after_minutes=60)
    array = night.listener.array
    assert array.last.max() == last
    assert {s.state for s in queries.state_now([site.pk for site in cast.sites.values()], at=night.now).values()} == {"unknown"}
    night.passes(4, beating=set(ALL) - {LIU[0]})
    row = StateChange.objects.get(object=cast.sites[LIU[0]], until=None)
    assert row.state == "down"
    assert row.at > at + timedelta(minutes=60)
    assert row.last_heard_at is not None
    assert row.last_heard_at < at + timedelta(minutes=4)


@pytest.mark.django_db
def test_a_torn_snapshot_does_no_harm(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(2)
    keep_snapshot(night.now, listener=night.listener)
    path = night.listener.snapshot_path
    path.write_bytes(path.read_bytes()[:50])
    night.restarts(after_minutes=1)
    assert night.listener.loaded_at
    assert not night.listener.array.last.any()


@pytest.mark.django_db
def test_the_register_is_read_again_only_when_it_has_changed(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(1)
    before = night.listener.array
    night.passes(1)
    assert night.listener.array is before
    register_changed()
    night.turn()
    assert night.listener.array is not before
    assert night.listener.array.places is before.places
    assert night.listener.array.last.tolist() == before.last.tolist()


@pytest.mark.django_db
def test_a_large_register_is_read_beside_the_sweep(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(cast, at)
    monkeypatch.setattr("yuanjiao.network.jobs.sweeping.SMALL", 3)
    before = night.listener.array
    register_changed()
    night.turn()
    assert night.listener.array is before
    assert reload_register(night.now, listener=night.listener)
    assert night.listener.array is not before
    assert not reload_register(night.now, listener=night.listener)


@pytest.mark.django_db
def test_a_site_that_comes_and_goes_is_unstable_until_it_has_been_steady(cast: Cast, at: datetime) -> None:
    night, place = Night(cast, at), None
    for _ in range(5):
        night.passes(2)
        night.passes(4, beating=set(ALL) - {LIU[0]})
    place = night.listener.array.places[LIU[0]]
    assert night.listener.array.unstable.nonzero()[0].tolist() == [place]
    assert StateChange.objects.filter(object=cast.sites[LIU[0]], state="down").count() == 5
    night.now += timedelta(seconds=SLOT_S * SLOTS)
    night.listener.swept_at = night.now.timestamp()
    night.turn()
    assert not night.listener.array.unstable.any()


def test_flaps_count_slots_with_a_drop_by_their_own_moments_and_forget_old_ones() -> None:
    flaps, all_of = calm(3), np.array([0, 0, 0, 1])
    flaps.note(all_of, np.array([NOW, NOW + SLOT_S, NOW + 2 * SLOT_S, NOW]))
    assert not flaps.unstable.any()
    flaps.note(np.array([0]), np.array([NOW - 3 * SLOT_S]))  # told late
    flaps.note(np.array([1]), np.array([NOW - SLOTS * SLOT_S]))  # too old to matter
    assert flaps.unstable.tolist() == [True, False, False]
    flaps.roll(NOW + 2 * SLOT_S + (SLOTS - 2) * SLOT_S)
    assert flaps.unstable.tolist() == [True, False, False]
    flaps.roll(NOW + 2 * SLOT_S + (SLOTS - 1) * SLOT_S)
    assert not flaps.unstable.any()


def test_the_tree_knows_what_hangs_below_what_and_who_listens() -> None:
    parent = np.array([-1, 0, 1, 1, 0, -1, 5, 2, 9, 8], np.int32)  # the last two hang on each other
    tree = walk(parent)
    assert {place: sorted(tree.below(place).tolist()) for place in (0, 1, 5, 7)} == {0: [1, 2, 3, 4, 7], 1: [2, 3, 7], 5: [6], 7: []}
    assert tree.is_below(np.array([7, 4, 6]), 1).tolist() == [True, False, False]
    kind = np.array([1, 1, 2, 3, 3, 1, 3, 3, 3, 3], np.uint8)
    speaks = np.array([True, True] + [False] * 8)
    assert observers(parent, kind, speaks).tolist() == [-1, 0, 1, 1, 0, -1, -1, 1, -1, -1]


@pytest.mark.django_db
def test_the_dead_mans_beat_is_given_only_while_all_is_well(
    cast: Cast, at: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Answered:
        is_success = True

    def get(address: str, *, timeout: float) -> Answered:
        assert timeout
        asked.append(address)
        return Answered()

    monkeypatch.setattr("httpx.get", get)
    night = Night(cast, at)
    assert not tell_alive(at, listener=night.listener)
    settings.DEADMAN_URL = "https://watcher.example/beat"
    assert tell_alive(at, listener=night.listener)
    assert not tell_alive(at + timedelta(minutes=5), listener=night.listener)
    assert not tell_alive(at, listener=Listener())
    assert asked == ["https://watcher.example/beat"]


@pytest.mark.django_db
def test_no_sign_of_life_is_given_once_ten_sweeps_are_missed(cast: Cast, at: datetime, settings: Any) -> None:
    """A storm may keep one sweep for some seconds; who misses ten is ill, whatever the time between two is set to."""
    night = Night(cast, at)
    for between in (3.0, 0.5):
        settings.SWEEP_S = between
        patient = timedelta(seconds=10 * between)
        assert ailment(at + patient, night.listener) == ""
        assert "no sweep" in ailment(at + patient + timedelta(seconds=0.1), night.listener)


def test_a_sweep_comes_every_three_seconds_so_that_silence_is_told_within_five() -> None:
    """As it is set where nobody says otherwise: the wait for a sweep, and two seconds to write what it found."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("YUANJIAO_")}
    asked = "from yuanjiao.wiring.jobs import JOBS; print({job.name: job.every_s for job in JOBS}['sweep'])"
    line = [sys.executable, "-c", f"import django; django.setup(); {asked}"]
    with TemporaryDirectory() as home:
        told = subprocess.run(
            line,
            env={**bare, "YUANJIAO_HOME": home, "DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings"},
            capture_output=True,
            text=True,
            check=True,
        )
    assert 0 < float(told.stdout) <= 3.0


@pytest.mark.django_db
def test_deaf_to_one_edge_only_its_objects_are_unknown(cast: Cast, at: datetime) -> None:
    from yuanjiao.network.commands import note_deafness

    night = Night(cast, at)
    night.passes(2)
    note_deafness(start=night.now - timedelta(seconds=40), at=night.now, edges=["E-990101"])
    found = queries.state_now([site.pk for site in cast.sites.values()], at=night.now)
    assert {code: found[site.pk].state for code, site in cast.sites.items()} == {code: "unknown" if code in LIU else "up" for code in ALL}
    assert not Outage.objects.exists()
    mine = night.listener.array
    places = np.array([mine.places[code] for code in LIU])
    mine.forget(night.now.timestamp(), places)
    assert (mine.flags[places] & MINE).all()
    assert isinstance(mine, LiveArray)


@pytest.mark.parametrize(("shortest", "pause"), [(90.0, 30.0), (420.0, 30.0), (60.0, 20.0), (20.0, 15.0)])
def test_the_pause_that_must_be_owned_up_to_follows_the_shortest_silence_that_is_judged(shortest: float, pause: float) -> None:
    waits = [420.0, shortest, 5.0]
    none, flags = np.zeros(3), np.array([3, 3, 1], np.uint8)
    array = LiveArray(codes=["a", "b", "c"], last=none, period=np.array(waits, np.float32), grace=np.zeros(3, np.float32), flags=flags)
    assert deaf_after(array) == pause
