"""The mark by which those who keep the register in memory learn that it has changed."""

from __future__ import annotations

from django.db.models import F

from yuanjiao.network.models import RegisterVersion


def register_changed() -> None:
    """Call inside the transaction of every change to edges, lines, sites or their placements."""
    if not RegisterVersion.objects.filter(pk=1).update(number=F("number") + 1):
        RegisterVersion.objects.get_or_create(pk=1, defaults={"number": 1})
