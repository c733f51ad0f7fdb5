"""Who comes and goes (时断时续): one bit per object and slot of time in which it fell silent, over the last 21 slots.

Hysteresis: unstable from `OPENS` slots with a drop on, steady again when no more than `CLOSES` remain in sight. The record is
untouched by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SLOTS, SLOT_S = 21, 300.0
OPENS, CLOSES = 4, 1
ALL_SLOTS = np.uint32((1 << SLOTS) - 1)


@dataclass
class Flaps:
    """Bit 0 of `history` is the slot of `slot`; `unstable` is the answer."""

    history: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    unstable: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    slot: int = 0

    def note(self, places: NDArray[np.int64], at: NDArray[np.float64]) -> None:
        """These fell silent at these moments (seconds since 1970). Told twice is told once; what is too old is passed over."""
        if not len(places):
            return
        slots = (at // SLOT_S).astype(np.int64)
        self._turn(int(slots.max()))
        age = self.slot - slots
        young = (age >= 0) & (age < SLOTS)
        bits = np.left_shift(np.uint32(1), age[young].astype(np.uint32))
        np.bitwise_or.at(self.history, places[young], bits)
        self._judge(np.unique(places[young]))

    def roll(self, now: float) -> None:
        """Let time pass: slots that leave the window are forgotten."""
        if self._turn(int(now // SLOT_S)):
            self._judge(np.flatnonzero((self.history != 0) | self.unstable))

    def _turn(self, slot: int) -> bool:
        passed, self.slot = slot - self.slot, max(slot, self.slot)
        if passed <= 0:
            return False
        if passed < SLOTS:
            np.left_shift(self.history, np.uint32(passed), out=self.history)
            np.bitwise_and(self.history, ALL_SLOTS, out=self.history)
        else:
            self.history[:] = 0
        return True

    def _judge(self, places: NDArray[np.int64]) -> None:
        drops = np.bitwise_count(self.history[places])
        self.unstable[places] = np.where(self.unstable[places], drops > CLOSES, drops >= OPENS)

    def resume(self, places: NDArray[np.int64]) -> None:
        """These were unstable when the process ended: they are until they have been steady for a whole window."""
        self.history[places] |= np.uint32((1 << (CLOSES + 1)) - 1)
        self.unstable[places] = True


def calm(count: int) -> Flaps:
    """Nobody has dropped yet."""
    return Flaps(np.zeros(count, np.uint32), np.zeros(count, np.bool_))
