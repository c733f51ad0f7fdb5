"""Whoever waits for a page comes first: work that may wait lets it by, between two of its questions to the database.

One interpreter runs one thread at a time. A month's record of an edge keeps two of them busy for minutes, and a page that asks the
database thirty times would stand in the queue behind them thirty times.

Only who reads is let by: who writes may wait for what the work itself holds. Nobody waits without end: after `LONGEST_S` the work goes
on for `AT_LEAST_S`, however many read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

LONGEST_S, AT_LEAST_S = 0.4, 0.05

HELD_S = 2.0
"""So long in all is waited inside one transaction of an embedded database: others wait for its one lock, also readers that write."""


def _holds_the_only_lock() -> bool:
    return connection.vendor == "sqlite" and connection.in_atomic_block


class Precedence:
    """Counts who reads; any thread may read or give way."""

    def __init__(
        self, *, longest_s: float = LONGEST_S, at_least_s: float = AT_LEAST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._longest_s, self._at_least_s, self._clock = longest_s, at_least_s, clock
        self._nobody, self._lock, self._readers = threading.Event(), threading.Lock(), 0
        self._nobody.set()
        self._own = threading.local()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Somebody waits for what is made inside."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    @contextmanager
    def giving_way(self) -> Iterator[None]:
        """What this thread asks the database inside may wait for who reads."""
        with connection.execute_wrapper(self._let_by):
            yield

    def give_way(self) -> None:
        """Wait until nobody reads, but not longer than is fair."""
        if not _holds_the_only_lock():
            self._own.waited_s = 0.0
        begun = self._clock()
        if self._nobody.is_set() or begun < getattr(self._own, "goes_on_until", 0.0) or getattr(self._own, "waited_s", 0.0) >= HELD_S:
            return
        self._nobody.wait(self._longest_s)
        now = self._clock()
        self._own.goes_on_until = now + self._at_least_s
        self._own.waited_s = getattr(self._own, "waited_s", 0.0) + now - begun

    def _let_by(self, execute: Callable[..., Any], *asked: Any) -> Any:
        self.give_way()
        return execute(*asked)

    def _count(self, change: int) -> None:
        with self._lock:
            self._readers += change
            if self._readers:
                self._nobody.clear()
            else:
                self._nobody.set()


READERS = Precedence()
"""Those of this process."""
