"""Writes about searching: what was looked for in vain."""

from __future__ import annotations

import re
from datetime import date

from django.db.models import F

from yuanjiao.courseware.models import SearchMiss

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
