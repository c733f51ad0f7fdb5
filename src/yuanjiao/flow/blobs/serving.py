"""What is answered to one question for a blob, whoever answers: Django's view or the lean door. 206, 304, 404, 416 as RFC 9110 says.

A blob may be cached for ever because its name is its content. Nothing but the listed media types is ever served as itself, so that
an uploaded file cannot run as a page of ours. With `settings.ACCEL_PREFIX` the proxy in front sends the bytes (X-Accel-Redirect).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.ranges import Span, Unsatisfiable, span_of

SAFE = frozenset(store.MEDIA_TYPES.values())


@dataclass(frozen=True)
class Reply:
    """Status and headers; `span` says which bytes follow, None that none do."""

    status: int
    headers: dict[str, str]
    span: Span | None = None


def reply_to(method: str, headers: Mapping[str, str], *, sha256: str, size: int, media_type: str) -> Reply:
    """The answer to a GET or HEAD for a blob that is here. `headers`: Range, If-Range and If-None-Match where they were sent."""
    tag = f'"{sha256}"'
    labels = _labels(tag, media_type)
    if tag in headers.get("If-None-Match", ""):
        return Reply(304, labels)
    if settings.ACCEL_PREFIX:
        return Reply(200, labels | {"X-Accel-Redirect": f"{settings.ACCEL_PREFIX}{sha256[:2]}/{sha256[2:]}"})
    try:
        span = _span(method, headers, tag, size)
    except Unsatisfiable:
        return Reply(416, labels | {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
    whole = span or Span(0, size - 1, size)
    labels["Content-Length"] = str(whole.length)
    if span:
        labels["Content-Range"] = span.content_range
    return Reply(206 if span else 200, labels, None if method == "HEAD" else whole)


def _span(method: str, headers: Mapping[str, str], tag: str, size: int) -> Span | None:
    """Ranges are for GET only, and only while the asker's copy is of this very blob (If-Range)."""
    header = headers.get("Range", "")
    if not header or method != "GET" or headers.get("If-Range", tag) != tag:
        return None
    return span_of(header, size)


def _labels(tag: str, media_type: str) -> dict[str, str]:
    safe = media_type in SAFE
    labels = {
        "Content-Type": media_type if safe else store.PLAIN,
        "X-Content-Type-Options": "nosniff",
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "public, max-age=31536000, immutable",
        # compression on the fly would break ranges and lengths; media are compressed already
        "Content-Encoding": "identity",
    }
    return labels if safe else labels | {"Content-Disposition": "attachment"}
