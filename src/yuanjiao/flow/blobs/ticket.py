"""The form of a ticket: by it a parent invites one child to fetch one blob from another (docs/flow.md, byte for byte). Pure.

It is no lock: a blob is given to whoever knows its digest. It says that the parent of both wants this, and bounds what it is good for:
one blob, one asker, one holder, an hour.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

MAGIC = b"YJT1"
FORM = struct.Struct(">4s32s16s16sq")
SIGNATURE_BYTES = 64
LENGTH = FORM.size + SIGNATURE_BYTES
LIFE_S = 3600
"""How long a ticket is good, in seconds."""
HEADER = "Yuanjiao-Ticket"
LONGEST_TEXT = 4 * -(-LENGTH // 3)


class BadTicket(ValueError):
    """No ticket of this form, or not what it should be; the message is for the log of whoever brought it."""


@dataclass(frozen=True)
class Ticket:
    """`blob` in 64 hex digits, `asker` and `holder` by their uids, `expires_us` in µs since 1970 UTC by the parent's clock."""

    blob: str
    asker: UUID
    holder: UUID
    expires_us: int


def signed(ticket: Ticket, sign: Callable[[bytes], bytes]) -> str:
    """The ticket as it travels in a header: base64. `sign` is the parent's."""
    body = FORM.pack(MAGIC, bytes.fromhex(ticket.blob), ticket.asker.bytes, ticket.holder.bytes, ticket.expires_us)
    return base64.b64encode(body + sign(body)).decode()


def read(text: str) -> tuple[Ticket, bytes, bytes]:
    """The ticket, the bytes that were signed and the signature; nothing is proved yet. BadTicket for another form."""
    try:
        data = base64.b64decode(text, validate=True) if len(text) <= LONGEST_TEXT else b""
    except (ValueError, binascii.Error):
        raise BadTicket("不是取文件的凭条") from None
    if len(data) != LENGTH or not data.startswith(MAGIC):
        raise BadTicket("不是取文件的凭条")
    body, signature = data[: FORM.size], data[FORM.size :]
    _, blob, asker, holder, expires_us = FORM.unpack(body)
    return Ticket(blob.hex(), UUID(bytes=asker), UUID(bytes=holder), expires_us), body, signature


def believed(text: str, *, blob: str, holder: UUID, now_us: int, verifies: Callable[[bytes, bytes], bool]) -> Ticket:
    """The ticket if it is for this blob and this holder, still good, and signed: `verifies(signature, body)` with the parent's key.

    BadTicket otherwise. One that would be good for longer than any is made for is as little believed as an old one.
    """
    ticket, body, signature = read(text)
    if ticket.blob != blob or ticket.holder != holder:
        raise BadTicket("凭条不是给这个文件或这台机器的")
    if not 0 < ticket.expires_us - now_us <= 2 * LIFE_S * 1_000_000:
        raise BadTicket("凭条已过期，或时刻不对")
    if not verifies(signature, body):
        raise BadTicket("凭条不是上级节点签的")
    return ticket
