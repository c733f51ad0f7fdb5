"""The mark by which those who keep the register in memory learn that it has changed."""

from __future__ import annotations

from datetime import date

from django.db.models import F

from yuanjiao.network.models import DayRollup, RegisterVersion


def register_changed() -> None:
    """Call inside the transaction of every change to edges, lines, sites or their placements."""
    if not RegisterVersion.objects.filter(pk=1).update(number=F("number") + 1):
        RegisterVersion.objects.get_or_create(pk=1, defaults={"number": 1})


def past_changed(first: date) -> None:
    """Call when who counts on `first` or a later day has become another: sums of those days are old."""
    DayRollup.objects.filter(day__gte=first, stale=False).update(stale=True)
