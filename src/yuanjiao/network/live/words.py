"""The words of the live array: states and flags as small numbers, one transition, one edge's word about itself."""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN, UP, DOWN = 0, 1, 2
STATE_CODES = {"unknown": UNKNOWN, "up": UP, "down": DOWN}
STATE_NAMES = ("unknown", "up", "down")
MINE, SERVING, THEIRS = 1, 2, 4
"""Flags: this process judges it as its nearest observer; it is in service; this machine is the nearest observer, but another of its
intakes judges it (never together with MINE)."""
EDGE, LINE, SITE = 1, 2, 3
KIND_CODES = {"edge": EDGE, "line": LINE, "site": SITE}


@dataclass(frozen=True)
class Transition:
    """One object's new state. Times are seconds since 1970 UTC; 0 is "not known"."""

    code: str
    state: str
    at: float
    heard: float
    latest: float
    reason: str


@dataclass(frozen=True)
class Word:
    """The newest word of one edge about itself: its record is complete to `through` (our clock) at journal entry `seq`."""

    code: str
    through: float
    seq: int
    boot_at: float
    offset_s: float
