"""How far the parent's clock is ahead of ours, from its answers. Pure.

An answer says what its clock read between the question and the answer: the truth lies between two bounds, as far apart as the round
trip took. Every further answer narrows them, and age widens them by what two clocks may drift; so a difference that is constant is
told as a constant, however long single answers take. An answer that contradicts the bounds means that a clock was set: they are given up.
"""

from __future__ import annotations

from dataclasses import dataclass

DRIFT = 100e-6
"""Two clocks drift apart by less than this, in seconds a second."""


@dataclass
class Offset:
    """The bounds of the difference in seconds, as they were `at` (seconds by a clock that is never set); None before the first answer."""

    low: float = 0.0
    high: float = 0.0
    at: float | None = None

    def learn(self, *, sent: float, received: float, told: float, at: float) -> float:
        """A question was sent and its answer received at these moments of our clock; `told` is what the parent's clock read in between.
        Returns the difference as it is known now."""
        low, high = min(told - received, told - sent), max(told - received, told - sent)
        if self.at is not None:
            slack = DRIFT * max(at - self.at, 0.0)
            before = self.low - slack, self.high + slack
            if before[0] <= high and low <= before[1]:
                low, high = max(low, before[0]), min(high, before[1])
        self.low, self.high, self.at = low, high, at
        return self.seconds

    @property
    def seconds(self) -> float:
        """The middle of the bounds."""
        return (self.low + self.high) / 2
