"""What two nodes tell each other under a key only they share: believed by the other, no proof to a third. Pure; big-endian numbers.

    4 bytes  "YJM1"                                   8 bytes  own clock, µs
    16 bytes uid of the sender                        1 byte   form: what the content is
    8 bytes  the receiver's clock, µs since 1970 UTC  1 byte   0: as it is, 1: one zstd frame
    the content                                       32 bytes BLAKE2b-256 of all before, keyed

For what is no fact and comes often: beats (decision 0062). These bytes may never change: a new form gets new first letters.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from uuid import UUID

SEALED = "application/vnd.yuanjiao.sealed"
"""The content type of these messages."""
MAGIC = b"YJM1"
SEAL_BYTES = 32
_head = struct.Struct(">4s16sqqBB")
_UID = slice(4, 20)


@dataclass(frozen=True, slots=True)
class Sealed:
    """One message as it claims to be; nothing is proved yet. Times in µs since 1970 UTC."""

    node: UUID
    time_us: int
    clock_us: int
    form: int
    packed: bool
    content: bytes
    seal: bytes


def sealed_bytes(*, node: UUID, time_us: int, clock_us: int, form: int, packed: bool, content: bytes, key: bytes) -> bytes:
    """The whole message under the 32-byte `key`."""
    told = _head.pack(MAGIC, node.bytes, time_us, clock_us, form, packed) + content
    return told + _seal(told, key)


def read_sealed(body: bytes) -> Sealed | None:
    """The claim, or None for what is not of this form."""
    if len(body) < _head.size + SEAL_BYTES or not body.startswith(MAGIC):
        return None
    _, node, time_us, clock_us, form, packed = _head.unpack_from(body)
    if packed > 1:
        return None
    return Sealed(UUID(bytes=node), time_us, clock_us, form, bool(packed), body[_head.size : -SEAL_BYTES], body[-SEAL_BYTES:])


def claimed_sender(body: bytes) -> UUID | None:
    """Whom a message says it is from, without a look at the rest."""
    return UUID(bytes=body[_UID]) if len(body) >= _UID.stop else None


def is_genuine(body: bytes, key: bytes) -> bool:
    """Whether the message was made by one who has the key."""
    return compare_digest(_seal(body[:-SEAL_BYTES], key), body[-SEAL_BYTES:])


def _seal(told: bytes, key: bytes) -> bytes:
    return blake2b(told, key=key, digest_size=SEAL_BYTES).digest()
