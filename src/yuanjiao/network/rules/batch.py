"""The compact form of a node's batch: ages of a roster that both ends know by its digest. Pure; all numbers little-endian.

    4 bytes  "YJB1"                    8 bytes  own clock, µs since 1970 UTC
    16 bytes uid of the node           8 bytes  switched on at, µs (0: not known)
    16 bytes digest of the roster      8 bytes  observed through, µs (0: not told)
                                       8 bytes  journal entry to which that holds
    2 bytes for each of the roster: tenths of a second since it was last heard, 65535 when it was not heard lately

The roster is the list of codes as the node last sent it in a batch of the long form. These bytes may never change: a new form gets
new first letters.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

COMPACT = "application/vnd.yuanjiao.beats"
"""The content type of these batches."""
LONG_FORM, COMPACT_FORM = 1, 2
"""The two forms as a sealed message names them."""
MAGIC = b"YJB1"
NOT_HEARD = 65535
LONGEST_S = 6553.0
DIGEST_BYTES = 16
_head = struct.Struct("<4s16s16sqqqq")


@dataclass(frozen=True)
class Compact:
    """One batch: times in µs since 1970 UTC by the node's clock; `tenths` one age for each of the roster."""

    node: UUID
    roster: bytes
    sent_us: int
    boot_us: int
    through_us: int
    seq: int
    tenths: NDArray[np.uint16]


def roster_digest(codes: Iterable[str]) -> bytes:
    """Names a roster: the codes in their order."""
    return hashlib.sha256("\n".join(codes).encode()).digest()[:DIGEST_BYTES]


def tenths_of(ages: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Ages in seconds as they are sent; what is not a number or older than can be said was not heard."""
    told = np.isfinite(ages) & (ages <= LONGEST_S)
    return np.where(told, np.round(np.maximum(np.where(told, ages, 0.0), 0.0) * 10), NOT_HEARD).astype("<u2")


def pack(batch: Compact) -> bytes:
    head = _head.pack(MAGIC, batch.node.bytes, batch.roster, batch.sent_us, batch.boot_us, batch.through_us, batch.seq)
    return head + batch.tenths.astype("<u2").tobytes()


def unpack(body: bytes) -> Compact | None:
    """None for what is not of this form."""
    if len(body) < _head.size or (len(body) - _head.size) % 2 or not body.startswith(MAGIC):
        return None
    _, node, roster, sent, boot, through, seq = _head.unpack_from(body)
    return Compact(UUID(bytes=node), roster, sent, boot, through, seq, np.frombuffer(body, "<u2", offset=_head.size))
