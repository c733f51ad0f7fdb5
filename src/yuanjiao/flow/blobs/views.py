"""The door GET /blobs/<sha256>: whole or one range of it, cacheable for ever because the name is the content.

The name may carry a suffix (.mp4, .jpg …): old boxes choose their player by it, and our own server then answers by the lean door
(flow/blobs/door.py) without coming here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from django.views.decorators.http import require_safe

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.bucket import bucket, is_on
from yuanjiao.flow.blobs.elsewhere import may_be_sent_on
from yuanjiao.flow.blobs.ranges import Span
from yuanjiao.flow.blobs.serving import reply_to
from yuanjiao.flow.blobs.sharing import admitted, has_place, paced, paced_async
from yuanjiao.flow.blobs.ticket import HEADER
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound

CHUNK, PACED_CHUNK = 256 * 1024, 16 * 1024
"""Bytes read at a time; the smaller ones for siblings, who wait between them and must not wait longer than they have patience."""


@require_safe
def blob(request: HttpRequest, name: str) -> HttpResponseBase:
    """The bytes of a blob; 206, 304, 404 and 416 as RFC 9110 says."""
    sha256, suffix = name[:64], name[64:]
    if suffix and suffix not in store.MEDIA_TYPES:
        raise NotFound("没有这个文件")
    found = store.ref(sha256)
    media_type = store.MEDIA_TYPES.get(suffix, found.media_type)
    reply = reply_to(str(request.method), request.headers, sha256=sha256, size=found.size, media_type=media_type)
    ticket = request.headers.get(HEADER)
    asker = admitted(ticket, blob=sha256, at=clock.now()).asker if ticket else None
    response: HttpResponseBase
    if asker is not None and not has_place(asker):
        response = HttpResponse(status=429, headers={"Retry-After": "10"})
    elif reply.status == 304:
        response = HttpResponseNotModified()
    elif reply.span is None:
        response = HttpResponse(status=reply.status)
    elif asker is None and is_on() and may_be_sent_on(request.headers) and not store.on_disk(sha256):
        return _sent_on(sha256)
    else:
        response = StreamingHttpResponse(_pieces(request, sha256, reply.span, asker), status=reply.status)
    if asker is not None and settings.ACCEL_PREFIX and settings.SERVE_BYTES:
        response["X-Accel-Limit-Rate"] = str(settings.SERVE_BYTES)  # of each asker: nginx sends the bytes
    for label, value in reply.headers.items():
        response[label] = value
    return response


blob.door = "public"  # type: ignore[attr-defined]  # people.access marks doors, but people stand above the flow


def _sent_on(sha256: str) -> HttpResponse:
    """To the storage itself. A range is asked for again there, by whoever follows; the address is nobody else's to keep."""
    response = HttpResponse(status=307)
    response["Location"] = bucket().address(sha256)
    response["Cache-Control"] = "no-store"
    return response


def _pieces(request: HttpRequest, sha256: str, span: Span, asker: UUID | None) -> Iterator[bytes] | AsyncIterator[bytes]:
    """The kind of iterator the server at hand streams without reading the file into memory first. `asker`: a sibling of ours."""
    made = store.pieces(sha256, span.first, span.length, CHUNK if asker is None else PACED_CHUNK)
    if hasattr(request, "scope"):
        return _in_threads(made) if asker is None else paced_async(_in_threads(made), asker)
    return made if asker is None else paced(made, asker)


async def _in_threads(made: Generator[bytes]) -> AsyncIterator[bytes]:
    try:
        while (piece := await asyncio.to_thread(next, made, None)) is not None:
            yield piece
    finally:
        with suppress(ValueError):  # who asked has gone while a thread still reads: the file is closed when that is done
            made.close()
