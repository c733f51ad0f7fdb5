"""The store of blobs: named by the SHA-256 of their bytes, kept as files under HOME/blobs/ab/cdef… or in a bucket (bucket.py).

Promises: what is under its final name is whole and was verified while it was written; it appears at once, by a rename after its bytes
are on the disk, or by the bucket's put; nothing is half written when the disk is nearly full (DiskFull comes first). Names may never
change meaning: another digest would be another folder beside this one.

With settings.BLOBS_S3 new blobs go into the bucket. What lies on the disk is looked for first all the same: so a machine goes on
while its blobs are moved (moving.py). Storage that cannot be asked is Unavailable, never "not here".

Who only passes bytes on takes `pieces`, who wants a small blob `read`, who must have a file `local`. `path` is for this folder alone.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Protocol

import msgspec
from django.conf import settings
from django.db import transaction

from yuanjiao.flow.blobs import copies
from yuanjiao.flow.blobs.bucket import bucket, is_on
from yuanjiao.flow.blobs.models import Blob
from yuanjiao.lib.errors import DiskFull, NotFound, Tampered

CHUNK = 1 << 20
NAME = re.compile(r"[0-9a-f]{64}")
PUTS = 8
"""So many small blobs are on their way to a bucket at a time."""
PLAIN = "application/octet-stream"
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".m4s": "video/iso.segment",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".ts": "video/mp2t",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".vtt": "text/vtt",
    ".pdf": "application/pdf",
    ".epub": "application/epub+zip",
}
"""The only types a blob is served as; anything else is handed out as plain bytes to be saved, never to be run."""


class BlobRef(msgspec.Struct, frozen=True, order=True):
    """What names a blob between machines: 64 hex digits, bytes, and the type it is served as."""

    sha256: str
    size: int
    media_type: str = PLAIN


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def is_name(text: str) -> bool:
    """Whether `text` can name a blob: 64 lower-case hex digits and nothing else."""
    return bool(NAME.fullmatch(text))


def require_name(sha256: str) -> str:
    """`sha256` itself; NotFound for anything that is not a digest."""
    if not is_name(sha256):
        raise NotFound("没有这个文件")
    return sha256


def path(sha256: str) -> Path:
    """Where the blob is or would be on this disk. NotFound for anything that is not a digest."""
    require_name(sha256)
    return Path(settings.HOME) / "blobs" / sha256[:2] / sha256[2:]


def on_disk(sha256: str) -> bool:
    """Whether the blob is a file of this disk, wherever blobs are kept. What the disk cannot even look up (a broken inode) is not."""
    where = path(sha256)
    try:
        return where.is_file()
    except OSError:
        return False


def size_of(sha256: str) -> int | None:
    """Bytes of a blob that is here; None when it is not."""
    try:
        found = path(sha256).stat()
    except OSError:  # also what the disk cannot even look up
        return bucket().size(sha256) if is_on() else None
    return found.st_size


def has(sha256: str) -> bool:
    """Whether the whole, verified blob is here."""
    return on_disk(sha256) or (is_on() and bucket().size(sha256) is not None)


def ref(sha256: str) -> BlobRef:
    """The reference of a blob that is here; NotFound otherwise."""
    size = size_of(sha256)
    if size is None:
        raise NotFound("本机没有这个文件")
    row = Blob.objects.filter(sha256=sha256).only("media_type").first()
    return BlobRef(sha256, size, row.media_type if row else PLAIN)


def pieces(sha256: str, first: int, length: int, chunk: int = CHUNK) -> Generator[bytes]:
    """So many bytes of a blob from `first` on, at most `chunk` at a time. NotFound when it is not here."""
    try:
        file = open(path(sha256), "rb")  # noqa: SIM115  (closed below: from here on its bytes stay, whatever becomes of the name)
    except FileNotFoundError:
        if not is_on():
            raise NotFound("本机没有这个文件") from None
    else:
        with file:
            yield from _read(file, first, length, chunk)
        return
    for piece in bucket().pieces(sha256, first, length):
        for start in range(0, len(piece), chunk):
            yield piece[start : start + chunk]


def read(sha256: str, most: int | None = None) -> bytes:
    """All bytes of a small blob. NotFound when it is not here, or is larger than `most`."""
    size = size_of(sha256)
    if size is None or (most is not None and size > most):
        raise NotFound("本机没有这个文件")
    return b"".join(pieces(sha256, 0, size))


@contextmanager
def local(sha256: str) -> Iterator[Path]:
    """A file of this disk with the blob's bytes, to be read while this goes on. NotFound when it is not here.

    From a bucket it is copied first, and proved: Tampered when the bucket holds other bytes, DiskFull when the disk has no room.
    """
    if on_disk(sha256) or not is_on():
        if not on_disk(sha256):
            raise NotFound("本机没有这个文件")
        yield path(sha256)
        return
    size = bucket().size(sha256)
    if size is None:
        raise NotFound("本机没有这个文件")
    with copies.held(_copies(), sha256, size=size, most=settings.BLOBS_S3_COPIES, fill=lambda file: _fill(file, sha256, size)) as copy:
        yield copy


def _copies() -> Path:
    return Path(settings.HOME) / "blobs" / "copies"


def _fill(scratch: IO[bytes], sha256: str, size: int) -> None:
    make_room(size)
    digest = hashlib.sha256()
    with full_disk_is_said():
        for piece in bucket().pieces(sha256, 0, size):
            scratch.write(piece)
            digest.update(piece)
    if digest.hexdigest() != sha256:
        raise Tampered(f"存储里的文件 {sha256[:12]}… 内容与摘要不符")


def _read(file: IO[bytes], first: int, length: int, chunk: int) -> Iterator[bytes]:
    file.seek(first)
    while length and (piece := file.read(min(chunk, length))):
        length -= len(piece)
        yield piece


def make_room(size: int) -> None:
    """DiskFull unless `size` more bytes leave at least settings.MIN_FREE_BYTES free."""
    home = Path(settings.HOME)
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    if free - size < settings.MIN_FREE_BYTES:
        raise DiskFull(
            f"磁盘空间不足：还剩 {free // 2**20} 兆字节，需要 {-(-size // 2**20)} 兆字节并保留 {settings.MIN_FREE_BYTES // 2**20} 兆字节"
        )


def put(source: Path | str | bytes | IO[bytes], *, media_type: str = "", expect: str = "") -> BlobRef:
    """Copy a file, bytes or a binary stream into the store and return its reference.

    `media_type` is guessed from a path's suffix when empty. With `expect` the digest must be that one, else Tampered and nothing
    is kept. DiskFull is raised before anything is written when the size is known, else before the limit is passed.
    """
    known = media_type or (MEDIA_TYPES.get(Path(source).suffix.lower(), PLAIN) if isinstance(source, Path | str) else PLAIN)
    with _opened(source) as (stream, size), _scratch() as scratch:
        make_room(size)
        sha256, written = _copy(stream, scratch)
        if expect and sha256 != expect:
            raise Tampered(f"文件内容与摘要不符：应为 {expect[:12]}…，实为 {sha256[:12]}…")
        settle(Path(scratch.name), sha256, known)
    return remember(BlobRef(sha256, written, known))


def put_many(found: Sequence[tuple[BlobRef, bytes]]) -> None:
    """Small blobs that a catalogue lists, each proved by who calls. Two syncs of the disk for all of them, not two for each.

    DiskFull when they do not fit; then none of them is here.
    """
    folder = parts_folder()
    scratch = {ref.sha256: folder / f"new-{ref.sha256}" for ref, _ in found}
    try:
        with full_disk_is_said():
            for ref, content in found:
                scratch[ref.sha256].write_bytes(content)
            _settle_many({ref: scratch[ref.sha256] for ref, _ in found})
    finally:
        for left in scratch.values():
            left.unlink(missing_ok=True)
    _remember_many([ref for ref, _ in found])


def settle(finished: Path, sha256: str, media_type: str = PLAIN) -> None:
    """Give a finished, synced and proved file its final place; from that moment the blob exists. The file is no more.

    Unavailable when the bucket does not take it: then the file is still there, for another try.
    """
    if is_on():
        bucket().put(finished, sha256, media_type)
        finished.unlink()
    else:
        settle_on_disk(finished, sha256)


def settle_on_disk(finished: Path, sha256: str) -> None:
    """The same for this disk, wherever blobs are kept."""
    target = path(sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    finished.replace(target)
    sync_folder(target.parent)


def _settle_many(finished: Mapping[BlobRef, Path]) -> None:
    if is_on():
        with ThreadPoolExecutor(max_workers=PUTS) as threads:
            list(threads.map(lambda one: settle(one[1], one[0].sha256, one[0].media_type), finished.items()))
        return
    _sync(list(finished.values()))
    for ref, file in finished.items():
        target = path(ref.sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
    _sync(list({path(ref.sha256).parent for ref in finished}))


def remember(ref: BlobRef, *, listed: bool = False) -> BlobRef:
    """Keep the row of a blob that is on the disk; the first type told stays until a better one than plain bytes comes."""
    row, _ = Blob.objects.get_or_create(sha256=ref.sha256, defaults={"size": ref.size, "media_type": ref.media_type, "listed": listed})
    media_type = ref.media_type if row.media_type == PLAIN else row.media_type
    if row.media_type != media_type or row.unreferenced_at is not None:
        row.media_type, row.unreferenced_at = media_type, None
        row.save(update_fields=["media_type", "unreferenced_at"])
    return BlobRef(ref.sha256, ref.size, media_type)


@transaction.atomic
def _remember_many(refs: Sequence[BlobRef]) -> None:
    for start in range(0, len(refs), 500):  # SQLite takes so many parameters at once
        some = refs[start : start + 500]
        known = set(Blob.objects.filter(sha256__in=[ref.sha256 for ref in some]).values_list("sha256", flat=True))
        Blob.objects.bulk_create(
            Blob(sha256=ref.sha256, size=ref.size, media_type=ref.media_type, listed=True) for ref in some if ref.sha256 not in known
        )
        for ref in some:
            if ref.sha256 in known:
                remember(ref, listed=True)


def forget(sha256: str) -> int:
    """Delete the blob's bytes and row; returns the bytes freed. Readers that have it open keep reading (POSIX).

    Unavailable when the bucket cannot be asked; then the row stays too.
    """
    where = path(sha256)
    freed = where.stat().st_size if where.is_file() else 0
    where.unlink(missing_ok=True)
    if is_on():
        freed += bucket().drop(sha256)
        copies.forget(_copies(), sha256)
    Blob.objects.filter(sha256=sha256).delete()
    return freed


def sync_file(file: IO[bytes]) -> None:
    """Make what was written survive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_libc = ctypes.CDLL(None, use_errno=True)
MANY = 8


def _sync(paths: Sequence[Path]) -> None:
    """Make files or folders survive a power cut: many of them by one sync of their file system, where the system has that (Linux)."""
    if len(paths) < MANY or not hasattr(_libc, "syncfs"):
        for one in paths:
            sync_folder(one)
        return
    handle = os.open(paths[0], os.O_RDONLY)
    try:
        if _libc.syncfs(handle) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(handle)


@contextmanager
def full_disk_is_said() -> Iterator[None]:
    """A disk that fills up while we write is DiskFull, whatever it said before."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull("磁盘已满，下载暂停") from None
        raise


@contextmanager
def _opened(source: Path | str | bytes | IO[bytes]) -> Iterator[tuple[IO[bytes], int]]:
    if isinstance(source, bytes):
        yield BytesIO(source), len(source)
    elif isinstance(source, Path | str):
        with open(source, "rb") as stream:
            yield stream, os.fstat(stream.fileno()).st_size
    else:
        yield source, 0


@contextmanager
def _scratch() -> Iterator[IO[bytes]]:
    folder = parts_folder()
    with tempfile.NamedTemporaryFile(dir=folder, prefix="new-", delete=False) as scratch:
        try:
            yield scratch
        finally:
            Path(scratch.name).unlink(missing_ok=True)


def parts_folder() -> Path:
    """Where unfinished files lie: inside the store, so that the last step is a rename on one file system."""
    folder = Path(settings.HOME) / "blobs" / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _copy(stream: IO[bytes], scratch: IO[bytes]) -> tuple[str, int]:
    digest, written = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK):
        if written % (64 * CHUNK) == 0:
            make_room(len(chunk))
        scratch.write(chunk)
        digest.update(chunk)
        written += len(chunk)
    sync_file(scratch)
    return digest.hexdigest(), written
