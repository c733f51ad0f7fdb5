"""What a signed request signs. Pure; these bytes may never change: a new form is a new first line.

A request carries four headers: who (`Yuanjiao-Node`), when by the receiver's clock as far as the sender knows it
(`Yuanjiao-Time`, µs since 1970), when by the sender's own clock (`Yuanjiao-Clock`), and the signature (`Yuanjiao-Signature`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

NODE, TIME, CLOCK, SIGNATURE = "yuanjiao-node", "yuanjiao-time", "yuanjiao-clock", "yuanjiao-signature"
SERVER_TIME = "yuanjiao-server-time"
"""Every answer to a signed request says the receiver's clock, so that a sender whose clock is wrong can be believed next time."""


@dataclass(frozen=True)
class Claim:
    """What the headers of a request claim; nothing is proved yet. Times in µs since 1970 UTC."""

    node: UUID
    time_us: int
    clock_us: int
    signature: bytes


def request_bytes(*, method: str, target: str, node: UUID, time_us: int, clock_us: int, body: bytes) -> bytes:
    """The signed text: `target` is the path with its query, the body stands by its SHA-256."""
    lines = ("YJR1", method.upper(), target, str(node), str(time_us), str(clock_us), hashlib.sha256(body).hexdigest())
    return "\n".join(lines).encode()


def to_headers(claim: Claim) -> dict[str, str]:
    return {
        NODE: str(claim.node),
        TIME: str(claim.time_us),
        CLOCK: str(claim.clock_us),
        SIGNATURE: base64.b64encode(claim.signature).decode(),
    }


def read_claim(headers: Mapping[str, str]) -> Claim | None:
    """The claim in lower-case headers, or None when one is missing or unreadable."""
    try:
        return Claim(
            UUID(headers[NODE]), int(headers[TIME][:20]), int(headers[CLOCK][:20]), base64.b64decode(headers[SIGNATURE], validate=True)
        )
    except (KeyError, ValueError, binascii.Error):
        return None
