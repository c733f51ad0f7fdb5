"""How often one sender may knock. A bucket that refills steadily, kept as one number: the moment at which it will be full again.

Pure arithmetic on memory; the moment is passed in as seconds since 1970. What is heard of a sender that is over its limit is lost, so
limits are wide: they stop a machine gone mad and mischief, never somebody who knocks a little too often.
"""

from __future__ import annotations

import math
from collections.abc import Hashable

MOST_SENDERS = 10_000
"""Senders remembered at a time; while so many knock too often, a new one waits as well."""


def taken(full_at: float, at: float, *, cost_s: float, room_s: float) -> tuple[float, float]:
    """When the bucket is full again after one more knock at `at`, and the seconds to wait for it (0: it is allowed now).

    `room_s` is how long an empty bucket takes to fill; one that seems emptier than empty comes from a clock that was set back.
    """
    full_at = (full_at if at < full_at <= at + room_s else at) + cost_s
    return full_at, max(0.0, full_at - at - room_s)


class SenderLimits:
    """A bucket for each sender by what names it: strangers and wrong keys by address, nodes by uid. Bounded."""

    def __init__(self, *, every_s: float, burst: float, most: int = MOST_SENDERS) -> None:
        self.every_s, self.burst, self.most = every_s, burst, most
        self._full_at: dict[Hashable, float] = {}

    def take(self, sender: Hashable, at: float) -> int:
        """Whole seconds to wait, 0 when one knock of this sender was taken off its bucket."""
        if sender not in self._full_at and len(self._full_at) >= self.most:
            self._full_at = {one: full_at for one, full_at in self._full_at.items() if full_at > at}
            if len(self._full_at) >= self.most:
                return math.ceil(self.every_s * self.burst)
        full_at, wait = taken(self._full_at.get(sender, 0.0), at, cost_s=self.every_s, room_s=self.every_s * self.burst)
        if wait > 0:
            return math.ceil(wait)
        self._full_at[sender] = full_at
        return 0

    def __len__(self) -> int:
        return len(self._full_at)
