"""What many readers ask for at the same moment, made once: by whoever asks first, the others wait for it and take it as well."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Shared:
    """Values by key, each for some seconds. What makes one raises goes to whoever made it; the next one tries anew."""

    def __init__(self, most: int = 2_000, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock_s = most, clock_s
        self._made: dict[Hashable, tuple[float, Any]] = {}
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, seconds: float, make: Callable[[], T]) -> T:
        """The value of a key, at most so many seconds old; with none (0) it is made for this reader alone."""
        if seconds <= 0:
            return make()
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            found = self._made.get(key)
            if found is not None and self._clock_s() - found[0] < seconds:
                return found[1]  # type: ignore[no-any-return]
            asked_s = self._clock_s()  # as old as the first question of its making
            value = make()
            self._keep(key, asked_s, value, seconds)
            return value

    def _keep(self, key: Hashable, asked_s: float, value: Any, seconds: float) -> None:
        with self._lock:
            self._made[key] = (asked_s, value)
            if len(self._made) > self._most:
                self._made = {one: kept for one, kept in self._made.items() if asked_s - kept[0] < seconds}
                self._making = {one: lock for one, lock in self._making.items() if one in self._made or lock.locked()}
