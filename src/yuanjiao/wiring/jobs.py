"""Timed work: which job runs how often in which role. The clock that runs it is wiring/engine.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

ALL = frozenset({"solo", "centre", "edge", "site"})
TOP = frozenset({"solo", "centre"})
BELOW = frozenset({"edge", "site"})


@dataclass(frozen=True)
class Job:
    """`run(at)` is called every `every_s` seconds in processes whose role is in `roles`."""

    name: str
    every_s: float
    run: Callable[[datetime], object]
    roles: frozenset[str] = ALL


JOBS: tuple[Job, ...] = ()
