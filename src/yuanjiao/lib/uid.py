"""Identifiers that travel between machines: UUID version 7 (RFC 9562), sortable by their time of making."""

from __future__ import annotations

import os
import time
from uuid import UUID


def new_uid() -> UUID:
    """A fresh UUIDv7 from the machine's clock (ms) and 74 random bits."""
    ms = time.time_ns() // 1_000_000
    rand = int.from_bytes(os.urandom(10), "big")
    value = (ms & (1 << 48) - 1) << 80 | 0x7 << 76 | (rand >> 62 & 0xFFF) << 64 | 0b10 << 62 | rand & (1 << 62) - 1
    return UUID(int=value)
