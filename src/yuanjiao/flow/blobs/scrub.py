"""Scrub: every kept blob is read again from the disk and compared with its name, gently, a whole round in thirty days.

1. What is due follows from how much of the round's time has passed, so that a box that is off at night still comes round; it is read
   at most `settings.SCRUB_RATE` fast, blob by blob in the order of their names. A restart goes on behind the last whole blob.
2. A blob that is rotten or cannot be read is put aside first (HOME/blobs/spoilt) and noted then: it is served by nobody.
3. What the catalogue names is wanted again from the parent, and its spoilt bytes go. What was made here is lost until somebody brings a
   copy (`bring_back`) or makes it anew: `spoilt_now` says so, and its bytes stay aside. What was let go of is forgotten.
4. What is kept in a bucket is read from there at the same pace, and put aside there. Storage that is away ends the turn: nothing is noted.
5. It is mended when a blob of that name is here again, from wherever it came.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.bucket import BucketAway, bucket, is_on
from yuanjiao.flow.blobs.lost import want_again
from yuanjiao.flow.blobs.models import Blob, ScrubRound, Spoilt, Trouble
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.lib.disk import ERRNOS
from yuanjiao.lib.errors import Refused

log = logging.getLogger(__name__)
ROUND = timedelta(days=30)
TURN_S = 45.0
"""After so long a turn of the job ends, in seconds."""
REMEMBERED = timedelta(days=365)
SETTLED_S = 3600.0
"""After so long what lies aside is noted, or never will be."""
NOT_OF_THE_FILE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, *ERRNOS})
"""Trouble of the machine or of the whole disk: it ends the turn, and says nothing of the file that was to be read."""
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Health:
    """What the pages say: what is spoilt now, how many blobs were mended in the last thirty days, and how far the round is.

    `lost`: those of `spoilt` that no parent can give, because they were made here. `part`: 0 … 1 of the round; `whole_at` is when a
    round was last over.
    """

    spoilt: tuple[Spoilt, ...]
    lost: tuple[Spoilt, ...]
    mended: int
    part: float
    whole_at: datetime | None


def scrub_blobs(at: datetime, *, sleep: Sleep = time.sleep) -> int:
    """The job: read what is due by now; returns how many blobs were found spoilt."""
    _see_mended(at)
    if not settings.SCRUB_RATE:
        return 0
    state, found, begun = _round(at), 0, time.monotonic()
    while not state.done and _is_due(state, at) and time.monotonic() - begun < TURN_S:
        blob = _next(state)
        if blob is None:
            state.done, state.whole_at = True, at
        else:
            found += _look_at(blob, at, sleep)
            state.after, state.read = blob.sha256, state.read + blob.size
        state.save()
    return found


def scrub_all(at: datetime, *, sleep: Sleep = time.sleep) -> int:
    """Read everything now, whatever is due; returns how many were found spoilt. For a person who waits for it."""
    _see_mended(at)
    return sum(_look_at(blob, at, sleep) for blob in Blob.objects.order_by("sha256").iterator() if not _is_noted(blob.sha256))


def spoilt_now(at: datetime) -> Health:
    """How well the kept blobs are, as far as they were read."""
    rows = tuple(Spoilt.objects.filter(mended_at=None).order_by("found_at", "sha256"))
    listed = set(Blob.objects.filter(sha256__in=[row.sha256 for row in rows], listed=True).values_list("sha256", flat=True))
    state = ScrubRound.objects.first()
    return Health(
        spoilt=rows,
        lost=tuple(row for row in rows if row.sha256 not in listed),
        mended=Spoilt.objects.filter(mended_at__gt=at - ROUND).count(),
        part=_part(state) if state is not None else 0.0,
        whole_at=state.whole_at if state is not None else None,
    )


def bring_back(source: Path, *, at: datetime) -> str:
    """A copy of a spoilt blob, from a machine below or a backup: proved by its digest and kept. Returns its name; Refused for any other."""
    with open(source, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if not _is_noted(sha256):
        raise Refused(f"{source.name} 不是本机缺的文件（摘要 {sha256[:12]}…），或者它也已损坏")
    known = Blob.objects.filter(sha256=sha256).first()
    store.put(source, media_type=known.media_type if known else "", expect=sha256)
    _see_mended(at)
    return sha256


def _round(at: datetime) -> ScrubRound:
    """The round under way; the next one begins a round's time after the last began. A clock that was set back holds nothing up."""
    state, made = ScrubRound.objects.get_or_create(one=True, defaults={"began_at": at})
    if made or (state.done and at >= state.began_at + ROUND):
        total = Blob.objects.aggregate(total=Sum("size"))["total"] or 0
        state.began_at, state.after, state.read, state.total, state.done = at, "", 0, total, False
        state.save()
    if at < state.began_at:
        state.began_at = at
        state.save()
    return state


def _is_due(state: ScrubRound, at: datetime) -> bool:
    passed = (at - state.began_at) / ROUND
    return passed >= 1 or state.read < state.total * passed


def _part(state: ScrubRound) -> float:
    return 1.0 if state.done or not state.total else min(1.0, state.read / state.total)


def _next(state: ScrubRound) -> Blob | None:
    noted = Spoilt.objects.filter(mended_at=None).values("sha256")
    return Blob.objects.filter(sha256__gt=state.after).exclude(sha256__in=noted).order_by("sha256").first()


def _is_noted(sha256: str) -> bool:
    return Spoilt.objects.filter(sha256=sha256, mended_at=None).exists()


def _look_at(blob: Blob, at: datetime, sleep: Sleep) -> bool:
    """Whether it was found spoilt; then it is put aside and noted.

    What cannot be put aside, or may not be read, is logged alone, and the round goes on behind it: noted, it would be taken for mended,
    for its name still stands; wanted again, it would hold up the queue, for nothing can take its place.
    """
    if is_on() and not store.on_disk(blob.sha256):
        return _look_in_bucket(blob, at, sleep)
    path = store.path(blob.sha256)
    try:
        seen = path.lstat()
        if _is_sound(path, blob.sha256, sleep) or not _put_aside(blob.sha256, seen):
            return False
    except FileNotFoundError:
        return _note(blob, Trouble.GONE, at)
    except OSError as error:
        if error.errno in NOT_OF_THE_FILE:
            raise
        log.error("%s cannot be read or put aside, and stays as it is: %s", path, error)
        return True
    return _note(blob, Trouble.ROTTEN, at)


def _look_in_bucket(blob: Blob, at: datetime, sleep: Sleep) -> bool:
    """The same for what is kept in a bucket. Storage that is away ends the turn and says nothing of the blob.

    One object that cannot be read while the bucket answers is logged alone: its bytes may be well when the storage is.
    """
    try:
        found = bucket().digest_of(blob.sha256, pace=lambda size: sleep(_due_s(size)))
    except BucketAway as error:
        bucket().require_mark()
        log.error("%s cannot be read from the bucket, and stays as it is: %s", blob.sha256, error)
        return True
    if found == blob.sha256:
        return False
    if found is None:
        return _note(blob, Trouble.GONE, at)
    try:
        bucket().put_aside(blob.sha256)
    except BucketAway as error:
        bucket().require_mark()
        log.error("%s is rotten in the bucket and cannot be put aside: %s", blob.sha256, error)
        return True
    return _note(blob, Trouble.ROTTEN, at)


def _due_s(size: int) -> float:
    return size / settings.SCRUB_RATE if settings.SCRUB_RATE else 0.0


def _is_sound(path: Path, sha256: str, sleep: Sleep) -> bool:
    """Whether the disk holds what the name says. What cannot be opened or read is as rotten as what changed."""
    try:
        with open(path, "rb") as file:
            return _digest(file, sleep) == sha256
    except (FileNotFoundError, PermissionError):  # a wrong owner is no rot: the bytes may be the best there are
        raise
    except OSError as error:
        if error.errno in NOT_OF_THE_FILE:
            raise
        return False


def _digest(file: BinaryIO, sleep: Sleep) -> str:
    _drop(file)  # memory may still hold what the disk has lost
    digest = hashlib.sha256()
    try:
        while piece := file.read(store.CHUNK):
            digest.update(piece)
            sleep(_due_s(len(piece)))
    finally:
        _drop(file)  # a round must not push what people are watching out of memory
    return digest.hexdigest()


def _drop(file: BinaryIO) -> None:
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _put_aside(sha256: str, seen: os.stat_result) -> bool:
    """Take the file that was read out of the store; False when another stands there by now, written while we were reading."""
    aside = _aside(sha256)
    try:
        store.path(sha256).replace(aside)
    except FileNotFoundError:
        return False
    found = aside.lstat()
    if (found.st_dev, found.st_ino) != (seen.st_dev, seen.st_ino):
        store.settle(aside, sha256)
        return False
    store.sync_folder(aside.parent)
    store.sync_folder(store.path(sha256).parent)
    return True


def _aside(sha256: str) -> Path:
    folder = Path(settings.HOME) / "blobs" / "spoilt"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / sha256


def _drop_aside(sha256: str) -> None:
    """Nobody needs the spoilt bytes. What cannot be deleted is only in the way of room, and stops nothing."""
    with suppress(OSError, BucketAway):
        _aside(sha256).unlink(missing_ok=True)
        if is_on():
            bucket().drop_aside(sha256)


@transaction.atomic
def _note(blob: Blob, trouble: Trouble, at: datetime) -> bool:
    """Keep in mind what is wrong, and have the blob again where that is possible. Only of what was made here the bytes are kept."""
    row = Blob.objects.select_for_update().filter(pk=blob.pk).first()
    if row is None or row.listed or row.unreferenced_at is not None:
        _drop_aside(blob.sha256)  # on a disk that is nearly full the repair needs just this room
    if row is None:  # let go of while it was read
        return False
    if row.unreferenced_at is not None:
        store.forget(row.sha256)
        return False
    values = {"size": row.size, "trouble": trouble, "found_at": at, "mended_at": None}
    Spoilt.objects.update_or_create(sha256=row.sha256, defaults=values)
    if row.listed:
        want_again([BlobRef(row.sha256, row.size, row.media_type)], at=at)
    return True


def _see_mended(at: datetime) -> None:
    """What is here again is mended; what nobody needs any more is forgotten."""
    for row in Spoilt.objects.filter(mended_at=None):
        if store.has(row.sha256):
            row.mended_at = at
            row.save(update_fields=["mended_at"])
        elif not Blob.objects.filter(sha256=row.sha256).exists():
            row.delete()
        else:
            continue
        _drop_aside(row.sha256)
    Spoilt.objects.filter(mended_at__lt=at - REMEMBERED).delete()
    _sweep_aside(at)


def _sweep_aside(at: datetime) -> None:
    """Only what was made here, and is not mended, is worth the room of its spoilt bytes. Others were left by a turn that died, or by a
    programme of before; one put aside within the hour may still wait for its note."""
    lying = [path.name for path in (Path(settings.HOME) / "blobs" / "spoilt").glob("*") if _is_settled(path, at)]
    if not lying:
        return
    noted = Spoilt.objects.filter(mended_at=None, sha256__in=lying).values_list("sha256", flat=True)
    listed = Blob.objects.filter(listed=True, sha256__in=lying).values_list("sha256", flat=True)
    for name in set(lying) - (set(noted) - set(listed)):
        log.info("spoilt bytes that nobody needs are deleted: %s", name)
        _drop_aside(name)


def _is_settled(path: Path, at: datetime) -> bool:
    try:
        return path.lstat().st_ctime < at.timestamp() - SETTLED_S
    except OSError:
        return False
