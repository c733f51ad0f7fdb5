"""What an honest observer must say of a site, by plain loops over the beats it heard. Nothing of the code under test is called.

The rules are those of the room's README and of the printed rate, said again in the plainest way: silence counts from the last beat or
from where listening began; it is noticed by the first sweep after period and grace; while nobody listens nothing is known; a second is
up when a beat is younger than five minutes and the newest play test, at most thirty days old, passed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from yuanjiao.simulation.judge.beats import GRACE_S, PERIOD_S, SWEEP_S, mark_before, sweep_after
from yuanjiao.simulation.judge.clocks import DEAF_S
from yuanjiao.simulation.judge.truth import Try

Change = tuple[int, str, int | None]
"""When, which state, and the last beat known then."""
YOUNG_S = 5 * 60
TEST_DAYS_S = 30 * 86_400


@dataclass(frozen=True)
class Told:
    """One site was held to be in `state` during [start, end); `heard` is the last beat known when a silence was noticed."""

    state: str
    start: int
    end: int
    heard: int | None = None


@dataclass(frozen=True)
class Dark:
    """One silence that a listener must have noticed: after the last beat (or the start of listening), until the next one (or its end)."""

    start: float
    end: float
    noticed: float


@dataclass(frozen=True)
class Sums:
    """Seconds of one site."""

    up: int = 0
    down: int = 0
    unknown: int = 0

    def __sub__(self, other: Sums) -> Sums:
        return Sums(self.up - other.up, self.down - other.down, self.unknown - other.unknown)


@dataclass(frozen=True)
class Ear:
    """How one listener judges an object: its phase of sweeps, the silence it allows, the longest pause of its own that it passes over,
    and the moments at which its clock leapt forward: it may have slept and says so."""

    phase: float = 0.0
    wait: float = PERIOD_S + GRACE_S
    deaf: float = DEAF_S
    leaps: frozenset[float] = frozenset()
    dated: Mapping[float, float] = field(default_factory=dict)
    """When a listener that began then set its first mark, if not at once."""


def story(
    beats: Sequence[float], listening: Iterable[tuple[float, float]], length: float, ear: Ear | None = None
) -> tuple[list[Told], list[Dark]]:
    """The site's states over [0, length) and the silences in them."""
    ear = ear or Ear()
    changes: list[Change] = [(0, "unknown", None)]
    dark: list[Dark] = []
    place, marked, met = 0, 0.0, False
    for start, end in listening:
        if start in ear.leaps:
            marked = start - SWEEP_S
        if start - marked > ear.deaf or start in ear.leaps:
            changes.append((max(math.floor(marked), changes[-1][0]), "unknown", None))
        mine = place
        while place < len(beats) and beats[place] < end:
            place += 1
        _one_listening(beats[mine:place], (start, end), ear, met, changes, dark)
        met, marked = met or place > mine, mark_before(ear.dated.get(start, start), end)
    return list(_spans(changes, math.floor(length))), dark


def _one_listening(
    beats: Sequence[float], listener: tuple[float, float], ear: Ear, met: bool, changes: list[Change], dark: list[Dark]
) -> None:
    """What is said from one start of the listener to its end. A site that was never heard is not said to be dark."""
    start, end = listener
    last, state = start, changes[-1][1]
    heard: float | None = None
    for beat in [*beats, math.inf]:
        noticed = sweep_after(last + ear.wait, ear.phase)
        if state != "down" and noticed < min(beat, end) and (met or heard is not None):
            changes.append((math.floor(last), "down", None if heard is None else math.floor(heard)))
            dark.append(Dark(last, min(beat, end), noticed))
            state = "down"
        if beat < math.inf:
            if state != "up" and sweep_after(beat, ear.phase) < end:
                changes.append((math.floor(beat), "up", None))
                state = "up"
            last = heard = beat


def _spans(changes: list[Change], length: int) -> Iterator[Told]:
    for (start, state, heard), (end, _, _) in zip(changes, [*changes[1:], (length, "", None)], strict=True):
        if min(end, length) > start:
            yield Told(state, start, min(end, length), heard)


def sums(told: Iterable[Told], tests: Sequence[Try], first: int = 0, last: int | None = None) -> Sums:
    """Seconds up, down and unknown in [first, last); tests were made and are in order of time."""
    counts = {"up": 0, "down": 0, "unknown": 0}
    for span in told:
        start, end = max(span.start, first), span.end if last is None else min(span.end, last)
        if start >= end:
            continue
        if span.state == "unknown":
            counts["unknown"] += end - start
            continue
        young = end if span.state == "up" else start
        if span.state == "down" and span.heard is not None:
            young = min(max(span.heard + YOUNG_S, start), end)
        for state, seconds in _by_tests(start, young, tests):
            counts[state] += seconds
        counts["down"] += end - young
    return Sums(**counts)


def _by_tests(start: int, end: int, tests: Sequence[Try]) -> Iterator[tuple[str, int]]:
    """Seconds of [start, end), in which beats were young, by what the newest test says."""
    starts = [math.floor(test.at) for test in tests]
    for number, test in enumerate(tests):
        valid_to = min(starts[number] + TEST_DAYS_S, starts[number + 1] if number + 1 < len(tests) else math.inf)
        seconds = min(end, valid_to) - max(start, starts[number])
        if seconds > 0:
            yield "up" if test.ok else "down", int(seconds)
    known = sum(
        max(int(min(end, starts[n] + TEST_DAYS_S, starts[n + 1] if n + 1 < len(tests) else math.inf) - max(start, starts[n])), 0)
        for n in range(len(tests))
    )
    if end - start > known:
        yield "unknown", end - start - known
