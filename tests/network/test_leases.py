"""Several intakes: each share is judged by exactly one, a dead one's gap is unknown and never down, what was heard is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.network.listening import ALL, LIU, SHI
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import Refused
from yuanjiao.network.inputs import SiteBeat, hear_site
from yuanjiao.network.leases import LEASE_S, Leases, sweep_dealt
from yuanjiao.network.live import MINE, Listener
from yuanjiao.network.models import IntakeLease, ListeningMark, StateChange
from yuanjiao.network.rules.shares import SHARES, Lease, gap_start, quota, share_of, to_give_back, to_take
from yuanjiao.simulation.cast import Cast

SECOND = timedelta(seconds=1)


@given(some.sets(some.integers(1, 10_000), min_size=1, max_size=90))
def test_all_shares_are_wanted_by_somebody_and_evenly(living: set[int]) -> None:
    quotas = [quota(one, living) for one in living]
    assert sum(quotas) == SHARES
    assert max(quotas) - min(quotas) <= 1


@given(some.integers(2, 12), some.data())
def test_intakes_that_come_and_go_end_with_every_share_held_once(turns: int, data: some.DataObject) -> None:
    """Whatever the order in which they come to their turn: two rounds after the last change everything is held, evenly, by who lives."""
    held: dict[int, int | None] = dict.fromkeys(range(SHARES))
    living: set[int] = set()

    def turn(me: int) -> None:
        mine = {share for share, holder in held.items() if holder == me}
        wanted = quota(me, living)
        for share in to_give_back(mine, wanted):
            held[share] = None
            mine.discard(share)
        leases = {share: Lease(share, holder if holder in living else None, 1e12, 0.0) for share, holder in held.items()}
        for share in to_take(leases, len(mine), wanted, 0.0):
            held[share] = me

    for _ in range(turns):
        living = data.draw(some.sets(some.integers(1, 9), min_size=1))
        for me in data.draw(some.permutations(sorted(living))):
            turn(me)
    for _ in range(2):
        for me in sorted(living):
            turn(me)
    assert {me: list(held.values()).count(me) for me in living} == {me: quota(me, living) for me in living}


@pytest.mark.parametrize(
    ("lease", "alone_since", "wanted"),
    [
        (Lease(1, 7, 90.0, 88.0), 0.0, 88.0),  # another one died
        (Lease(1, None, 0.0, 95.0), 0.0, 0.0),  # given back a moment ago
        (Lease(1, None, 0.0, 40.0), 0.0, 40.0),  # everybody was away for a minute
        (Lease(1, 3, 90.0, 88.0), 0.0, 0.0),  # our own, a short pause
        (Lease(1, 3, 90.0, 60.0), 0.0, 60.0),  # our own, a long one
        (Lease(1, None, 0.0, 0.0), 50.0, 50.0),  # the first time with leases, after a rest
        (Lease(1, None, 0.0, 0.0), 95.0, 0.0),  # the first time with leases
        (Lease(1, None, 0.0, 0.0), 0.0, 0.0),  # the first time at all
    ],
)
def test_what_nobody_heard_is_owned_up_to(lease: Lease, alone_since: float, wanted: float) -> None:
    assert gap_start(lease, 3, 100.0, alone_since=alone_since, patience_s=30.0) == wanted


class One:
    """One intake process in simulated time."""

    def __init__(self, cast: Cast, name: str) -> None:
        self.cast, self.listener = cast, Listener()
        self.leases = Leases(self.listener, f"http://{name}")

    def turn(self, at: datetime) -> None:
        self.leases.renew(at)
        sweep_dealt(self.leases, at)

    def hear(self, codes: Iterable[str], at: datetime) -> None:
        for code in codes:
            hear_site(self.listener, SiteBeat(code, self.cast.sites[code].beat_key), at.timestamp())

    def judges(self, code: str) -> bool:
        array = self.listener.array
        return bool(array.flags[array.places[code]] & MINE)


class Room:
    """A machine room: its intakes and the time. Everybody beats every ten seconds at the first intake that lives."""

    def __init__(self, cast: Cast, at: datetime) -> None:
        self.cast, self.now, self.intakes, self.silent = cast, at, [One(cast, "a"), One(cast, "b")], set[str]()

    def passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += SECOND
            if int(self.now.timestamp()) % 10 == 0:
                self.intakes[0].hear([code for code in ALL if code not in self.silent], self.now)
            for one in self.intakes:
                self.tell(one)
            if int(self.now.timestamp()) % 2 == 0:
                for one in self.intakes:
                    one.turn(self.now)

    def tell(self, one: One) -> None:
        news = one.leases.news()
        for other in self.intakes:
            if news is not None and other is not one:
                other.leases.hear_told(news)

    def judge_of(self, code: str) -> One:
        (judge,) = [one for one in self.intakes if one.judges(code)]
        return judge

    def story(self, code: str) -> list[tuple[str, datetime]]:
        return list(StateChange.objects.filter(object__code=code).order_by("at", "pk").values_list("state", "at"))


@pytest.fixture
def room(cast: Cast, at: datetime) -> Room:
    """Two intakes that have shared the edges for a while."""
    room = Room(cast, at)
    room.passes(60)
    return room


@pytest.mark.django_db
def test_two_intakes_hold_half_each_and_every_object_has_one_judge(room: Room) -> None:
    first, second = (one.leases.held for one in room.intakes)
    assert (len(first), len(second)) == (SHARES // 2, SHARES // 2)
    assert not first & second
    for code in (*ALL, "E-990101", "E-990102"):
        assert room.judge_of(code)
    assert {room.judge_of(code) for code in LIU} == {room.judge_of("E-990101")}, "all that hangs on an edge is judged where the edge is"
    assert {share_of("E-990101") in first, share_of("E-990102") in first} == {True, False}, "the cast has an edge in each half"


@pytest.mark.django_db
def test_a_beat_at_any_door_reaches_the_judge(room: Room) -> None:
    for code in ALL:
        assert [state for state, _ in room.story(code)] == ["up"]
    assert room.intakes[1].listener.array.last.max() == room.intakes[0].listener.array.last.max()


@pytest.mark.django_db
@pytest.mark.parametrize("victim", [0, 1])
def test_a_dead_intake_is_taken_over_and_its_gap_is_unknown_for_its_own_alone(room: Room, victim: int) -> None:
    dead = room.intakes[victim]
    lost, kept = [code for code in ALL if dead.judges(code)], [code for code in ALL if not dead.judges(code)]
    complete = IntakeLease.objects.filter(holder=dead.leases.me).latest("listened_at").listened_at
    del room.intakes[victim]
    died = room.now
    room.passes(40)
    assert room.intakes[0].leases.held == frozenset(range(SHARES))
    for code in kept:
        assert [state for state, _ in room.story(code)] == ["up"]
    for code in lost:
        (_, (gap, gap_at), (back, back_at)) = room.story(code)
        assert (gap, gap_at, back) == ("unknown", complete, "up")
        assert back_at - died <= timedelta(seconds=LEASE_S + 2 + 10), "taken over within seconds: a lease, a turn and a beat"


@pytest.mark.django_db
def test_what_was_given_back_in_order_leaves_no_gap_and_a_silence_keeps_its_beginning(room: Room) -> None:
    leaver = room.judge_of(SHI[0])
    room.silent.add(SHI[0])
    last = room.now.replace(second=room.now.second // 10 * 10)
    room.passes(30)
    room.intakes.remove(leaver)
    leaver.leases.leave(room.now)
    room.passes(90)
    assert [state for state, _ in room.story(SHI[0])] == ["up", "down"]
    assert room.story(SHI[0])[1][1] == last, "dated from the last beat, which the other intake knew of"
    for code in LIU:
        assert [state for state, _ in room.story(code)] == ["up"]


@pytest.mark.django_db
def test_who_slept_through_the_end_of_its_lease_no_longer_judges(room: Room) -> None:
    sleeper = room.judge_of(LIU[0])
    place = room.intakes.index(sleeper)
    room.intakes.remove(sleeper)
    room.passes(20)
    taken_over = room.story(LIU[0])
    sleeper.turn(room.now)
    assert not any(sleeper.judges(code) for code in ALL)
    room.intakes.insert(place, sleeper)
    room.passes(100)
    assert room.story(LIU[0])[: len(taken_over)] == taken_over
    assert "down" not in {state for code in ALL for state, _ in room.story(code)}


@pytest.mark.django_db
def test_everybody_away_is_unknown_for_all(room: Room) -> None:
    left = room.now
    room.intakes.clear()
    room.now += timedelta(minutes=10)
    room.intakes.append(One(room.cast, "c"))
    room.passes(40)
    for code in ALL:
        (_, (gap, gap_at), (back, back_at)) = room.story(code)
        assert (gap, back) == ("unknown", "up")
        assert gap_at <= left < back_at


@pytest.mark.django_db
def test_the_mark_of_the_machine_is_that_of_the_slowest(room: Room) -> None:
    slow = room.intakes.pop()
    stopped = IntakeLease.objects.filter(holder=slow.leases.me).latest("listened_at").listened_at
    room.passes(4)
    assert ListeningMark.objects.get(observer=own_node().uid).at == stopped


@pytest.mark.django_db
def test_nonsense_from_another_intake_is_refused(room: Room) -> None:
    for body in (b"", b"x", b"\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00"):
        with pytest.raises(Refused):
            room.intakes[0].leases.hear_told(body)
