"""When a reading turns good or bad: thresholds with a gap between them, so that a value at the edge does not flap."""

from __future__ import annotations

from dataclasses import dataclass

MISSES = 2
"""A line or an address counts as lost after so many unanswered questions in a row: one packet may be lost anywhere."""

SILENT_PERIODS = 3
"""What was asked longer ago than so many periods says nothing of now: whoever asked has stopped."""


@dataclass(frozen=True)
class Limit:
    """A reading turns bad beyond `bad` and good again only within `good`; `bad` < `good` means that small values are bad."""

    bad: float
    good: float

    def accepts(self, value: float, before: bool | None) -> bool:
        """Whether `value` is good, given what the reading before was (None: there was none)."""
        bound = self.good if before is False else self.bad
        return value >= bound if self.bad < self.good else value <= bound


@dataclass(frozen=True)
class Reading:
    """One reading of one check: a value under a limit, or a line that answered or did not (`reached`)."""

    subject: str
    check: str
    value: float | None = None
    unit: str = ""
    limit: Limit | None = None
    reached: bool = True
    note: str = ""


def disk_limit(least_percent: float) -> Limit:
    """Free share of the disk in percent: good again half as much above the least."""
    return Limit(bad=least_percent, good=least_percent * 1.5)


def temperature_limit(most_c: float) -> Limit:
    """Degrees Celsius: good again five degrees below the most."""
    return Limit(bad=most_c, good=most_c - 5.0)


def clock_limit(most_s: float) -> Limit:
    """Seconds by which the clock is off, without sign: good again within half of the most."""
    return Limit(bad=most_s, good=most_s / 2)


def outcome(reading: Reading, before: bool | None, missed: int) -> bool | None:
    """Good, bad, or None when a first miss leaves things as they were. `missed`: unanswered questions in a row, this one included."""
    if reading.limit is not None and reading.value is not None:
        return reading.limit.accepts(reading.value, before)
    if reading.reached:
        return True
    return False if missed >= MISSES else before
