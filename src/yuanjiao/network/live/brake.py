"""Self-suspicion: when nobody at all is heard, our own ears are the likelier cause than all of them at once. Pure; time and ears come in.

Silences are then held, never invented and never lost: they are dated from the last beat whenever they are let through.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.live.array import LiveArray
from yuanjiao.network.live.words import MINE, SERVING, UP

MANY = 6
"""Of fewer objects it may well be true that all are silent."""
LEAST_GAP_S = 10.0
PUNCTUAL = 0.05
"""So many of those who come back may be late by themselves."""
FADING = 0.99
"""How slowly a long pause between beats is forgotten, per sweep."""


class Course(Enum):
    """What to do with the silences of this sweep."""

    TELL = "tell"
    HOLD = "hold"
    DEAF = "deaf"  # it was (or is) us: own up to [start, end)


@dataclass
class Brake:
    """What is suspected at present. `held_since` is the last moment at which anybody was heard, 0 while nothing is suspected."""

    usual_gap: float = 0.0
    seen_at: float = 0.0
    held_since: float = 0.0
    back_at: float = 0.0
    expected: int = 0
    deaf: bool = False
    before: NDArray[np.float64] | None = None
    """When everything had last been heard as the suspicion began."""

    def suspects(self, array: LiveArray, now: float) -> bool:
        """Whether nobody is heard although many should be. Call once per sweep, before `course`."""
        self._learn(array)
        if self.held_since:
            return True
        ears = max(array.heard_at, array.listening_since)
        usual = 2 * self.usual_gap if self.usual_gap else array.longest_wait
        if now - ears <= max(LEAST_GAP_S, usual):
            return False
        self.expected = int(np.count_nonzero((array.flags == MINE | SERVING) & (array.state == UP)))
        if self.expected < MANY:
            return False
        self.held_since, self.back_at, self.deaf = ears, 0.0, False
        self.before = array.last.copy()
        return True

    def course(self, array: LiveArray, now: float, *, ears_open: bool | None) -> tuple[Course, float, float]:
        """What to do, and the span of our deafness. `ears_open`: a reference outside answers us (None: there is none to ask)."""
        start = self.held_since
        if array.heard_at > start:
            return self._heard_again(array, now)
        if ears_open is False:
            fresh, self.deaf = not self.deaf, True
            return (Course.DEAF if fresh else Course.HOLD), start, now
        if ears_open or now - start > 2 * array.longest_wait:
            if ears_open or self.deaf:
                self.held_since = 0.0
            return Course.TELL, start, now
        return Course.HOLD, start, now

    def _heard_again(self, array: LiveArray, now: float) -> tuple[Course, float, float]:
        """Somebody is heard: when half of them come back within a period it was us, else it was them."""
        start, self.back_at = self.held_since, self.back_at or array.heard_at
        if self.deaf:
            self.held_since = 0.0
            return Course.TELL, start, now
        returned = int(np.count_nonzero((array.flags == MINE | SERVING) & (array.last > start)))
        if 2 * returned >= self.expected:
            self.held_since = 0.0
            if not self._missed_any(array, start):
                self.usual_gap = max(self.usual_gap, self.back_at - start)
                return Course.TELL, start, now
            return Course.DEAF, start, self.back_at
        if now - self.back_at > array.longest_wait:
            self.held_since = 0.0
            return Course.TELL, start, now
        return Course.HOLD, start, now

    def _missed_any(self, array: LiveArray, start: float) -> bool:
        """Whether beats were missed in the pause. Boxes that all beat at the same moment leave a whole period of silence and miss none."""
        if self.before is None or len(self.before) != len(array.last):
            return True
        back = (array.flags == MINE | SERVING) & (array.last > start) & (self.before > 0)
        late = array.last[back] - self.before[back] > array.period[back] + array.grace[back] / 2
        return bool(np.count_nonzero(late) > PUNCTUAL * np.count_nonzero(back))

    def _learn(self, array: LiveArray) -> None:
        """The usual pause between one beat and the next, of whomever; what was suspected is no example."""
        gap = array.heard_at - self.seen_at
        if self.seen_at and gap > 0 and not self.held_since:
            self.usual_gap = max(gap, self.usual_gap * FADING)
        self.seen_at = array.heard_at
