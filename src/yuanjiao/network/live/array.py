"""The live array: when everything was last heard, as numbers. Beats only ever change numbers here; transitions become rows.

- The moment of receipt decides silence, never a device's clock.
- Silence counts from the last beat or from where listening began, whichever is later: a deaf monitor accuses nobody.
- What was never heard is unknown for ever, not down: there is no moment from which it could be down.
- A beat that is not newer than the last one says nothing new, however often it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.live.flaps import Flaps, calm
from yuanjiao.network.live.transitions import Transitions
from yuanjiao.network.live.tree import Tree, walk
from yuanjiao.network.live.words import DOWN, MINE, SERVING, THEIRS, UNKNOWN, UP

Floats = NDArray[np.float64]


@dataclass
class LiveArray:
    """Parallel arrays over all objects of the register, by place (order of key); `places` finds a place by code.

    Times are seconds since 1970 UTC by this machine's clock, 0 for never; period and grace in seconds. `witness` is the last beat
    that came straight here from what an edge observes.
    """

    places: dict[str, int] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    keys: Sequence[bytes] | NDArray[np.bytes_] = field(default_factory=list)
    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    last: Floats = field(default_factory=lambda: np.zeros(0))
    back: Floats = field(default_factory=lambda: np.zeros(0))
    since: Floats = field(default_factory=lambda: np.zeros(0))
    period: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    grace: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    state: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    flags: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    parent: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    offset: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    kind: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    witness: Floats = field(default_factory=lambda: np.zeros(0))
    heard_from: Floats = field(default_factory=lambda: np.zeros(0))
    flaps: Flaps = field(default_factory=Flaps)
    listening_since: float = 0.0
    newly: float = 0.0
    """When this machine last began to listen to some objects only (their moments are in `heard_from`)."""
    heard_at: float = 0.0
    """When anything at all was last heard: our own ears are judged by it."""
    version: int = 0
    """The version of the register that was read; 0: none was. `read_at`: when all of it was (seconds of the steady clock)."""
    read_at: float = 0.0
    _below: dict[int, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What a caller left out is empty for every object."""
        count = len(self.codes)
        if len(self.kind) != count:
            self.kind = np.zeros(count, np.uint8)
        if len(self.witness) != count:
            self.witness = np.zeros(count)
        if len(self.heard_from) != count:
            self.heard_from = np.zeros(count)
        if len(self.flaps.history) != count:
            self.flaps = calm(count)

    @cached_property
    def tree(self) -> Tree:
        """What hangs below what."""
        return walk(self.parent)

    @cached_property
    def wait(self) -> Floats:
        """Seconds of silence that are allowed."""
        return self.period.astype(np.float64) + self.grace

    @cached_property
    def longest_wait(self) -> float:
        return float(self.wait.max(initial=0.0))

    @property
    def unstable(self) -> NDArray[np.bool_]:
        """Who comes and goes (see `flaps`)."""
        return self.flaps.unstable

    def hear(self, place: int, at: float) -> None:
        """One beat received at `at`. A repeated or reordered one changes nothing."""
        if at > self.last[place]:
            self.last[place] = at
            if self.state[place] != UP and not self.back[place]:
                self.back[place] = at
        self.heard_at = max(self.heard_at, at)

    def hear_many(self, places: NDArray[np.int64], at: Floats) -> None:
        """Many beats at once; a place may occur more than once."""
        newer = at > self.last[places]
        if not newer.all():
            places, at = places[newer], at[newer]
        if not len(places):
            return
        np.maximum.at(self.last, places, at)
        gone = self.state[places] != UP
        if gone.any():
            fresh = places[gone]
            fresh = fresh[self.back[fresh] == 0]
            self.back[fresh] = self.last[fresh]
        self.heard_at = max(self.heard_at, float(at.max()))

    def below(self, place: int) -> dict[str, int]:
        """Code → place of everything that hangs on an object, however far down."""
        if place not in self._below:
            self._below[place] = {self.codes[i]: i for i in self.tree.below(place).tolist()}
        return self._below[place]

    def leave_to(self, place: int) -> None:
        """What hangs below an edge that has begun to speak for itself is judged by that edge, not here."""
        self.flags[self.tree.below(place)] &= ~np.uint8(MINE | THEIRS)

    def deal(self, charge: NDArray[np.bool_]) -> None:
        """Of what this machine observes, this process judges what is in its charge."""
        ours = (self.flags & (MINE | THEIRS)) != 0
        self.flags &= ~np.uint8(MINE | THEIRS)
        self.flags[ours & charge] |= MINE
        self.flags[ours & ~charge] |= THEIRS

    def sweep(self, now: float) -> Transitions:
        """What changed state by `now`: back by a beat, or silent for longer than period and grace."""
        return self.collect(*self.look(now), now)

    def look(self, now: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of those who are back, and of those who are silent for too long: all that must be done while no beat comes in."""
        judged = self.flags == MINE | SERVING
        back = np.flatnonzero(judged & (self.state != UP))
        back = back[self.back.take(back) > 0]
        silent = judged & (self.state != DOWN) & self._overdue(now)
        if silent.any():
            silent &= (self.last > 0) | (self.since > 0)
            silent &= self.back == 0
        return back, np.flatnonzero(silent)

    def _overdue(self, now: float) -> NDArray[np.bool_]:
        limit = now - self.wait
        overdue: NDArray[np.bool_] = self.last < limit
        if self.listening_since + self.longest_wait >= now:
            overdue &= self.listening_since < limit
        if self.newly + self.longest_wait >= now:
            overdue &= self.heard_from < limit
        return overdue

    def collect(self, back: NDArray[np.int64], gone: NDArray[np.int64], now: float) -> Transitions:
        """The transitions of these places. Who was heard since the look is not silent. Nothing begins before what was said last,
        nor before listening began. (Few copies: in a storm each is 5 MB.)"""
        still = self.last.take(gone) < now - self.wait.take(gone)
        gone = gone if still.all() else gone[still]
        places = np.concatenate([back, gone]) if len(back) else gone
        heard = self.last.take(places)
        at = heard.copy()
        at[: len(back)] = self.back.take(back)
        np.maximum(at, self.since.take(places), out=at)
        np.maximum(at, max(self.listening_since, 0.0), out=at)
        if self.newly:
            np.maximum(at, self.heard_from.take(places), out=at)
        latest = at.copy()
        latest[len(back) :] += self.period.take(gone)
        states = np.full(len(places), DOWN, np.uint8)
        states[: len(back)] = UP
        return Transitions(self.codes, places, states, at, heard, latest)

    def settle(self, transitions: Transitions) -> None:
        """The transitions are in the journal: the array now says the same. It may be another array than the one they were found in."""
        places, known = self._here(transitions)
        states, at = transitions.states[known], transitions.at[known]
        self.state[places], self.since[places] = states, at
        meanwhile = (states == DOWN) & (self.last[places] > transitions.heard[known])
        self.back[places] = np.where(meanwhile, self.last[places], 0.0)
        down = states == DOWN
        self.flaps.note(places[down], at[down])

    def _here(self, transitions: Transitions) -> tuple[NDArray[np.int64], slice | NDArray[np.int64]]:
        """Their places in this array, and which of them it has."""
        if transitions.codes is self.codes:
            return transitions.places, slice(None)
        found = np.array([self.places.get(code, -1) for code in transitions.names], np.int64)
        known = np.flatnonzero(found >= 0)
        return found[known], known

    def forget(self, now: float, places: NDArray[np.int64] | None = None) -> None:
        """Nothing was heard up to `now`: all that this machine observes (or these places of it) is unknown, and silence counts anew."""
        mine = np.flatnonzero(self.flags & MINE) if places is None else places[(self.flags[places] & MINE) != 0]
        self.state[mine], self.back[mine] = UNKNOWN, 0.0
        if places is None:
            self.listening_since = now
        else:
            self.heard_from[mine], self.newly = now, now

    def excuse(self, start: float, end: float) -> None:
        """We were deaf in [start, end) and hear again: who was heard since is back, of the others nothing is known."""
        self.forget(end)
        heard = np.flatnonzero(((self.flags & MINE) != 0) & (self.last > start))
        self.back[heard] = self.last[heard]

    def step(self, by: float, swept_at: float, now: float) -> None:
        """The wall clock was set by `by` seconds between `swept_at` and `now`: what was heard before keeps its distance from now.

        A beat since that sweep was heard before the clock was set when the clock that was set cannot have read its moment. With a step
        shorter than the time between two sweeps that is not always known: it then stays, and is wrong by no more than that.
        """
        for times in (self.last, self.back, self.witness, self.heard_from):
            times[(times > 0) & _before_step(times, by, swept_at, now)] += by
            np.minimum(times, now, out=times)
        self.listening_since = min(self.listening_since + by, now)
        self.heard_at = min(self.heard_at + by if _before_step(self.heard_at, by, swept_at, now) else self.heard_at, now)


@overload
def _before_step(moment: float, by: float, swept_at: float, now: float) -> bool: ...


@overload
def _before_step(moment: Floats, by: float, swept_at: float, now: float) -> NDArray[np.bool_]: ...


def _before_step(moment: float | Floats, by: float, swept_at: float, now: float) -> bool | NDArray[np.bool_]:
    if by > 0:
        return moment <= max(swept_at, min(swept_at + by, now - by))
    return (moment <= swept_at) | (moment > now)
