"""What the live array does when this machine's clock is set. Silence is counted by the machine's own clock; what is told is dated.

At the top that same clock dates the record. Below the top the record is in the parent's time (`commands/moments.py`), which goes on
evenly whatever our clock does: there what was said last moves along with the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from yuanjiao.network.live.array import LiveArray
from yuanjiao.network.live.transitions import Transitions
from yuanjiao.network.live.words import MINE, SERVING

LONGEST_DEAF_S, LEAST_DEAF_S = 30.0, 15.0
STEP_S = 2.0
"""Clocks that are disciplined drift by less between two sweeps."""
PATIENCE_S = 900.0
"""How long a machine that was off waits for its parent to tell the time before it believes its own clock."""


@dataclass(frozen=True)
class Gap:
    """Nobody listened in [start, end), seconds by our own clock."""

    start: float
    end: float


@dataclass
class Undated:
    """After the machine was off nobody can know whether its clock was set meanwhile: what is found is dated when the parent has told
    the time. `since`: from when nothing is known, in the parent's time as it was known before; 0: nothing was ever said.
    `begun`: when we began to listen again, by our own clock, like all that is held."""

    since: float
    begun: float
    held: list[Transitions | Gap] = field(default_factory=list)

    def waited(self, now: float, ahead_s: float) -> bool:
        """Whether the parent was waited for long enough, and our clock does not read a time that was before we were switched off.

        An edge that is cut off for a month and switched off in it must not have watched in vain: it goes on by its own clock.
        """
        return now - self.begun >= PATIENCE_S and self.begun + ahead_s >= self.since

    def move(self, by: float) -> None:
        """Our clock was set by `by` seconds: what is held keeps its distance from now."""
        self.begun += by
        self.held = [_moved(one, by) for one in self.held]


def _moved(one: Transitions | Gap, by: float) -> Transitions | Gap:
    if isinstance(one, Gap):
        return Gap(one.start + by, one.end + by)
    at, heard, latest = (times + by * (times > 0) for times in (one.at, one.heard, one.latest))
    return replace(one, at=at, heard=heard, latest=latest)


def clock_was_set(array: LiveArray, by: float, *, swept_at: float, now: float, dated_above: bool) -> None:
    """The wall clock was set by `by` seconds between `swept_at` (as it read before) and `now`: what was heard before keeps its distance
    from now. `dated_above`: the record is in the parent's time, in which nothing leapt."""
    array.step(by, swept_at, now)
    if dated_above:
        array.since[array.since > 0] += by


def parents_time_moved(array: LiveArray, by: float) -> None:
    """The parent's time is known to be `by` seconds further ahead of ours than we thought: what was said last stays where it was said,
    so that nothing is ever told of a time before it."""
    array.since[array.since > 0] -= by


def deaf_after(array: LiveArray) -> float:
    """A pause of ours that is longer may hide something, in seconds: a third of the shortest silence that is judged here.

    With period 60 and grace 30 that is 30 s. It is never less than the time between two marks and a sweep, and never more than 30 s:
    an outage of less than a period and grace is nobody's, but a pause must not swallow a good part of one either.
    """
    shortest = float(array.wait[array.flags == MINE | SERVING].min(initial=3 * LONGEST_DEAF_S))
    return min(LONGEST_DEAF_S, max(shortest / 3, LEAST_DEAF_S))
