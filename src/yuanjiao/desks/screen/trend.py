"""The line of a trend as numbers for an SVG: drawn by the server, it needs no script and leaves nothing behind in a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

WIDTH, HEIGHT = 480.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 8.0, 12.0, 30.0
"""Room for the words beside the lines, in the units of the view box."""


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
    """A broken line: `lines` are the stretches of known values (a gap is where too little is known), each as SVG points."""

    lines: Sequence[str]
    points: Sequence[Point]
    levels: Sequence[Mark]
    times: Sequence[Mark]
    target: float | None
    known: bool


def curve(values: Sequence[tuple[str, float | None]], target: float | None = None) -> Curve:
    """The curve of (label, rate 0–1 or None); the lowest level is the whole five per cent below all that is drawn."""
    drawn = [value for _, value in values if value is not None] + ([] if target is None else [target])
    low = _floor(min(drawn, default=0.0))
    points = [None if value is None else Point(_x(place, len(values)), _y(value, low), f"{label} {value * 100:.2f}%")
              for place, (label, value) in enumerate(values)]  # fmt: skip
    levels = [Mark(_y(low + (1 - low) * part / 4, low), f"{(low + (1 - low) * part / 4) * 100:.4g}%") for part in range(5)]
    times = [Mark(_x(place, len(values)), label) for place, (label, _) in enumerate(values) if place % max(len(values) // 6, 1) == 0]
    known = [point for point in points if point is not None]
    return Curve(_stretches(points), known, levels, times, None if target is None else _y(target, low), bool(known))


def _floor(value: float) -> float:
    return min(max(floor(value * 20 - 0.2) / 20, 0.0), 0.95)


def _x(place: int, count: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (place / (count - 1) if count > 1 else 0.5), 1)


def _y(value: float, low: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (1 - low)), 1)


def _stretches(points: Sequence[Point | None]) -> list[str]:
    lines: list[list[str]] = [[]]
    for point in points:
        if point is None:
            lines.append([])
        else:
            lines[-1].append(f"{point.x},{point.y}")
    return [" ".join(line) for line in lines if len(line) > 1]
