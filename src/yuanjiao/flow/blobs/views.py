"""The door GET /blobs/<sha256>: whole or one range of it, cacheable for ever because the name is the content.

The name may carry a suffix (.mp4, .jpg …): old boxes choose their player by it. Nothing but the listed media types is ever
served as itself, so that an uploaded file cannot run as a page of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from django.views.decorators.http import require_safe

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.ranges import Span, Unsatisfiable, span_of
from yuanjiao.lib.errors import NotFound

CHUNK = 256 * 1024
SAFE = frozenset(store.MEDIA_TYPES.values())


@require_safe
def blob(request: HttpRequest, name: str) -> HttpResponseBase:
    """The bytes of a blob; 206, 304, 404 and 416 as RFC 9110 says."""
    sha256, suffix = name[:64], name[64:]
    if suffix and suffix not in store.MEDIA_TYPES:
        raise NotFound("没有这个文件")
    found, tag = store.ref(sha256), f'"{sha256}"'
    media_type = store.MEDIA_TYPES.get(suffix, found.media_type)
    if tag in request.headers.get("If-None-Match", ""):
        return _labelled(HttpResponseNotModified(), tag, media_type)
    try:
        span = _span(request, tag, found.size)
    except Unsatisfiable:
        return _labelled(HttpResponse(status=416, headers={"Content-Range": f"bytes */{found.size}"}), tag, media_type)
    return _labelled(_body(request, store.path(sha256), span, found.size), tag, media_type)


blob.door = "public"  # type: ignore[attr-defined]  # people.access marks doors, but people stand above the flow


def _span(request: HttpRequest, tag: str, size: int) -> Span | None:
    """Ranges are for GET only, and only while the asker's copy is of this very blob (If-Range)."""
    header = request.headers.get("Range", "")
    if not header or request.method != "GET" or request.headers.get("If-Range", tag) != tag:
        return None
    return span_of(header, size)


def _body(request: HttpRequest, path: Path, span: Span | None, size: int) -> HttpResponseBase:
    response: HttpResponseBase
    whole = span or Span(0, size - 1, size)
    if request.method == "HEAD":
        response = HttpResponse()
    else:
        response = StreamingHttpResponse(_pieces(request, path, whole), status=206 if span else 200)
    if span:
        response["Content-Range"] = span.content_range
    response["Content-Length"] = str(whole.length)
    return response


def _pieces(request: HttpRequest, path: Path, span: Span) -> Iterator[bytes] | AsyncIterator[bytes]:
    """The kind of iterator the server at hand streams without reading the file into memory first."""
    return _read_async(path, span) if hasattr(request, "scope") else _read(path, span)


def _read(path: Path, span: Span) -> Iterator[bytes]:
    with open(path, "rb") as file:
        file.seek(span.first)
        left = span.length
        while left and (piece := file.read(min(CHUNK, left))):
            left -= len(piece)
            yield piece


async def _read_async(path: Path, span: Span) -> AsyncIterator[bytes]:
    file: IO[bytes] = await asyncio.to_thread(open, path, "rb")
    try:
        file.seek(span.first)
        left = span.length
        while left and (piece := await asyncio.to_thread(file.read, min(CHUNK, left))):
            left -= len(piece)
            yield piece
    finally:
        file.close()


def _labelled(response: HttpResponseBase, tag: str, media_type: str) -> HttpResponseBase:
    safe = media_type in SAFE
    response["Content-Type"] = media_type if safe else store.PLAIN
    response["ETag"] = tag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    # compression on the fly would break ranges and lengths; media are compressed already
    response["Content-Encoding"] = "identity"
    if not safe:
        response["Content-Disposition"] = "attachment"
    return response
