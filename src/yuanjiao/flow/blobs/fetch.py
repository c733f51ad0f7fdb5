"""Fetching a blob from the parent: on from the byte where the last try stopped, also after a restart, and verified at the end.

An unfinished blob lies in HOME/blobs/parts/<sha256>.part. Its bytes count for nothing until the whole has the right digest.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Conflict, DiskFull, Tampered, Unavailable

TRIES = 5
PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


def fetch(ref: BlobRef, line: Line, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Bring the blob here. Unavailable after `TRIES` tries without a new byte; Tampered when what came is not what was named."""
    if store.has(ref.sha256):
        store.remember(ref, listed=True)
        return
    failures, reached = 0, 0
    while True:
        try:
            fetch_once(ref, line)
            return
        except DiskFull:
            raise
        except Unavailable:
            size = _size(part_path(ref))
            failures = 1 if size > reached else failures + 1
            reached = max(size, reached)  # a parent that takes bytes back again and again is no progress
            if failures >= TRIES:
                raise
            sleep(random.uniform(0, min(LONGEST_PAUSE_S, PAUSE_S * 2**failures)))


def fetch_once(ref: BlobRef, line: Line) -> None:
    """One try; what arrived stays for the next one."""
    with _part(ref) as part:
        had = part.seek(0, os.SEEK_END)
        if had > ref.size:
            had = part.truncate(0)
        store.make_room(ref.size - had)
        if had < ref.size or not ref.size:
            _download(ref, line, part, had)
        _check(ref, part, resumed=had > 0)
        store.settle(part_path(ref), ref.sha256)
    store.remember(ref, listed=True)


def part_path(ref: BlobRef) -> Path:
    store.path(ref.sha256)
    return store.parts_folder() / f"{ref.sha256}.part"


@contextmanager
def _part(ref: BlobRef) -> Iterator[BinaryIO]:
    """The unfinished file, ours alone. A disk that fills up while we write is DiskFull, whatever it said before."""
    try:
        with open(part_path(ref), "ab+") as part:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield part
    except BlockingIOError:
        raise Conflict("这个文件正在由另一个进程下载") from None
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull("磁盘已满，下载暂停") from None
        raise


def _download(ref: BlobRef, line: Line, part: BinaryIO, had: int) -> None:
    headers = {"Accept-Encoding": "identity"}
    if had:
        headers |= {"Range": f"bytes={had}-", "If-Range": f'"{ref.sha256}"'}
    with line.stream(f"/blobs/{ref.sha256}", headers=headers) as response:
        size = _begin(ref, response, part, had)
        for piece in line.pieces(response):
            size += len(piece)
            if size > ref.size:
                part.truncate(0)
                raise Tampered(f"文件 {ref.sha256[:12]}… 比目录所列的 {ref.size} 字节长")
            part.write(piece)
    if size < ref.size:
        raise Unavailable(f"文件 {ref.sha256[:12]}… 中途断开，已收 {size}/{ref.size} 字节")


def _begin(ref: BlobRef, response: httpx.Response, part: BinaryIO, had: int) -> int:
    """Where the answer's first byte belongs: behind what we have (206), or at the start (200)."""
    if response.status_code == 206 and response.headers.get("Content-Range") == f"bytes {had}-{ref.size - 1}/{ref.size}":
        return had
    if response.status_code in {200, 206, 416}:
        part.truncate(0)  # another size or place than ours: only the whole can help
    if response.status_code != 200:
        raise Unavailable(f"上级节点没有给出文件 {ref.sha256[:12]}…（{response.status_code}）")
    return 0


def _check(ref: BlobRef, part: BinaryIO, *, resumed: bool) -> None:
    part.flush()
    os.fsync(part.fileno())
    with open(part_path(ref), "rb", buffering=0) as whole:
        digest = hashlib.file_digest(whole, "sha256").hexdigest()
    if digest == ref.sha256:
        return
    part.truncate(0)
    if resumed:  # a power cut may have spoilt the old half: one whole try decides
        raise Unavailable(f"文件 {ref.sha256[:12]}… 续传后校验不符，从头再取")
    raise Tampered(f"文件 {ref.sha256[:12]}… 的内容与目录所列的摘要不符")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
