"""Facts of courseware that go up. Kinds and field names may never change (flow/journal/event.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

import msgspec

from yuanjiao.courseware.models import SearchMissCount
from yuanjiao.flow.journal.event import Event, Fact, InBulk
from yuanjiao.flow.nodes.queries import require_each_told_of


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


def apply_misses(pairs: Sequence[tuple[MissesCounted, Fact]]) -> None:
    """A machine tells a day once; told again, the first stands."""
    require_each_told_of((fact, event.path) for event, fact in pairs if event.path != "/")
    for event, fact in pairs:
        there = set(SearchMissCount.objects.filter(origin=fact.origin, day=event.day).values_list("words", flat=True))
        counts: dict[str, int] = {}
        for one in event.words:
            counts.setdefault(one.words[:20], one.count)
        SearchMissCount.objects.bulk_create(
            SearchMissCount(origin=fact.origin, day=event.day, words=words, path=event.path, count=count)
            for words, count in counts.items()
            if words not in there
        )


apply_misses_counted = InBulk(apply_misses, commutes=True)
