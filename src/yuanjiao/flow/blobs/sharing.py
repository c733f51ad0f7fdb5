"""The holder's side of several sources: edges that come with a ticket of our parent are served at a pace of their own.

`settings.SERVE_BYTES` a second for all of them together, `MOST_AT_ONCE` at a time and one of each asker: the people who watch here come
first. A wrong ticket is refused, so that its owner asks for another; without one a blob is given as it is to any viewer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from uuid import UUID

from django.conf import settings

from yuanjiao.flow.blobs.ticket import BadTicket, Ticket, believed
from yuanjiao.flow.nodes.keys import verifies
from yuanjiao.flow.nodes.queries import own_node, parent_ahead_s, parent_node
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.budget import TokenBucket
from yuanjiao.lib.errors import Forbidden

MOST_AT_ONCE = 16
_served: set[UUID] = set()
"""The askers that are being served by this process."""


def admitted(text: str, *, blob: str, at: datetime) -> Ticket:
    """Who comes with this ticket for this blob. Forbidden, with the reason, when it is not good here and now."""
    parent = parent_node()
    if parent is None:
        raise Forbidden("本机没有上级节点，不认凭条")
    key, now_us = bytes(parent.public_key), micros(at) + round(parent_ahead_s() * 1_000_000)
    try:
        return believed(
            text, blob=blob, holder=own_node().uid, now_us=now_us, verifies=lambda signature, body: verifies(key, signature, body)
        )
    except BadTicket as error:
        raise Forbidden(str(error)) from None


def has_place(asker: UUID) -> bool:
    """Whether this asker may be served now."""
    return asker not in _served and len(_served) < MOST_AT_ONCE


@contextmanager
def _place(asker: UUID) -> Iterator[None]:
    _served.add(asker)
    try:
        yield
    finally:
        _served.discard(asker)


@cache
def _bucket(rate: int) -> TokenBucket:
    return TokenBucket(rate)


def paced(pieces: Iterator[bytes], asker: UUID) -> Iterator[bytes]:
    """The pieces, no faster than all siblings together are served."""
    with _place(asker):
        for piece in pieces:
            yield piece
            time.sleep(_bucket(settings.SERVE_BYTES).owed_s(len(piece)))


async def paced_async(pieces: AsyncIterator[bytes], asker: UUID) -> AsyncIterator[bytes]:
    """The same for the server at hand."""
    with _place(asker):
        async for piece in pieces:
            yield piece
            await asyncio.sleep(_bucket(settings.SERVE_BYTES).owed_s(len(piece)))
