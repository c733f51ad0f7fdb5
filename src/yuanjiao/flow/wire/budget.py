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
        if self._rate <= 0:
            return
        with self._lock:
            now = self._clock()
            self._tokens = min(float(self._rate), self._tokens + (now - self._filled_at) * self._rate) - size
            self._filled_at = now
            debt = -self._tokens
        if debt > 0:
            self._sleep(debt / self._rate)
