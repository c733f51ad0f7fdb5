"""Fetching a blob: on from the byte where the last try stopped, also after a restart or at another source, and verified as it comes.

An unfinished blob lies in HOME/blobs/parts/<sha256>.part. Its bytes count for nothing until the whole has the right digest. That runs
along while they are written; only what an earlier process left is read once more.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from weakref import WeakKeyDictionary

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.bucket import BucketAway
from yuanjiao.flow.blobs.elsewhere import parents_answer
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Conflict, DiskFull, Tampered, Unavailable

if TYPE_CHECKING:
    import httpx

TRIES = 5
PAUSE_S = 1.0
GoOn = Callable[[int], bool]
LONGEST_PAUSE_S = 30.0
PATIENCE_S, MOST_PATIENCE_S = 3.0, 30.0
"""How long the parent's next byte is waited for before a new connection is tried, in seconds: at first, and at most (`Patience`).

Three seconds are two packets lost in a row; the kernel's third try comes later than a new connection brings its first bytes.
"""


class NotThere(Unavailable):
    """The parent has not got this blob (yet): trying the same again at once cannot help."""


class Crowded(Unavailable):
    """Who was asked serves too many others just now (429)."""


class Mismatch(Unavailable):
    """What several tries or sources brought is together not what was named: it is not known whose fault that is."""


@dataclass(frozen=True)
class Via:
    """Which source a try goes to: its name, "" for the parent, and headers it wants to see."""

    name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


PARENT = Via()
EARLIER = "earlier"
"""In place of a source's name: bytes that an earlier process left, or that were there before a source which turned out wrong."""


def always(_: int) -> bool:
    """Go on whatever happens."""
    return True


class Patience:
    """How long to wait for the parent's next byte before a new connection goes on with the part; learnt from what that one brings.

    Was the connection dead and not the line, the next one brings bytes soon. Takes it longer than we had waited, the line itself is
    silent at times, and to give up only costs: what was on its way comes to nobody.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = PATIENCE_S
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Another blob: what was learnt stays, what happened between is no silence."""
        self._broke_at: float | None = None

    def broke(self) -> None:
        """A try ended before its time."""
        if self._broke_at is None:
            self._broke_at = self._clock()

    def seeing(self, go_on: GoOn) -> GoOn:
        """The same question; bytes that come again are noted."""

        def asked(size: int) -> bool:
            if self._broke_at is not None:
                longer = self._clock() - self._broke_at > self.seconds
                self.seconds = min(self.seconds * 2, MOST_PATIENCE_S) if longer else max(self.seconds / 2, PATIENCE_S)
                self._broke_at = None
            return go_on(size)

        return asked


_patience: WeakKeyDictionary[Line, Patience] = WeakKeyDictionary()


class Running:
    """The digest of the bytes of a part, as far as they were seen, and the `sources` that gave them.

    `wrong`: for each whole that was not what was named, the sources that may be at fault; for whoever reads it to act upon and to empty.
    """

    def __init__(self) -> None:
        self.sources: set[str] = set()
        self.wrong: list[frozenset[str]] = []
        self.begin()

    def begin(self) -> None:
        self._digest, self.size = hashlib.sha256(), 0
        self.sources.clear()

    def add(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)

    def catch_up(self, part: BinaryIO, size: int) -> None:
        """Have seen exactly the `size` bytes that `part` holds; read only if they are not those seen last."""
        if self.size == size:
            return
        sources = set(self.sources) or {EARLIER}
        self.begin()
        self.sources |= sources if size else set()
        part.seek(0)
        while piece := part.read(store.CHUNK):
            self.add(piece)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def fetch(
    ref: BlobRef, line: Line, *, go_on: GoOn = always, sleep: Callable[[float], None] = time.sleep, running: Running | None = None
) -> bool:
    """Bring the blob here; True when it is. False when `go_on`, told the bytes of each piece, said no: what came stays for the next time.

    Unavailable after `TRIES` tries without a new byte, NotThere when the parent has none; Tampered when what came is not what was named.
    """
    if store.has(ref.sha256):
        store.remember(ref, listed=True)
        return True
    failures, reached, running, patience = 0, 0, running or Running(), _patience.setdefault(line, Patience())
    patience.begin()
    while True:
        begun = time.monotonic()
        try:
            return fetch_once(ref, line, patience.seeing(go_on), running, patience_s=patience.seconds)
        except (DiskFull, NotThere, BucketAway):
            raise
        except Unavailable:
            patience.broke()
            size = _size(part_path(ref))
            failures = 1 if size > reached else failures + 1
            reached = max(size, reached)  # a parent that takes bytes back again and again is no progress
            if failures >= TRIES:
                raise
            if failures > 1 or time.monotonic() - begun < PATIENCE_S:  # one that brought bytes and took its time: on at once
                sleep(random.uniform(0, min(LONGEST_PAUSE_S, PAUSE_S * 2**failures)))


def fetch_once(
    ref: BlobRef, line: Line, go_on: GoOn = always, running: Running | None = None, via: Via = PARENT, *, patience_s: float | None = None
) -> bool:
    """One try; what arrived stays for the next one. False when it gave way. `running`: what the try before has seen of the part.

    What another source than the parent adds to a part that was begun elsewhere, and that is wrong then, is dropped alone.
    """
    seen = running or Running()
    with _part(ref) as part:
        had = part.seek(0, os.SEEK_END)
        if had > ref.size:
            had = part.truncate(0)
        store.make_room(ref.size - had)
        seen.catch_up(part, had)
        if (had < ref.size or not ref.size) and not _download(ref, line, part, seen, go_on, via, patience_s):
            return False
        _check(ref, part, seen, had, via)
        store.settle(part_path(ref), ref.sha256, ref.media_type)
    store.remember(ref, listed=True)
    return True


def part_path(ref: BlobRef) -> Path:
    store.require_name(ref.sha256)
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


def _download(ref: BlobRef, line: Line, part: BinaryIO, seen: Running, go_on: GoOn, via: Via, patience_s: float | None = None) -> bool:
    had = seen.size
    headers = {"Accept-Encoding": "identity", **via.headers}
    if had:
        headers |= {"Range": f"bytes={had}-", "If-Range": f'"{ref.sha256}"'}
    address = f"/blobs/{ref.sha256}"
    asked = line.stream(address, headers=headers) if via.name else parents_answer(line, address, headers, patience_s)
    with asked as response:
        if _begin(ref, response, part, had, via) == 0:
            seen.begin()
        seen.sources.add(via.name)
        for piece in line.pieces(response):
            if seen.size + len(piece) > ref.size:
                part.truncate(had if via.name else 0)
                seen.wrong.append(frozenset({via.name}))
                raise Tampered(f"文件 {ref.sha256[:12]}… 比目录所列的 {ref.size} 字节长")
            part.write(piece)
            seen.add(piece)
            if not go_on(len(piece)):
                break
        else:
            if seen.size < ref.size:
                raise Unavailable(f"文件 {ref.sha256[:12]}… 中途断开，已收 {seen.size}/{ref.size} 字节")
    return seen.size == ref.size


def _begin(ref: BlobRef, response: httpx.Response, part: BinaryIO, had: int, via: Via) -> int:
    """Where the answer's first byte belongs: behind what we have (206), or at the start (200)."""
    if response.status_code == 206 and response.headers.get("Content-Range") == f"bytes {had}-{ref.size - 1}/{ref.size}":
        return had
    if response.status_code == 404 or (via.name and response.status_code == 403):  # its ticket is for another: that is no fault of its
        raise NotThere(f"上级节点还没有文件 {ref.sha256[:12]}…")
    if had and via.name:
        raise _crowded_or_unavailable(ref, response)  # what the parent gave is not thrown away for it
    if response.status_code in {200, 206, 416}:
        part.truncate(0)  # another size or place than ours: only the whole can help
    if response.status_code != 200:
        raise _crowded_or_unavailable(ref, response)
    return 0


def _crowded_or_unavailable(ref: BlobRef, response: httpx.Response) -> Unavailable:
    kind = Crowded if response.status_code == 429 else Unavailable
    return kind(f"上级节点没有给出文件 {ref.sha256[:12]}…（{response.status_code}）")


def _check(ref: BlobRef, part: BinaryIO, seen: Running, had: int, via: Via) -> None:
    """`had`: how much of the part was there before this try."""
    part.flush()
    os.fsync(part.fileno())
    if seen.size == ref.size and seen.hexdigest() == ref.sha256:
        return
    if via.name and had and seen.sources != {via.name}:  # what was there before may be right: the next source decides
        part.truncate(had)
        seen.sources.discard(via.name)
        seen.wrong.append(frozenset({via.name, EARLIER}))
        raise Mismatch(f"文件 {ref.sha256[:12]}… 接自另一来源后校验不符，弃去所接的部分")
    part.truncate(0)
    seen.wrong.append(frozenset(seen.sources))
    if had:  # a power cut may have spoilt the old half: one whole try decides
        raise Mismatch(f"文件 {ref.sha256[:12]}… 续传后校验不符，从头再取")
    raise Tampered(f"文件 {ref.sha256[:12]}… 的内容与目录所列的摘要不符")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
