"""How often a place of the live array may knock; the buckets of strangers and nodes are those of lib/limits.py."""

from __future__ import annotations

import math
from array import array

from yuanjiao.lib.limits import MOST_SENDERS, SenderLimits, taken

__all__ = ["MOST_SENDERS", "PlaceLimits", "SenderLimits", "taken"]


class PlaceLimits:
    """A bucket for each place of the live array; when the array is replaced everybody begins anew."""

    def __init__(self, *, every_s: float, burst: float) -> None:
        self.every_s, self.burst = every_s, burst
        self._live: object = None
        self._full_at = array("d")  # read one by one, which is quicker than of numpy

    def take(self, live: object, size: int, place: int, at: float, cost: float = 1.0) -> int:
        """Whole seconds to wait, 0 when `cost` knocks of this place were taken off its bucket."""
        if live is not self._live or len(self._full_at) != size:
            self._live, self._full_at = live, array("d", bytes(8 * size))
        full_at, wait = taken(self._full_at[place], at, cost_s=cost * self.every_s, room_s=self.every_s * self.burst)
        if wait > 0:
            return math.ceil(wait)
        self._full_at[place] = full_at
        return 0
