"""Spans of the day in China, as a setting names them: `22:00-06:00,12:00-13:00`. Pure.

A span begins at its first minute and ends before its last; one whose end is not after its begin goes on over midnight.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from yuanjiao.lib.clock import CHINA

FORM = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
DAY = 24 * 60


@dataclass(frozen=True)
class DaySpan:
    """Minutes after midnight."""

    begin: int
    end: int

    def holds(self, minute: int) -> bool:
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


def read_spans(text: str) -> tuple[DaySpan, ...]:
    """The spans in a comma list; none for an empty text. ValueError says which one is wrong and what is expected."""
    return tuple(_read(part.strip()) for part in text.split(",")) if text.strip() else ()


def opens_at(spans: Sequence[DaySpan], at: datetime) -> datetime | None:
    """When the next span begins after `at`; None while one holds, or when there is none at all."""
    local = at.astimezone(CHINA)
    minute = local.hour * 60 + local.minute
    if not spans or any(span.holds(minute) for span in spans):
        return None
    wait = min((span.begin - minute) % DAY for span in spans)
    return local.replace(second=0, microsecond=0) + timedelta(minutes=wait)


def _read(part: str) -> DaySpan:
    found = FORM.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r} is no span of the day; spans such as 22:00-06:00,12:00-13:00 are expected")
    begin, end = (int(found[1]) * 60 + int(found[2])), (int(found[3]) * 60 + int(found[4]))
    if begin >= DAY or end > DAY or begin == end:
        raise ValueError(f"{part!r} is no span of the day: it is empty or goes beyond 24:00")
    return DaySpan(begin, end)
