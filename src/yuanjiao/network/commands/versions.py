"""The mark by which those who keep the register in memory learn that it has changed, and which objects."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.db.models import F

from yuanjiao.network.models import DayRollup, RegisterEdit, RegisterVersion, version_number
from yuanjiao.network.models.register import KEPT_VERSIONS

MANY = 10_000
"""With more objects changed at once the whole register is read again."""


def register_changed(keys: Collection[int] | None = None) -> None:
    """Call inside the transaction of every change to edges, lines, sites or their placements.

    `keys` names every object whose row or placements have changed, also new ones; without it anything may have changed, also divisions.
    """
    if not RegisterVersion.objects.filter(pk=1).update(number=F("number") + 1):
        RegisterVersion.objects.get_or_create(pk=1, defaults={"number": 1})
    number = version_number()
    if keys is not None and len(keys) <= MANY:
        rows = [RegisterEdit(number=number, object_key=key) for key in keys or (0,)]
        RegisterEdit.objects.bulk_create(rows, batch_size=1000)
    RegisterEdit.objects.filter(number__lt=number - KEPT_VERSIONS).delete()


def past_changed(first: date) -> None:
    """Call when who counts on `first` or a later day has become another: sums of those days are old."""
    DayRollup.objects.filter(day__gte=first, stale=False).update(stale=True)
