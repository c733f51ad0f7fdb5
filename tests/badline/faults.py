"""What is wrong with a line, in one value that both kinds of bad line understand. Pure; moments are seconds since the line began."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import msgspec


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Delay and jitter (standard deviation) of one way in seconds, loss as a share of packets, rate of one way in bits a second.

    Every `cut_every_s` the line is dead for `cut_s`: packets are lost, connections through the proxy are reset. Every `freeze_every_s`
    it stands still for `freeze_s`: nothing is lost, all of it comes late. 0 is: no such fault, no limit.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    rate_bps: float = 0.0
    cut_every_s: float = 0.0
    cut_s: float = 1.0
    freeze_every_s: float = 0.0
    freeze_s: float = 1.0

    def cut_at(self, moment: float) -> bool:
        """Whether the line is dead. It is whole at the beginning: a cut stands at the end of its period."""
        return _at_the_end(moment, self.cut_every_s, self.cut_s)

    def thawed_at(self, moment: float) -> float:
        """The same moment, or the end of the freeze it falls into."""
        if not _at_the_end(moment, self.freeze_every_s, self.freeze_s):
            return moment
        return (math.floor(moment / self.freeze_every_s) + 1) * self.freeze_every_s


def _at_the_end(moment: float, every_s: float, for_s: float) -> bool:
    return every_s > 0 and moment % every_s >= every_s - for_s


class Way:
    """One direction of a line: when a piece that is sent now arrives, or that it never does."""

    def __init__(self, faults: Callable[[], Faults], chance: random.Random, *, queue_s: float = 1.0) -> None:
        self._faults, self._chance, self._queue_s = faults, chance, queue_s
        self._free_at = 0.0

    def arrives_at(self, size: int, now: float) -> float | None:
        """None: lost, by chance, by a cut, or because the queue before the line holds `queue_s` of it already (tail drop)."""
        faults = self._faults()
        if faults.cut_at(now) or self._chance.random() < faults.loss or self._free_at - now > self._queue_s:
            return None
        return self.passes_at(size, now)

    def passes_at(self, size: int, now: float) -> float:
        """The same for what is not lost."""
        faults = self._faults()
        start = max(self._free_at, faults.thawed_at(now))
        self._free_at = start + (size * 8 / faults.rate_bps if faults.rate_bps else 0.0)
        return faults.thawed_at(self._free_at + max(0.0, self._chance.gauss(faults.delay_s, faults.jitter_s)))

    def waits_s(self, now: float) -> float:
        """How much of the line's time is already taken."""
        return max(0.0, self._free_at - now)
