"""Pure rules of placements (隶属与状态): how the spans of one object's story change when it moves, is suspended, resumed or retired.

A story is a list of spans of days [valid_from, valid_to), one after the other, the last one open. A change of today ends the open
span today; a change of the day on which the open span began, or of an earlier one, replaces it: no day holds two answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

IN_SERVICE, SUSPENDED, RETIRED = "in_service", "suspended", "retired"
COUNTED = frozenset({IN_SERVICE, SUSPENDED})
"""Lifecycles whose days belong to a rate: as service, or set apart by decision."""


@dataclass(frozen=True)
class Span:
    """Where one object stood, and in which lifecycle, over [valid_from, valid_to). `uid` is that of the row kept, None for a new one."""

    division: int
    lifecycle: str
    document: str
    valid_from: date
    valid_to: date | None = None
    uid: UUID | None = None

    def says_as(self, other: Span) -> bool:
        """Whether both say the same of their days."""
        return (self.division, self.lifecycle, self.document) == (other.division, other.lifecycle, other.document)


def first_story(*, division: int, lifecycle: str, document: str, in_service_on: date, lifecycle_on: date) -> list[Span]:
    """The story of an object whose row says only its present lifecycle and since when.

    What is suspended or retired now served from the day it entered service until the day of that change.
    """
    if lifecycle == IN_SERVICE:
        return [Span(division, lifecycle, document, in_service_on)]
    if lifecycle in {SUSPENDED, RETIRED} and in_service_on < lifecycle_on:
        served = Span(division, IN_SERVICE, "", in_service_on, lifecycle_on)
        return [served, Span(division, lifecycle, document, lifecycle_on)]
    return [Span(division, lifecycle, document, max(in_service_on, lifecycle_on) if lifecycle == SUSPENDED else lifecycle_on)]


def changed(story: Sequence[Span], *, on: date, division: int, lifecycle: str, document: str) -> list[Span]:
    """The story once the object stands in `division` with `lifecycle` from `on`; nothing changes when it says so already."""
    last = story[-1]
    new = Span(division, lifecycle, document, max(on, last.valid_from))
    if new.says_as(last):
        return list(story)
    if new.valid_from == last.valid_from:
        return _joined([*story[:-1], replace(new, uid=last.uid)])
    return [*story[:-1], replace(last, valid_to=new.valid_from), new]


def followed(story: Sequence[Span], *, old: int, new: int, on: date) -> list[Span]:
    """The story once the division row `old` is followed by `new` from `on`: what stands in `old` that day or later stands in `new`."""
    parts: list[Span] = []
    for span in story:
        if span.division != old or (span.valid_to is not None and span.valid_to <= on):
            parts.append(span)
        elif span.valid_from >= on:
            parts.append(replace(span, division=new))
        else:
            parts += [replace(span, valid_to=on), replace(span, division=new, valid_from=on, uid=None)]
    return _joined(parts)


def _joined(story: Sequence[Span]) -> list[Span]:
    """The story without spans that only go on saying what the one before them said."""
    joined: list[Span] = []
    for span in story:
        if joined and joined[-1].valid_to == span.valid_from and joined[-1].says_as(span):
            joined[-1] = replace(joined[-1], valid_to=span.valid_to)
        else:
            joined.append(span)
    return joined


def entering(story: Sequence[Span], on: date) -> list[Span]:
    """The story once it is known that service began on another day than was written: what counted only before `on` is taken out,
    the first counted span begins on `on`, and what stood before service ends there."""
    first = next((index for index, span in enumerate(story) if span.lifecycle in COUNTED), len(story))
    serving = [span for span in story[first:] if span.valid_to is None or span.valid_to > on]
    if not serving or serving[0].lifecycle not in COUNTED:
        return list(story)
    planned = [span for span in story[:first] if span.valid_from < on]
    if planned:
        planned[-1] = replace(planned[-1], valid_to=on)
    return [*planned, replace(serving[0], valid_from=on), *serving[1:]]


def first_difference(one: Sequence[Span], other: Sequence[Span]) -> date | None:
    """The first day of which two stories say different things; None when they agree."""
    days = sorted({day for span in (*one, *other) for day in (span.valid_from, span.valid_to) if day is not None})
    return next((day for day in days if _answer(one, day) != _answer(other, day)), None)


def _answer(story: Sequence[Span], day: date) -> tuple[int, str, str] | None:
    held = (span for span in story if span.valid_from <= day and (span.valid_to is None or day < span.valid_to))
    return next(((span.division, span.lifecycle, span.document) for span in held), None)
