"""Blobs that were here, that the catalogue in force names, and that are not here any more: spoilt, or given up for want of room."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from yuanjiao.flow.blobs.models import Wanted
from yuanjiao.flow.blobs.store import BlobRef

HERE_ONCE = 1 << 62
"""In place of the first catalogue that named a blob: it had come, so it keeps no version from being told as whole."""


def want_again(refs: Iterable[BlobRef], *, at: datetime, left_out: bool | None = None) -> None:
    """They are on the list once more. `left_out`: not to be fetched while there is no more room than now."""
    lost = {"asked_at": at, "asked_version": HERE_ONCE, "again": True, "left_out": left_out}
    rows = [Wanted(sha256=ref.sha256, size=ref.size, media_type=ref.media_type, **lost) for ref in refs]
    Wanted.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def absent(names: Collection[str]) -> dict[str, bool]:
    """Which of these blobs this machine knows not to have, and whether that is for want of room. A handful of names at a time."""
    rows = Wanted.objects.filter(sha256__in=list(names)).values_list("sha256", "left_out")
    return {sha256: bool(left_out) for sha256, left_out in rows}
