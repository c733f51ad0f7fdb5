"""The live array against an oracle that keeps every beat it was ever told and looks through all of them, in plain loops."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from yuanjiao.network.live import MINE, SERVING, STATE_NAMES, LiveArray, Transitions, clock_was_set
from yuanjiao.network.live.listener import carry_over

COUNT = 6
PERIOD = [60, 60, 30, 300, 10, 60]
GRACE = [30, 0, 15, 60, 5, 30]
places = st.integers(0, COUNT - 1)


def fresh_array(order: list[int]) -> LiveArray:
    """An array whose objects stand in this order; an object's key is its number."""
    count = len(order)
    codes = [f"S-{number}" for number in order]
    return LiveArray(
        places={code: place for place, code in enumerate(codes)},
        codes=codes,
        keys=[b""] * count,
        ids=np.array(order, np.int64),
        last=np.zeros(count),
        back=np.zeros(count),
        since=np.zeros(count),
        period=np.array([PERIOD[number % COUNT] for number in order], np.float32),
        grace=np.array([GRACE[number % COUNT] for number in order], np.float32),
        state=np.zeros(count, np.uint8),
        flags=np.full(count, MINE | SERVING, np.uint8),
        parent=np.full(count, -1, np.int32),
        offset=np.zeros(count, np.float32),
    )


@dataclass
class Thing:
    """One object as the oracle knows it: every beat with its own moment, and the rows of its story."""

    beats: list[float] = field(default_factory=list)
    first_back: float = 0.0
    story: list[tuple[float, str]] = field(default_factory=list)
    serving: bool = True

    @property
    def state(self) -> str:
        return self.story[-1][1] if self.story else "unknown"

    @property
    def since(self) -> float:
        return self.story[-1][0] if self.story else 0.0

    @property
    def last(self) -> float:
        return max(self.beats, default=0.0)


class LiveArrayBesideAnOracle(RuleBasedStateMachine):
    """Beats in any order, late, repeated, of the future; sweeps; deafness; restarts; the register read again; suspensions; set clocks.

    The oracle lives by true time; the array by a clock that is `shift` seconds ahead of it, and dates what it says in true time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now, self.shift = 1_000_000.0, 0.0
        self.things = [Thing() for _ in range(COUNT)]
        self.array = fresh_array(list(range(COUNT)))
        self.array.listening_since = self.listening = self.now
        self.pending: Transitions | None = None
        self.snapshot: dict[int, float] = {}

    @property
    def own(self) -> float:
        """What the array's clock reads."""
        return self.now + self.shift

    def true(self, at: float) -> float:
        """The true moment of one of the array's; 0 is never."""
        return at and at - self.shift

    def place(self, number: int) -> int:
        return self.array.places[f"S-{number}"]

    @rule(seconds=st.sampled_from([1, 4, 5, 11, 29, 30, 31, 59, 61, 90, 91, 300, 400]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: self.pending is None)
    @rule(by=st.sampled_from([-3000, -91, -7, 3, 29, 600]))
    def the_clock_is_set(self, by: int) -> None:
        """Noticed by the sweep; the snapshot on disk is by the old clock and is made anew."""
        before, self.shift = self.own, self.shift + by
        clock_was_set(self.array, by, swept_at=before, now=self.own, dated_above=True)
        self.snapshot = {}

    @rule(number=places)
    def one_beats(self, number: int) -> None:
        self.array.hear(self.place(number), self.own)
        self.told(number, self.now)

    @rule(beats=st.lists(st.tuples(places, st.integers(-20, 200)), min_size=1, max_size=10))
    def a_batch_comes(self, beats: list[tuple[int, int]]) -> None:
        """Ages in seconds: old ones, repeated ones, and some that say they are of the future (taken as of now)."""
        numbers = [number for number, _ in beats]
        at = [self.now - max(age, 0) for _, age in beats]
        self.array.hear_many(np.array([self.place(number) for number in numbers]), np.array(at) + self.shift)
        for number in set(numbers):
            self.told(number, max(moment for moment, one in zip(at, numbers, strict=True) if one == number))

    def told(self, number: int, at: float) -> None:
        thing = self.things[number]
        if at > thing.last and thing.state != "up" and not thing.first_back:
            thing.first_back = at
        thing.beats.append(at)

    @precondition(lambda self: self.pending is None)
    @rule()
    def a_sweep_looks(self) -> None:
        self.pending = self.array.sweep(self.own)
        told = {int(one.code[2:]): (one.state, self.true(one.at), self.true(one.heard)) for one in self.pending}
        assert told == self.expected()

    def expected(self) -> dict[int, tuple[str, float, float]]:
        found = {}
        for number, thing in enumerate(self.things):
            if not thing.serving:
                continue
            silent_since = max(thing.last, self.listening)
            if thing.state != "up" and thing.first_back:
                found[number] = ("up", max(thing.first_back, thing.since, self.listening), thing.last)
            known, overdue = thing.last or thing.since, self.now - silent_since > PERIOD[number] + GRACE[number]
            if thing.state != "down" and not thing.first_back and known and overdue:
                found[number] = ("down", max(silent_since, thing.since), thing.last)
        return found

    @precondition(lambda self: self.pending is not None)
    @rule()
    def it_is_written(self) -> None:
        assert self.pending is not None
        for one in self.pending:
            thing = self.things[int(one.code[2:])]
            thing.story.append((self.true(one.at), one.state))
            thing.first_back = thing.last if one.state == "down" and thing.last > self.true(one.heard) else 0.0
        self.array.settle(self.pending)
        self.pending = None

    @precondition(lambda self: self.pending is None)
    @rule()
    def nobody_listened(self) -> None:
        """As after a pause of the process: its last sweep was a while ago."""
        self.array.forget(self.own)
        self.owned_up()

    def owned_up(self) -> None:
        self.listening = self.now
        for thing in self.things:
            thing.first_back = 0.0
            if thing.state != "unknown":
                thing.story.append((max(self.now - 40, thing.since), "unknown"))

    @rule()
    def a_snapshot_is_kept(self) -> None:
        self.snapshot = {number: thing.last for number, thing in enumerate(self.things)}

    @precondition(lambda self: self.pending is None)
    @rule(kept=st.booleans())
    def the_process_starts_anew(self, kept: bool) -> None:
        """States come back from the rows, last beats from the snapshot when there is one; what was not listened to is unknown."""
        self.array = fresh_array(list(range(COUNT)))
        for number, thing in enumerate(self.things):
            thing.beats = [self.snapshot[number]] if kept and self.snapshot.get(number) else []
            self.array.last[number] = thing.last and thing.last + self.shift
            self.array.state[number], self.array.since[number] = STATE_NAMES.index(thing.state), thing.since and thing.since + self.shift
            self.array.flags[number] = MINE | SERVING * thing.serving
        self.array.forget(self.own)
        self.owned_up()

    @rule(more=st.integers(0, 2))
    def the_register_is_read_again(self, more: int) -> None:
        """New objects come; a sweep may just be on its way to the journal."""
        order = list(range(COUNT + more))
        again = fresh_array(order)
        for place, number in enumerate(order):
            if number < COUNT:
                again.flags[place] = MINE | SERVING * self.things[number].serving
            else:
                again.flags[place] = 0
        carry_over(self.array, again)
        self.array = again

    @rule(number=places)
    def one_is_suspended_or_resumed(self, number: int) -> None:
        thing = self.things[number]
        thing.serving = not thing.serving
        self.array.flags[self.place(number)] = MINE | SERVING * thing.serving

    @invariant()
    def the_array_says_what_the_story_says(self) -> None:
        for number, thing in enumerate(self.things):
            place = self.place(number)
            assert STATE_NAMES[self.array.state[place]] == thing.state
            assert self.true(float(self.array.last[place])) == thing.last

    @invariant()
    def no_silence_was_invented_and_stories_are_in_order(self) -> None:
        for thing in self.things:
            moments = [at for at, _ in thing.story]
            assert moments == sorted(moments)
            states = [state for _, state in thing.story]
            assert all(one != other for one, other in pairwise(states))


LiveArrayBesideAnOracle.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLiveArray = LiveArrayBesideAnOracle.TestCase
