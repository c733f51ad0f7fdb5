"""The byte budget of the line to the parent: a token bucket, so that we leave room for what people watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """Lets `rate` bytes per second through, with one second's worth saved up; a rate of 0 is no limit.

    `take` sleeps as long as the bytes just moved cost. A larger piece than a second's worth is let through and paid for after.
    """

    def __init__(self, rate: int, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._tokens, self._filled_at = float(rate), clock()
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Account for `size` bytes; returns when the budget allows the next piece."""
        if (owed_s := self.owed_s(size)) > 0:
            self._sleep(owed_s)

    def owed_s(self, size: int) -> float:
        """Account for `size` bytes; how long to wait before the next piece, in seconds."""
        if self._rate <= 0:
            return 0.0
        with self._lock:
            now = self._clock()
            self._tokens = min(float(self._rate), self._tokens + (now - self._filled_at) * self._rate) - size
            self._filled_at = now
            return max(0.0, -self._tokens / self._rate)
