"""Journal archives: segments as they are in one file, with who must be known to prove them and a digest over all (docs/flow.md).

For a stick, for another machine, and for what is kept after acknowledgement (keeping.py). The bytes may never change: a new form
gets a new magic. A reader believes nothing of a file before its digest is right, and nothing of a segment but what `receive` believes.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import msgspec

from yuanjiao.flow.journal.segment import MAX_SEGMENT_BYTES, SIGNATURE_BYTES
from yuanjiao.flow.nodes import keys
from yuanjiao.lib.errors import Refused, Tampered

MAGIC = b"YJA1"
LENGTH = struct.Struct(">I")
COUNT = struct.Struct(">Q")
DIGEST_BYTES = 32
MAX_CONTENTS_BYTES = 64 * 1024 * 1024
"""Largest list of nodes a reader takes in, in bytes: some 150,000 of them."""
PIECE_BYTES = 1024 * 1024


class Introduction(msgspec.Struct, frozen=True, kw_only=True):
    """One node whose segments are in the file, as the writer knew it. `public_key` is its 32 bytes."""

    uid: UUID
    kind: str
    name: str
    public_key: bytes
    subject_code: str
    scope: str
    enrolled_at: datetime
    enrolled_by: UUID | None = None
    revoked_at: datetime | None = None
    revoked_reason: str = ""
    last_seq: int = 0
    """The last entry of it that the writer held."""
    start_seq: int = 0
    start_hash: bytes = bytes(32)
    """Entries up to there went to a former parent of the node and are not in the file."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote the file and when, and everybody who must be known; the writer is one of `nodes`."""

    writer: UUID
    written_at: datetime
    nodes: list[Introduction]

    @property
    def introduced(self) -> Introduction:
        """The writer itself; Tampered when it left itself out."""
        for node in self.nodes:
            if node.uid == self.writer:
                return node
        raise Tampered("存档文件没有写明由谁写出")


@dataclass(frozen=True)
class Placed:
    """One segment of a file: where its bytes begin (after their length), and the bytes."""

    offset: int
    sealed: bytes


class _Hashing:
    """A file being written, its digest and how far it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest, self.place = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.digest.update(data)
        self.place += len(data)


def write_archive(path: Path, contents: Contents, segments: Iterable[bytes]) -> list[int]:
    """Write a file whole or not at all; returns where each segment's bytes begin. Refused when there is a file of that name."""
    if path.exists():
        raise Refused(f"{path} 已经存在：请换一个文件名")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        offsets = _write(_Hashing(file), contents, segments)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    _settle(path.parent)
    return offsets


def _write(out: _Hashing, contents: Contents, segments: Iterable[bytes]) -> list[int]:
    listed = msgspec.json.encode(contents)
    head = MAGIC + LENGTH.pack(len(listed)) + listed
    out.write(head + keys.sign(head))
    offsets = []
    for sealed in segments:
        out.write(LENGTH.pack(len(sealed)))
        offsets.append(out.place)
        out.write(sealed)
    out.write(LENGTH.pack(0) + COUNT.pack(len(offsets)))
    out.write(out.digest.digest())
    return offsets


def _settle(folder: Path) -> None:
    """The name too is on the disk before anybody relies on it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_archive(path: Path) -> int:
    """Read the whole file and prove its shape and digest; returns how many segments are in it.

    Refused when it is no archive or ends too early, Tampered when it was changed after it was written.
    """
    with _opened(path) as file:
        _digest_is_right(file, path.stat().st_size)
        file.seek(0)
        _read_contents(file)
        count = sum(1 for _ in _segments(file))
        if COUNT.unpack(_exactly(file, COUNT.size))[0] != count or len(file.read()) != DIGEST_BYTES:
            raise Tampered("存档文件的结尾与内容不符")
    return count


def contents_of(path: Path) -> Contents:
    """Who is in the file; its writer's signature over this list is right by the key the list itself gives: whether that is believed is
    the caller's question."""
    with _opened(path) as file:
        return _read_contents(file)


def segments_of(path: Path) -> Iterator[Placed]:
    """Its segments in the order they were written; nothing about them is proved yet."""
    with _opened(path) as file:
        _read_contents(file)
        yield from _segments(file)


def segment_at(path: Path, offset: int, size: int) -> bytes:
    """One segment by where it stands; Refused when the file is gone or shorter."""
    with _opened(path) as file:
        file.seek(offset)
        return _exactly(file, size)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise Refused(f"打不开存档文件 {path}：{error.strerror}") from None
    with file:
        yield file


def _digest_is_right(file: BinaryIO, size: int) -> None:
    if file.read(len(MAGIC)) != MAGIC:
        raise Refused("这不是日志存档文件")
    if not _ends_as_it_should(file, size):
        raise Refused("存档文件不完整：没有写完，或拷贝时中断，请重新拷贝")
    digest, left = hashlib.sha256(), size - DIGEST_BYTES
    file.seek(0)
    while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
        digest.update(piece)
        left -= len(piece)
    if file.read() != digest.digest():
        raise Tampered("存档文件的摘要不符：写出之后有过改动或损坏，没有收进任何记录")


def _ends_as_it_should(file: BinaryIO, size: int) -> bool:
    """Walk from length to length: a file that was cut is told from one that was changed."""
    try:
        file.seek(len(MAGIC))
        file.seek(LENGTH.unpack(_exactly(file, LENGTH.size))[0] + SIGNATURE_BYTES, os.SEEK_CUR)
        while length := LENGTH.unpack(_exactly(file, LENGTH.size))[0]:
            file.seek(length, os.SEEK_CUR)
    except Refused:
        return False
    return file.tell() + COUNT.size + DIGEST_BYTES <= size


def _read_contents(file: BinaryIO) -> Contents:
    head = _exactly(file, len(MAGIC) + LENGTH.size)
    length = LENGTH.unpack(head[len(MAGIC) :])[0]
    if head[: len(MAGIC)] != MAGIC or length > MAX_CONTENTS_BYTES:
        raise Refused("这不是日志存档文件")
    listed = _exactly(file, length)
    signature = _exactly(file, SIGNATURE_BYTES)
    try:
        contents = msgspec.json.decode(listed, type=Contents)
    except msgspec.DecodeError:
        raise Tampered("存档文件的节点名单无法读取") from None
    if not keys.verifies(contents.introduced.public_key, signature, head + listed):
        raise Tampered("存档文件的节点名单不是写出者签的名")
    return contents


def _segments(file: BinaryIO) -> Iterator[Placed]:
    while length := LENGTH.unpack(_exactly(file, LENGTH.size))[0]:
        if length > MAX_SEGMENT_BYTES:
            raise Tampered("存档文件中有过大的日志段")
        yield Placed(file.tell(), _exactly(file, length))


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise Refused("存档文件不完整：没有写完，或拷贝时中断，请重新拷贝")
    return data
