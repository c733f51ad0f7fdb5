"""What the live array does when this machine's clock is set. Silence is counted by the machine's own clock; what is told is dated.

At the top that same clock dates the record. Below the top the record is in the parent's time (`commands/moments.py`), which goes on
evenly whatever our clock does: there what was said last moves along with the clock.
"""

from __future__ import annotations

from yuanjiao.network.live.array import LiveArray
from yuanjiao.network.live.words import MINE, SERVING

LONGEST_DEAF_S, LEAST_DEAF_S = 30.0, 15.0


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
