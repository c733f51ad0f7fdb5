"""The stamp by which the front keeps public pages: the same object as long as what it kept is right.

A release, withdrawal, placement, order or column changed: old within a second. Anything else, and what changes with the hour (a notice
that begins): pages are made anew once in `LATEST_S` seconds. While nothing is written, nothing is counted.
"""

from __future__ import annotations

import time
from datetime import date

from django.db import Error, close_old_connections

from yuanjiao.courseware.counting import shown_mark
from yuanjiao.lib import clock
from yuanjiao.lib.changes import Changes

LATEST_S = 15.0


class Shown:
    """Asked by one thread at a time."""

    def __init__(self) -> None:
        self._changes = Changes()
        self._told: object = None
        self._mark: tuple[object, ...] = ()
        self._day: date | None = None
        self._stamp: object = object()
        self._at = 0.0

    def stamp(self) -> object:
        told, day, now = self._changes.stamp(), clock.today(), time.monotonic()
        if told == self._told and day == self._day and now - self._at < LATEST_S:
            return self._stamp
        close_old_connections()
        try:
            mark = shown_mark()
        except Error:
            return object()  # equal to no other: while the database does not answer, Django says what there is to say
        if mark != self._mark or day != self._day or now - self._at >= LATEST_S:
            self._told, self._mark, self._day, self._stamp, self._at = told, mark, day, object(), now
        return self._stamp  # with `_told` left as it was, so that the next second looks again
