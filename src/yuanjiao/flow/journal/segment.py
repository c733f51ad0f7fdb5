"""Sealed segments: a run of one origin's entries, compressed, chained and signed. Pure: bytes in, values or BadSegment out.

The bytes are written down in docs/flow.md with test vectors and may never change: a new form gets a new magic and is read
beside this one. Order of checks when reading: size, frame, signature, then the body: nothing unsigned is ever decompressed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import zstandard

from yuanjiao.flow.journal.chain import EPOCH, entry_hash, micros
from yuanjiao.lib.errors import Tampered

MAGIC = b"YJS1"
HEADER = struct.Struct(">4s16sQQIq32s32sII")
ENTRY = struct.Struct(">qHI")
SIGNATURE_BYTES = 64
MAX_SEGMENT_BYTES = 4 * 1024 * 1024
"""Largest sealed segment a door reads, in bytes."""
MAX_RAW_BYTES = 16 * 1024 * 1024
"""Largest body after decompression, in bytes: a bomb is refused by its header and again by its frame."""
MAX_ENTRIES = 10_000


class Reason(StrEnum):
    """Why a segment was taken or not; the words go over the wire and never change their meaning."""

    ACCEPTED = "accepted"
    HELD = "held"  # all of it was here already
    TOO_LARGE = "too_large"
    CUT = "cut"  # the bytes end too early, or are no segment
    FORGED = "forged"  # the signature is not the origin's
    BROKEN_CHAIN = "broken_chain"  # the origin signed entries that do not follow from one another
    GAP = "gap"  # something before it is missing
    FORKED = "forked"  # the origin told another story about these numbers before
    UNKNOWN_ORIGIN = "unknown_origin"
    REVOKED = "revoked"
    UNKNOWN_KIND = "unknown_kind"  # this node's programme is older than the sender's


class BadSegment(Tampered):
    """The bytes cannot be taken as a segment; `reason` says which check failed."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Written(NamedTuple):
    """One entry as its origin wrote it: aware time, kind, payload (JSON bytes)."""

    at: datetime
    kind: str
    payload: bytes


class Chained(NamedTuple):
    """One entry with its place in the chain."""

    seq: int
    at: datetime
    kind: str
    payload: bytes
    entry_hash: bytes


@dataclass(frozen=True)
class Header:
    """The 120 bytes in front: whose entries, which numbers, when sealed by the origin's clock, and both ends of the chain."""

    origin: UUID
    first_seq: int
    last_seq: int
    sealed_at: datetime
    previous: bytes
    tail: bytes
    raw_bytes: int
    packed_bytes: int


def seal(
    *, origin: UUID, first_seq: int, previous: bytes, sealed_at: datetime, entries: Sequence[Written], sign: Callable[[bytes], bytes]
) -> bytes:
    """The sealed bytes of a run of entries that begins at `first_seq` and follows the entry whose hash is `previous`."""
    raw = b"".join(_pack(entry) for entry in entries)
    if not 0 < len(entries) <= MAX_ENTRIES or len(raw) > MAX_RAW_BYTES:
        raise ValueError("a segment holds 1 to 10,000 entries and at most 16 MiB")
    body = zstandard.ZstdCompressor(level=9).compress(raw)
    tail = chain(origin=origin, first_seq=first_seq, previous=previous, entries=entries)[-1].entry_hash
    head = HEADER.pack(
        MAGIC, origin.bytes, first_seq, first_seq + len(entries) - 1, len(entries), micros(sealed_at), previous, tail, len(raw), len(body)
    )
    return head + body + sign(head + body)


def read_header(data: bytes) -> Header:
    """The header of bytes that have the outer shape of a segment; nothing is proved yet."""
    if len(data) > MAX_SEGMENT_BYTES:
        raise BadSegment(Reason.TOO_LARGE, f"日志段过大：最多 {MAX_SEGMENT_BYTES} 字节")
    if len(data) < HEADER.size + SIGNATURE_BYTES or not data.startswith(MAGIC):
        raise BadSegment(Reason.CUT, "日志段不完整或不是日志段")
    _, origin, first, last, count, sealed, previous, tail, raw, packed = HEADER.unpack_from(data)
    if len(data) != HEADER.size + packed + SIGNATURE_BYTES:
        raise BadSegment(Reason.CUT, "日志段不完整：长度与段头不符")
    if first < 1 or last >= 1 << 63 or last - first + 1 != count or not 0 < count <= MAX_ENTRIES:
        raise BadSegment(Reason.CUT, "日志段段头的序号不合规则")
    if raw > MAX_RAW_BYTES or raw < count * ENTRY.size:
        raise BadSegment(Reason.TOO_LARGE, f"日志段解压后大小不合规则：最多 {MAX_RAW_BYTES} 字节")
    return Header(UUID(bytes=origin), first, last, moment(sealed), previous, tail, raw, packed)


def check_signature(data: bytes, verifies: Callable[[bytes, bytes], bool]) -> None:
    """`verifies(signature, message)` is bound to the key of the origin named in the header."""
    if not verifies(data[-SIGNATURE_BYTES:], data[:-SIGNATURE_BYTES]):
        raise BadSegment(Reason.FORGED, "日志段签名与登记的公钥不符")


def read_entries(data: bytes, header: Header) -> list[Chained]:
    """The entries of a segment whose signature was checked, each with its hash; the chain inside must close."""
    raw = _decompress(data[HEADER.size : -SIGNATURE_BYTES], header.raw_bytes)
    written = _unpack(raw, header.last_seq - header.first_seq + 1)
    entries = chain(origin=header.origin, first_seq=header.first_seq, previous=header.previous, entries=written)
    if entries[-1].entry_hash != header.tail:
        raise BadSegment(Reason.BROKEN_CHAIN, "日志段内的哈希链断裂")
    return entries


def chain(*, origin: UUID, first_seq: int, previous: bytes, entries: Sequence[Written]) -> list[Chained]:
    """Number and hash a run of entries."""
    chained = []
    for seq, (at, kind, payload) in enumerate(entries, first_seq):
        previous = entry_hash(previous=previous, origin=origin, seq=seq, at=at, kind=kind, payload=payload)
        chained.append(Chained(seq, at, kind, payload, previous))
    return chained


def moment(value: int) -> datetime:
    """The inverse of `micros`; a number no calendar holds is refused."""
    try:
        return EPOCH + timedelta(microseconds=value)
    except OverflowError:
        raise BadSegment(Reason.CUT, "日志段中的时刻不合规则") from None


def _pack(entry: Written) -> bytes:
    kind = entry.kind.encode()
    return ENTRY.pack(micros(entry.at), len(kind), len(entry.payload)) + kind + entry.payload


def _decompress(body: bytes, raw_bytes: int) -> bytes:
    """The frame must name its own size and it must be the header's: the library allocates what the frame says."""
    try:
        if zstandard.frame_content_size(body) != raw_bytes:
            raise BadSegment(Reason.TOO_LARGE, "日志段解压大小与段头不符")
        return zstandard.ZstdDecompressor().decompress(body, max_output_size=raw_bytes, allow_extra_data=False)
    except zstandard.ZstdError:
        raise BadSegment(Reason.CUT, "日志段无法解压") from None


def _unpack(raw: bytes, count: int) -> list[Written]:
    entries, place = [], 0
    try:
        for _ in range(count):
            at, kind_bytes, payload_bytes = ENTRY.unpack_from(raw, place)
            kind_from, payload_from = place + ENTRY.size, place + ENTRY.size + kind_bytes
            place = payload_from + payload_bytes
            entries.append(Written(moment(at), raw[kind_from:payload_from].decode(), raw[payload_from:place]))
    except (struct.error, UnicodeDecodeError):
        place = -1
    if place != len(raw):
        raise BadSegment(Reason.CUT, "日志段内的条目不完整")
    return entries
