"""The clocks of a judged city's edges: right, wrong by a constant, drifting, or set (also while the edge is cut off, or off). Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEP_S = 5.0
REBOOT_S = 60.0
"""A stop that is longer switched the machine off; a shorter one was of its process only."""
DEAF_S, LEAST_DEAF_S = 30.0, 15.0
Times = Sequence[tuple[float, float]]
RIGHT, CONSTANT, DRIFTING, SET = "right", "constant", "drifting", "set"
KINDS = (RIGHT, CONSTANT, DRIFTING, SET)
SIZES = ((-240, 240), (2, 29), (-1800, -40), (40, 1800))
"""By how much a clock is set, in seconds: from one to the other."""


def deaf_after(shortest_wait: float) -> float:
    """A pause of a third of the shortest silence that is judged may hide something; marks are only so close."""
    return min(DEAF_S, max(shortest_wait / 3, LEAST_DEAF_S))


@dataclass(frozen=True)
class WrongClock:
    """A machine's clock: `bias` seconds ahead of the truth, gaining `drift` seconds a second, and set by so many seconds at the
    moments of `steps`, each a second before a sweep, and of `asleep`, while the machine is off."""

    bias: float = 0.0
    drift: float = 0.0
    steps: tuple[tuple[float, float], ...] = ()
    asleep: tuple[tuple[float, float], ...] = ()

    def ahead(self, at: float) -> float:
        """By how many seconds it is ahead of the truth at a true moment."""
        return self.bias + self.drift * at + self.set_by(at) + self.set_asleep(at)

    def set_by(self, at: float) -> float:
        """By how much it has been set while the machine ran, all in all."""
        return sum(by for when, by in self.steps if when <= at)

    def set_asleep(self, at: float) -> float:
        """By how much it has been set while the machine was off."""
        return sum(by for when, by in self.asleep if when <= at)

    @property
    def kind(self) -> str:
        if self.steps:
            return SET
        return DRIFTING if self.drift else CONSTANT if self.bias else RIGHT

    def leaps(self, deaf_s: float) -> frozenset[float]:
        """The sweeps at which a machine says that it may have slept: its clock leapt forward by more than it can answer for."""
        return frozenset(when + 1 for when, by in self.steps if by > deaf_s)

    def sweeps(self) -> list[float]:
        """The first sweep after each step."""
        return [when + 1 for when, _ in self.steps]


def draw_clock(
    seed: int, number: int, code: str, cuts: Sequence[tuple[float, float]], running: Sequence[tuple[float, float]]
) -> WrongClock:
    """The clock of the edge of this number: the four kinds in turn. `cuts`: when it was cut off; `running`: when it ran."""
    draw = random.Random(f"judge/{seed}/{code}/clock")
    kind, bias = KINDS[(number + seed) % len(KINDS)], draw.uniform(-240, 240)
    if kind == RIGHT:
        return WrongClock()
    if kind == SET:
        return WrongClock(bias, 0.0, tuple(sorted(_steps(draw, cuts, running))), tuple(_asleep(seed, code, running)))
    return WrongClock(bias, draw.choice((-1, 1)) * draw.uniform(10e-6, 50e-6) if kind == DRIFTING else 0.0)


def _steps(
    draw: random.Random, cuts: Sequence[tuple[float, float]], running: Sequence[tuple[float, float]]
) -> Iterator[tuple[float, float]]:
    """One of each size, the first two in the middle of the longest cuts."""
    longest = sorted(cuts, key=lambda cut: cut[0] - cut[1])[:2]
    moments = [(start + end) / 2 for start, end in longest]
    length = running[-1][1]
    while len(moments) < len(SIZES):
        moments.append(draw.uniform(3600, max(length - 3 * 3600, 3601)))
    for moment, size in zip(moments, draw.sample(SIZES, len(SIZES)), strict=True):
        when = math.ceil(moment / SWEEP_S) * SWEEP_S - 1
        by = draw.uniform(*size)
        if abs(by) >= 2 and any(start + 120 < when < end - 120 for start, end in running):
            yield when, by


def _asleep(seed: int, code: str, running: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Every other time that the machine was off: forwards or back."""
    draw = random.Random(f"judge/{seed}/{code}/asleep")
    for (_, stopped), (started, _) in pairwise(running):
        by = draw.choice((-1, 1)) * draw.uniform(2, 1800)
        if started - stopped > REBOOT_S and draw.random() < 0.5:
            yield (stopped + started) / 2, by
