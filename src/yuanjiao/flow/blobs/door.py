"""The lean door of media: blobs asked for by name and suffix (`/blobs/<sha256>.mp4`), past Django, a quarter of a mebibyte at a time.

The suffix says the type, the name says the content: nothing needs to be looked up. Blobs without a suffix go to the view.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.ranges import Span
from yuanjiao.flow.blobs.serving import reply_to

PREFIX = "/blobs/"
PIECE, AT_ONCE = 1 << 18, 4
"""Bytes of one message, which fit the caches of a small machine; and how many are read by one visit to a thread."""
ASKED = {b"range": "Range", b"if-range": "If-Range", b"if-none-match": "If-None-Match"}
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def takes(scope: Mapping[str, Any]) -> bool:
    """Whether this question is for here."""
    path = scope["path"]
    name = path[len(PREFIX) :]
    return path.startswith(PREFIX) and scope["method"] in {"GET", "HEAD"} and store.is_name(name[:64]) and name[64:] in store.MEDIA_TYPES


async def door(scope: Mapping[str, Any], receive: Any, send: Send) -> None:
    """Answer as flow/blobs/serving.py says."""
    name = scope["path"][len(PREFIX) :]
    headers = {ASKED[key]: value.decode("latin-1") for key, value in scope["headers"] if key in ASKED}
    try:
        file = os.open(store.path(name[:64]), os.O_RDONLY)
    except FileNotFoundError:
        await _start(send, 404, {"Content-Type": "text/plain; charset=utf-8"})
        await send({"type": "http.response.body", "body": "没有这个文件".encode()})
        return
    try:
        size = os.fstat(file).st_size
        reply = reply_to(scope["method"], headers, sha256=name[:64], size=size, media_type=store.MEDIA_TYPES[name[64:]])
        await _start(send, reply.status, reply.headers)
        if reply.span is not None:
            await _pieces(file, reply.span, send)
        await send({"type": "http.response.body", "body": b""})
    finally:
        os.close(file)


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    labels = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": labels})


async def _pieces(file: int, span: Span, send: Send) -> None:
    at, end = span.first, span.last + 1
    while at < end:
        pieces = await asyncio.to_thread(_read, file, at, end)
        if not pieces:
            return
        for piece in pieces:
            at += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})


def _read(file: int, at: int, end: int) -> list[bytes]:
    """The next pieces; a disk may keep whoever reads waiting, so it is done in a thread."""
    starts = range(at, min(end, at + AT_ONCE * PIECE), PIECE)
    return [piece for piece in (os.pread(file, min(PIECE, end - start), start) for start in starts) if piece]
