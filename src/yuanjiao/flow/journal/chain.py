"""The hash chain of entries. These bytes may never change: a new form is a new version byte beside this one."""

from __future__ import annotations

import hashlib
import struct
from datetime import datetime
from uuid import UUID

VERSION = b"YJE1"
GENESIS = bytes(32)


def entry_hash(*, previous: bytes, origin: UUID, seq: int, at: datetime, kind: str, payload: bytes) -> bytes:
    """SHA-256 over version, previous hash, origin, seq, time in µs since 1970 UTC, kind and payload, each length-prefixed."""
    micros = round(at.timestamp() * 1_000_000)
    name = kind.encode()
    head = VERSION + previous + origin.bytes + struct.pack(">QqH", seq, micros, len(name)) + name + struct.pack(">I", len(payload))
    return hashlib.sha256(head + payload).digest()
