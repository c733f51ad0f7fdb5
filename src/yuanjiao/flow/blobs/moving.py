"""Moving blobs between this disk and the bucket, while the machine runs: one by one, and none is deleted before it is proved there.

A move that was cut off goes on where it was: what is there already is read back and proved like what was put just now. Wrong bytes,
here or there, move nothing: they are named, and stay for the scrub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.bucket import bucket, is_on
from yuanjiao.flow.blobs.models import Blob, Spoilt
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.lib.errors import NotFound, Refused, Tampered

Say = Callable[[str], None]


@dataclass
class Moved:
    """How many blobs went over, their bytes, and the names of those with wrong bytes."""

    blobs: int = 0
    size: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, size: int) -> None:
        self.blobs, self.size = self.blobs + 1, self.size + size


def to_bucket(*, say: Say) -> Moved:
    """Put every blob of this disk into the bucket, read it back, and only then delete it here. `say` is told of each."""
    _require_bucket()
    bucket().require_mark()
    moved = Moved()
    for sha256, file in _on_disk():
        with suppress(FileNotFoundError):  # let go of meanwhile
            size = file.stat().st_size
            if not _is_proved_there(file, sha256):
                moved.wrong.append(sha256)
                continue
            file.unlink()
            moved.add(size)
            say(sha256)
    return moved


def to_disk(*, delete: bool = False, say: Say) -> Moved:
    """Bring every blob of the bucket onto this disk, proved. `delete`: and then delete it there. DiskFull when there is no more room."""
    _require_bucket()
    moved = Moved()
    for sha256, size in list(bucket().names()):
        try:
            if not store.on_disk(sha256):
                _bring(sha256, size)
                moved.add(size)
                say(sha256)
        except (Tampered, NotFound):  # the latter: let go of meanwhile
            moved.wrong.append(sha256)
            continue
        if delete and _digest(store.path(sha256)) == sha256:
            bucket().drop(sha256)
    return moved


def held_in_bucket() -> Iterator[BlobRef]:
    """Blobs that are in the bucket alone, as it says now; those noted as spoilt are not among them."""
    if not is_on():
        return
    noted = set(Spoilt.objects.filter(mended_at=None).values_list("sha256", flat=True))
    for sha256, size in bucket().names():
        if sha256 not in noted and not store.on_disk(sha256):
            yield BlobRef(sha256, size)


def _is_proved_there(file: Path, sha256: str) -> bool:
    """Whether the bucket holds, byte for byte, what its name says. A file that is wrong here is not put."""
    if _digest(file) != sha256:
        return False
    bucket().put(file, sha256, _media_type(sha256))
    return bucket().digest_of(sha256) == sha256


def _bring(sha256: str, size: int) -> None:
    store.make_room(size)
    scratch = store.parts_folder() / f"back-{sha256}"
    digest = hashlib.sha256()
    try:
        with store.full_disk_is_said(), open(scratch, "wb") as file:
            for piece in bucket().pieces(sha256, 0, size):
                file.write(piece)
                digest.update(piece)
            store.sync_file(file)
        if digest.hexdigest() != sha256:
            raise Tampered(f"存储里的文件 {sha256[:12]}… 内容与摘要不符")
        store.settle_on_disk(scratch, sha256)
    finally:
        scratch.unlink(missing_ok=True)


def _on_disk() -> Iterator[tuple[str, Path]]:
    for folder in sorted((Path(settings.HOME) / "blobs").glob("[0-9a-f][0-9a-f]")):
        for file in sorted(folder.iterdir()):
            if store.is_name(folder.name + file.name):
                yield folder.name + file.name, file


def _digest(file: Path) -> str:
    """Empty for what cannot be read, or has gone: that is no digest of anything."""
    with suppress(OSError), open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
    return ""


def _media_type(sha256: str) -> str:
    row = Blob.objects.filter(sha256=sha256).only("media_type").first()
    return row.media_type if row else store.PLAIN


def _require_bucket() -> None:
    if not is_on():
        raise Refused("没有设置 YUANJIAO_BLOBS_S3：不知道往哪里搬，从哪里搬")
