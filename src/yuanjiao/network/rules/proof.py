"""The rate once more, by plain arithmetic: what an auditor would do with a pencil. It shares nothing with the quick way but the definition.

A story is told entry by entry, as the journal holds it; then every stretch of a site's service in which nothing changes is classed
by the definition in `rules/rates.py` and its seconds are added up. Times are whole seconds since 1970.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from yuanjiao.network.rules.rates import FOREVER, RateRule


class Said(NamedTuple):
    """One observer's word on one object from `at` on. `order` is that of arrival; two of one second stand in it."""

    at: int
    order: int
    state: str
    heard: int
    observer: str


@dataclass
class Story:
    """What has been said of one object, and its play tests (at, order, ok)."""

    said: list[Said] = field(default_factory=list)
    tests: list[tuple[int, int, bool]] = field(default_factory=list)

    def tell(self, word: Said) -> None:
        insort(self.said, word)

    def fall_silent(self, observer: str, start: int, order: int) -> None:
        """The observer was deaf: what it said last is unknown from `start`, if its word is the last."""
        last = self.said[-1] if self.said else None
        if last is not None and last.observer == observer and last.state != "unknown":
            self.tell(Said(max(start, last.at), order, "unknown", last.heard, observer))


class Seconds(NamedTuple):
    """Whole seconds of one site."""

    up: int = 0
    down: int = 0
    unknown: int = 0

    def plus(self, other: Seconds) -> Seconds:
        return Seconds(self.up + other.up, self.down + other.down, self.unknown + other.unknown)


def proved_seconds(story: Story, served: Iterable[tuple[int, int]], ends: Mapping[str, int], rule: RateRule) -> Seconds:
    """The seconds of the spans in which the site served. `ends`: observer → up to when its record is complete."""
    total = Seconds()
    cuts = _cuts(story, ends, rule)
    for first, last in served:
        inside = [moment for moment in cuts if first < moment < last]
        for begin, end in pairwise([first, *inside, last]):
            total = total.plus(_classed(_kind(story, begin, ends, rule), end - begin))
    return total


def _cuts(story: Story, ends: Mapping[str, int], rule: RateRule) -> list[int]:
    """Every moment at which the answer may change."""
    moments = {word.at for word in story.said} | {word.heard + rule.heartbeat_min * 60 for word in story.said}
    moments |= {ends.get(word.observer, FOREVER) for word in story.said}
    moments |= {at for at, _, _ in story.tests} | {at + rule.play_days * 86_400 for at, _, _ in story.tests}
    return sorted(moments)


def _kind(story: Story, moment: int, ends: Mapping[str, int], rule: RateRule) -> str:
    place = bisect_right(story.said, moment, key=lambda word: word.at)
    word = story.said[place - 1] if place else None
    if word is None or word.state == "unknown" or moment >= ends.get(word.observer, FOREVER):
        return "unknown"
    if word.state == "down" and not (word.heard and moment < word.heard + rule.heartbeat_min * 60):
        return "down"
    tests = [(at, order, ok) for at, order, ok in story.tests if at <= moment]
    if not tests or moment >= max(tests)[0] + rule.play_days * 86_400:
        return "unknown"
    return "up" if max(tests)[2] else "down"


def _classed(kind: str, seconds: int) -> Seconds:
    return Seconds(**{kind: seconds})


def served_spans(first: int, last: int, gaps: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """[first, last) without announced maintenance, second by cut second."""
    cuts = sorted({first, last, *(moment for gap in gaps for moment in gap if first < moment < last)})
    return [(a, b) for a, b in pairwise(cuts) if not any(start <= a < end for start, end in gaps)]
