"""Writes about searching: what was looked for in vain, and telling it upwards in sums of days."""

from __future__ import annotations

import re
from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from yuanjiao.courseware.events import MissesCounted, WordsMissed
from yuanjiao.courseware.models import SearchMiss
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.lib.clock import local_day

LONGEST = 20
WORDS_A_DAY = 2000
"""So that nobody fills a disk by asking for nonsense."""
PERSONAL = re.compile(r"\d{5,}|@")
"""Long numbers and addresses may be somebody's: they are no need of courseware, and are not kept."""


def note_search_miss(*, words: str, on: date) -> None:
    """Count words that were looked for in vain; who asked is not known and not kept."""
    wanted = " ".join(words.split())[:LONGEST]
    if len(wanted) < 2 or PERSONAL.search(words):
        return
    if SearchMiss.objects.filter(day=on, words=wanted).update(count=F("count") + 1):
        return
    if SearchMiss.objects.filter(day=on).count() < WORDS_A_DAY:
        SearchMiss.objects.get_or_create(day=on, words=wanted)


FEWEST = 3
"""Words asked less often on a day stay on the machine: one asker's words are nearly that person's."""
WORDS_IN_FACT = 500


@transaction.atomic
def tell_misses(*, at: datetime) -> int:
    """Tell upwards what was looked for in vain on days that are over; returns how many words. A day is told once; the top tells nobody."""
    if parent_node() is None:
        return 0
    rows = list(SearchMiss.objects.select_for_update().filter(day__lt=local_day(at), told=False).order_by("day", "words"))
    days: dict[date, list[WordsMissed]] = {}
    for row in rows:
        if row.count >= FEWEST:
            days.setdefault(row.day, []).append(WordsMissed(words=row.words, count=row.count))
    path = own_node().scope or "/"
    for day, words in days.items():
        for start in range(0, len(words), WORDS_IN_FACT):
            record(MissesCounted(day=day, path=path, words=words[start : start + WORDS_IN_FACT]), at=at)
    SearchMiss.objects.filter(pk__in=[row.pk for row in rows]).update(told=True)
    return sum(len(words) for words in days.values())
