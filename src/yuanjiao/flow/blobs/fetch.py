"""Fetching a blob from the parent: on from the byte where the last try stopped, also after a restart, and verified as it comes.

An unfinished blob lies in HOME/blobs/parts/<sha256>.part. Its bytes count for nothing until the whole has the right digest. That runs
along while they are written; only what an earlier process left is read once more.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Conflict, DiskFull, Tampered, Unavailable

if TYPE_CHECKING:
    import httpx

TRIES = 5
PAUSE_S = 1.0
GoOn = Callable[[int], bool]
LONGEST_PAUSE_S = 30.0


class NotThere(Unavailable):
    """The parent has not got this blob (yet): trying the same again at once cannot help."""


def always(_: int) -> bool:
    """Go on whatever happens."""
    return True


class Running:
    """The digest of the bytes of a part, as far as they were seen."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._digest, self.size = hashlib.sha256(), 0

    def add(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)

    def catch_up(self, part: BinaryIO, size: int) -> None:
        """Have seen exactly the `size` bytes that `part` holds; read only if they are not those seen last."""
        if self.size == size:
            return
        self.begin()
        part.seek(0)
        while piece := part.read(store.CHUNK):
            self.add(piece)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def fetch(ref: BlobRef, line: Line, *, go_on: GoOn = always, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Bring the blob here; True when it is. False when `go_on`, told the bytes of each piece, said no: what came stays for the next time.

    Unavailable after `TRIES` tries without a new byte, NotThere when the parent has none; Tampered when what came is not what was named.
    """
    if store.has(ref.sha256):
        store.remember(ref, listed=True)
        return True
    failures, reached, running = 0, 0, Running()
    while True:
        try:
            return fetch_once(ref, line, go_on, running)
        except (DiskFull, NotThere):
            raise
        except Unavailable:
            size = _size(part_path(ref))
            failures = 1 if size > reached else failures + 1
            reached = max(size, reached)  # a parent that takes bytes back again and again is no progress
            if failures >= TRIES:
                raise
            sleep(random.uniform(0, min(LONGEST_PAUSE_S, PAUSE_S * 2**failures)))


def fetch_once(ref: BlobRef, line: Line, go_on: GoOn = always, running: Running | None = None) -> bool:
    """One try; what arrived stays for the next one. False when it gave way. `running`: what the try before has seen of the part."""
    seen = running or Running()
    with _part(ref) as part:
        had = part.seek(0, os.SEEK_END)
        if had > ref.size:
            had = part.truncate(0)
        store.make_room(ref.size - had)
        seen.catch_up(part, had)
        if (had < ref.size or not ref.size) and not _download(ref, line, part, seen, go_on):
            return False
        _check(ref, part, seen, resumed=had > 0)
        store.settle(part_path(ref), ref.sha256)
    store.remember(ref, listed=True)
    return True


def part_path(ref: BlobRef) -> Path:
    store.path(ref.sha256)
    return store.parts_folder() / f"{ref.sha256}.part"


@contextmanager
def _part(ref: BlobRef) -> Iterator[BinaryIO]:
    """The unfinished file, ours alone."""
    try:
        with store.full_disk_is_said(), open(part_path(ref), "ab+") as part:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield part
    except BlockingIOError:
        raise Conflict("这个文件正在由另一个进程下载") from None


def _download(ref: BlobRef, line: Line, part: BinaryIO, seen: Running, go_on: GoOn) -> bool:
    had = seen.size
    headers = {"Accept-Encoding": "identity"}
    if had:
        headers |= {"Range": f"bytes={had}-", "If-Range": f'"{ref.sha256}"'}
    with line.stream(f"/blobs/{ref.sha256}", headers=headers) as response:
        if _begin(ref, response, part, had) == 0:
            seen.begin()
        for piece in line.pieces(response):
            if seen.size + len(piece) > ref.size:
                part.truncate(0)
                raise Tampered(f"文件 {ref.sha256[:12]}… 比目录所列的 {ref.size} 字节长")
            part.write(piece)
            seen.add(piece)
            if not go_on(len(piece)):
                break
        else:
            if seen.size < ref.size:
                raise Unavailable(f"文件 {ref.sha256[:12]}… 中途断开，已收 {seen.size}/{ref.size} 字节")
    return seen.size == ref.size


def _begin(ref: BlobRef, response: httpx.Response, part: BinaryIO, had: int) -> int:
    """Where the answer's first byte belongs: behind what we have (206), or at the start (200)."""
    if response.status_code == 206 and response.headers.get("Content-Range") == f"bytes {had}-{ref.size - 1}/{ref.size}":
        return had
    if response.status_code in {200, 206, 416}:
        part.truncate(0)  # another size or place than ours: only the whole can help
    if response.status_code == 404:
        raise NotThere(f"上级节点还没有文件 {ref.sha256[:12]}…")
    if response.status_code != 200:
        raise Unavailable(f"上级节点没有给出文件 {ref.sha256[:12]}…（{response.status_code}）")
    return 0


def _check(ref: BlobRef, part: BinaryIO, seen: Running, *, resumed: bool) -> None:
    part.flush()
    os.fsync(part.fileno())
    if seen.size == ref.size and seen.hexdigest() == ref.sha256:
        return
    part.truncate(0)
    if resumed:  # a power cut may have spoilt the old half: one whole try decides
        raise Unavailable(f"文件 {ref.sha256[:12]}… 续传后校验不符，从头再取")
    raise Tampered(f"文件 {ref.sha256[:12]}… 的内容与目录所列的摘要不符")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
