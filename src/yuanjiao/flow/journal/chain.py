"""The hash chain of entries. These bytes may never change: a new form is a new version byte beside this one."""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

VERSION = b"YJE1"
GENESIS = bytes(32)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970 UTC, exact."""
    return (at - EPOCH) // MICROSECOND


def entry_hash(*, previous: bytes, origin: UUID, seq: int, at: datetime, kind: str, payload: bytes) -> bytes:
    """SHA-256 over version, previous hash, origin, seq, time in µs since 1970 UTC, kind and payload, each length-prefixed."""
    name = kind.encode()
    head = VERSION + previous + origin.bytes + struct.pack(">QqH", seq, micros(at), len(name)) + name + struct.pack(">I", len(payload))
    return hashlib.sha256(head + payload).digest()
