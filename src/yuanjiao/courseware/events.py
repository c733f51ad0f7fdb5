"""Facts of courseware that go up. Kinds and field names may never change (flow/journal/event.py)."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

import msgspec

from yuanjiao.courseware.models import SearchMissCount
from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.nodes.queries import require_told_of


class WordsMissed(msgspec.Struct, frozen=True, kw_only=True):
    """Words that were looked for in vain, and how often."""

    words: str
    count: int


class MissesCounted(Event, frozen=True, kw_only=True):
    """What was looked for in vain at one machine on one day, more than a few times each. Nobody is named."""

    KIND: ClassVar[str] = "courseware.misses_counted/1"

    day: date
    path: str
    words: list[WordsMissed]


def apply_misses_counted(event: MissesCounted, fact: Fact) -> None:
    """A machine tells a day once; told again, the first stands."""
    if event.path != "/":
        require_told_of(fact.origin, [event.path])
    for one in event.words:
        values = {"path": event.path, "count": one.count}
        SearchMissCount.objects.get_or_create(origin=fact.origin, day=event.day, words=one.words[:20], defaults=values)
