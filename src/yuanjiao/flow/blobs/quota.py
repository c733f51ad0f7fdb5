"""Which blobs are kept when the operator gives them less room than the catalogue needs (settings.BLOB_QUOTA, bytes; 0: no limit).

1. Who knows what the blobs are lays them out in groups that are of use only together, those needed most first (`lay_out`). As many
   groups as the quota holds are chosen, in that order; one that does not fit is passed over, a smaller one behind it may fit.
2. What is not chosen and not here is not fetched (`Wanted.left_out`). New names wait until the next lay-out has decided on them.
3. What is not chosen and is here goes only when its room is needed: when something chosen has come, the least needed group
   first, whole. A machine that is cut off loses nothing for films that cannot come.
4. What is held (pinned, planned for these days) never goes. Blobs of no group (pictures of themes and the like) are always kept.
5. Nothing here knows who watched what; need is said of objects alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet, Sum

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.lost import want_again
from yuanjiao.flow.blobs.models import Blob, Pinned, Spoilt, Wanted
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.lib.errors import Conflict, DiskFull

BATCH = 500


@dataclass(frozen=True)
class Group:
    """Blobs that are of use only together, by name with their bytes. `held`: they never go once they are here."""

    blobs: Mapping[str, int]
    held: bool = False


@dataclass(frozen=True)
class Room:
    """How the quota is used, in bytes: `used` by what is here; so many blobs with so many bytes are left out for lack of it."""

    quota: int
    used: int
    left_out: int
    left_out_bytes: int
    pinned: int


def lay_out(groups: Sequence[Group], *, at: datetime) -> None:
    """These are all groups that the catalogue in force names, the most needed first: decide what is fetched, and what may go for it."""
    if not settings.BLOB_QUOTA:
        return
    named = {name for group in groups for name in group.blobs}
    chosen = _chosen(groups, settings.BLOB_QUOTA - _always(named))
    kept = chosen.union(*(group.blobs for group in groups if group.held))
    spare: dict[str, int] = {}
    for place, group in enumerate(groups, 1):
        for name in group.blobs:
            if name not in kept:
                spare.setdefault(name, place)
    with transaction.atomic():
        _mark_spare(spare)
        _mark_left_out(named - chosen)
    make_room(0, at=at)


def wanted_here() -> QuerySet[Wanted]:
    """The wanted blobs that are to be fetched: all without a quota, else those the last lay-out has room for."""
    return Wanted.objects.filter(left_out=False) if settings.BLOB_QUOTA else Wanted.objects.all()


def counted() -> QuerySet[Wanted]:
    """The wanted blobs that count as lacking: also those that nothing was decided on yet."""
    return Wanted.objects.exclude(left_out=True) if settings.BLOB_QUOTA else Wanted.objects.all()


def make_room(size: int, *, at: datetime) -> None:
    """Let go of what is needed least until `size` more bytes are within the quota. DiskFull when nothing more may go."""
    quota = settings.BLOB_QUOTA
    while quota and used() + size > quota:
        least = _least_needed()
        if not least and size:
            raise DiskFull(f"超出课件限额：限额 {quota // 2**20} 兆字节，已用 {used() // 2**20} 兆字节，其余都是指定保留或近日要用的")
        if not least:
            return
        _let_go(least, at)


def fits(size: int) -> bool:
    """Whether so many bytes more are within the quota as it is."""
    return not settings.BLOB_QUOTA or used() + size <= settings.BLOB_QUOTA


def used() -> int:
    """Bytes of all blobs here. What was found spoilt takes no room until it has come again: its repair must cost no other blob."""
    noted = Blob.objects.filter(sha256__in=Spoilt.objects.filter(mended_at=None).values("sha256"))
    away = sum(size for sha256, size in noted.values_list("sha256", "size") if not store.has(sha256))
    return (Blob.objects.aggregate(used=Sum("size"))["used"] or 0) - away


def room() -> Room | None:
    """What the pages say; None without a quota."""
    if not settings.BLOB_QUOTA:
        return None
    out = Wanted.objects.filter(left_out=True)
    return Room(settings.BLOB_QUOTA, used(), out.count(), out.aggregate(size=Sum("size"))["size"] or 0, Pinned.objects.count())


def pin(name: str, *, at: datetime) -> None:
    """The operator wants this kept, whatever else has to go. Conflict when it is pinned already."""
    if not Pinned.objects.get_or_create(name=name, defaults={"at": at})[1]:
        raise Conflict("已经指定保留")


def unpin(name: str) -> None:
    """It is kept as others are. Conflict when it was not pinned."""
    if not Pinned.objects.filter(name=name).delete()[0]:
        raise Conflict("没有指定保留")


def pinned() -> list[str]:
    """What the operator pinned, the oldest first."""
    return list(Pinned.objects.order_by("at", "pk").values_list("name", flat=True))


def _always(named: set[str]) -> int:
    """Bytes of what belongs to no group: it is kept whatever happens."""
    rows = [*Blob.objects.filter(listed=True).values_list("sha256", "size"), *Wanted.objects.values_list("sha256", "size")]
    return sum({sha256: size for sha256, size in rows if sha256 not in named}.values())


def _chosen(groups: Sequence[Group], left: int) -> set[str]:
    found: set[str] = set()
    for group in groups:
        more = sum(size for name, size in group.blobs.items() if name not in found)
        if more <= left:
            found.update(group.blobs)
            left -= more
    return found


def _mark_spare(spare: Mapping[str, int]) -> None:
    rows = [row for row in Blob.objects.only("sha256", "spare") if row.spare != spare.get(row.sha256, 0)]
    for row in rows:
        row.spare = spare.get(row.sha256, 0)
    Blob.objects.bulk_update(rows, ["spare"], batch_size=100)


def _mark_left_out(names: set[str]) -> None:
    rows = Wanted.objects.values_list("sha256", "left_out")
    for wrong in (True, False):
        _set([sha256 for sha256, left_out in rows if (sha256 in names) is wrong and left_out is not wrong], wrong)


def _set(names: Sequence[str], left_out: bool) -> None:
    for start in range(0, len(names), BATCH):  # SQLite takes so many parameters at once
        Wanted.objects.filter(sha256__in=names[start : start + BATCH]).update(left_out=left_out)


def _least_needed() -> list[Blob]:
    """What goes next: a blob the catalogue let go of, else the group that is needed least."""
    gone = Blob.objects.filter(listed=False, unreferenced_at__isnull=False).order_by("unreferenced_at").first()
    if gone is not None:
        return [gone]
    most = Blob.objects.filter(spare__gt=0).aggregate(most=Max("spare"))["most"]
    return list(Blob.objects.filter(spare=most)) if most else []


def _let_go(blobs: Iterable[Blob], at: datetime) -> None:
    """First the list says that they are not here, then they are not: a death in between is put right by the scrub."""
    rows = list(blobs)
    want_again([BlobRef(row.sha256, row.size, row.media_type) for row in rows if row.listed], at=at, left_out=True)
    Wanted.objects.filter(sha256__in=[row.sha256 for row in rows]).update(left_out=True)
    for row in rows:
        store.forget(row.sha256)
