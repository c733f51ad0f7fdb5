"""What one sweep found, as parallel arrays: 700,000 transitions are four arrays, not 700,000 objects. A row is made when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.live.words import DOWN, STATE_NAMES, Transition

REASONS = {"up": "beat", "down": "silence"}


@dataclass(frozen=True)
class Transitions:
    """New states by place of the array they were found in; an object occurs at most once. Times as in `Transition`."""

    codes: Sequence[str]
    places: NDArray[np.int64]
    states: NDArray[np.uint8]
    at: NDArray[np.float64]
    heard: NDArray[np.float64]
    latest: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Transition]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Transition:
        state = STATE_NAMES[self.states[number]]
        code, reason = self.codes[self.places[number]], REASONS[state]
        return Transition(code, state, float(self.at[number]), float(self.heard[number]), float(self.latest[number]), reason)

    def part(self, start: int, stop: int) -> Transitions:
        """Some of them, as views."""
        cut = slice(start, stop)
        return Transitions(self.codes, self.places[cut], self.states[cut], self.at[cut], self.heard[cut], self.latest[cut])

    def without_downs(self) -> Transitions:
        """Only what came back: what fell silent is held."""
        kept = self.states != DOWN
        return Transitions(self.codes, self.places[kept], self.states[kept], self.at[kept], self.heard[kept], self.latest[kept])

    @property
    def names(self) -> list[str]:
        """The codes, in order."""
        return [self.codes[place] for place in self.places.tolist()]


def nothing(codes: Sequence[str]) -> Transitions:
    """No transition at all."""
    none = np.zeros(0)
    return Transitions(codes, none.astype(np.int64), none.astype(np.uint8), none, none, none)
