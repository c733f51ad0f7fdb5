"""The line of a trend as numbers for an SVG: drawn by the server, it needs no script and leaves nothing behind in a browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor
from typing import TypeVar

T = TypeVar("T")
WIDTH, HEIGHT = 480.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 8.0, 12.0, 30.0
"""Room for the words beside the lines, in the units of the view box."""
LEVELS = 5
"""So many steps of whole per cent: the lowest level is a whole five."""


@dataclass(frozen=True)
class Step:
    """One step of time: its label, the rate (None where too little is known), and what the unknown could make of it (None: no sites)."""

    label: str
    value: float | None
    bounds: tuple[float, float] | None


@dataclass(frozen=True)
class Point:
    """One known value: where it is drawn and what it says."""

    x: float
    y: float
    words: str


@dataclass(frozen=True)
class Mark:
    """One word on an axis and where it stands."""

    at: float
    words: str


@dataclass(frozen=True)
class Curve:
    """A broken line (a gap is where too little is known) over the band in which the truth lies; stretches as SVG points."""

    lines: Sequence[str]
    bands: Sequence[str]
    points: Sequence[Point]
    levels: Sequence[Mark]
    times: Sequence[Mark]
    target: float | None
    known: bool


def curve(steps: Sequence[Step], target: float | None = None) -> Curve:
    """The curve of the steps. The lowest level is the whole five per cent below the rates and the target (without rates: the band)."""
    low = _lowest(steps, target)
    heights = [low + (1 - low) * part / LEVELS for part in range(LEVELS + 1)]
    times = [Mark(_x(place, len(steps)), step.label) for place, step in enumerate(steps) if place % max(len(steps) // 6, 1) == 0]
    points = [_point(step, place, len(steps), low) for place, step in enumerate(steps)]
    return Curve(
        lines=[" ".join(f"{point.x},{point.y}" for point in run) for run in _runs(points) if len(run) > 1],
        bands=[_band(run, len(steps), low) for run in _runs([(n, s.bounds) if s.bounds else None for n, s in enumerate(steps)])],
        points=[point for point in points if point is not None],
        levels=[Mark(_y(height, low), f"{height * 100:.4g}%") for height in heights],
        times=times,
        target=None if target is None else _y(target, low),
        known=any(step.bounds for step in steps),
    )


def _lowest(steps: Sequence[Step], target: float | None) -> float:
    rates = [step.value for step in steps if step.value is not None]
    drawn = rates or [step.bounds[0] for step in steps if step.bounds]
    lowest = min([*drawn, *([] if target is None else [target])], default=0.0)
    return min(max(floor(lowest * 20 - 0.2) / 20, 0.0), 0.95)


def _point(step: Step, place: int, count: int, low: float) -> Point | None:
    return None if step.value is None else Point(_x(place, count), _y(step.value, low), f"{step.label} {step.value * 100:.2f}%")


def _band(run: Sequence[tuple[int, tuple[float, float]]], count: int, low: float) -> str:
    """The corners of a stretch: along the upper bounds and back along the lower ones."""
    upper = [f"{_x(place, count)},{_y(bounds[1], low)}" for place, bounds in run]
    lower = [f"{_x(place, count)},{_y(bounds[0], low)}" for place, bounds in reversed(run)]
    return " ".join(upper + lower)


def _x(place: int, count: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (place / (count - 1) if count > 1 else 0.5), 1)


def _y(value: float, low: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * min(1 - (value - low) / (1 - low), 1.0), 1)


def _runs(values: Sequence[T | None]) -> Iterator[list[T]]:
    """Stretches without a gap."""
    run: list[T] = []
    for value in values:
        if value is not None:
            run.append(value)
        elif run:
            yield run
            run = []
    if run:
        yield run
