"""What the store keeps: blobs the current catalogue names. What it let go of is deleted after a grace, for people who are watching it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Sum

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.models import Blob, Spoilt, Wanted

GRACE = timedelta(hours=6)
"""How long a blob stays after the catalogue let go of it: longer than any lesson runs."""
STALE_PART = timedelta(days=30)


def mark_listed(names: Iterable[str], *, at: datetime) -> None:
    """The current catalogue names exactly these blobs; call it inside the transaction that makes it current."""
    named = set(names)
    listed = set(Blob.objects.filter(listed=True).values_list("sha256", flat=True))
    _update(listed - named, listed=False, unreferenced_at=at)
    _update(named, listed=True, unreferenced_at=None)


def held() -> tuple[int, int]:
    """How many blobs this machine holds, and their bytes; those found spoilt are not among them."""
    spoilt = Spoilt.objects.filter(mended_at=None).values("sha256")
    found = Blob.objects.exclude(sha256__in=spoilt).aggregate(number=Count("pk"), size=Sum("size"))
    return found["number"], found["size"] or 0


def sweep_blobs(at: datetime) -> int:
    """Delete what was let go of longer than the grace ago, parts of it too, and parts nobody continued; returns bytes freed."""
    gone = Blob.objects.filter(listed=False, unreferenced_at__lt=at - GRACE).values_list("sha256", flat=True)
    freed = sum(store.forget(sha256) for sha256 in list(gone) if not _is_listed(sha256))
    wanted = set(Wanted.objects.values_list("sha256", flat=True))
    for part in store.parts_folder().iterdir():
        found = part.stat()
        let_go = store.is_name(part.stem) and part.stem not in wanted
        if found.st_mtime < (at - (GRACE if let_go else STALE_PART)).timestamp():
            freed += found.st_size
            part.unlink(missing_ok=True)
    return freed


def _is_listed(sha256: str) -> bool:
    """Named again since the list of what goes was made."""
    return Blob.objects.filter(sha256=sha256, listed=True).exists()


def _update(names: set[str], **values: object) -> None:
    ordered = sorted(names)
    for start in range(0, len(ordered), 500):  # SQLite takes so many parameters at once
        Blob.objects.filter(sha256__in=ordered[start : start + 500]).update(**values)
