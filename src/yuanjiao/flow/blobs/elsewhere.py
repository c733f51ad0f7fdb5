"""Blobs that a parent keeps in a bucket: who asks may be sent there (307), when he says or shows that he can follow.

A machine below says so by `FOLLOWS`; one of older software does not, and is served through the parent as ever. Who follows takes
nothing along but the range: neither signature nor ticket. What came is proved as ever. Where the bucket cannot be reached from here, or
answers otherwise than it should, the parent is asked without `FOLLOWS` for a while.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Unavailable
from yuanjiao.lib.inward import leads_inward

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
FOLLOWS = "Yuanjiao-Follows"
SENT_ON = 307
TAKEN_ALONG = ("Accept-Encoding", "Range")
NOT_AGAIN_S = 600.0
"""So long, in seconds, everything comes through the parent after the bucket did not serve us."""
_not_before = 0.0


def may_be_sent_on(headers: Mapping[str, str]) -> bool:
    """Whether this asker is to be sent to the bucket. With "all" also whoever names his program: boxes and browsers do, machines do not."""
    if settings.BLOBS_S3_REDIRECT == "nobody":
        return False
    return headers.get(FOLLOWS) == "1" or (settings.BLOBS_S3_REDIRECT == "all" and bool(headers.get("User-Agent")))


@contextmanager
def parents_answer(line: Line, path: str, headers: Mapping[str, str], patience_s: float | None = None) -> Iterator[httpx.Response]:
    """The parent's answer, or that of the bucket it sends us to. `patience_s`: as of `Line.stream`."""
    if time.monotonic() < _not_before:
        with line.stream(path, headers=headers, patience_s=patience_s) as response:
            yield response
        return
    with line.stream(path, headers={**headers, FOLLOWS: "1"}, patience_s=patience_s) as response:
        if response.status_code != SENT_ON:
            yield response
            return
        where = response.headers.get("Location", "")
    with _trouble_there(), line.stream_from(_outward(where), {name: headers[name] for name in TAKEN_ALONG if name in headers}) as response:
        if response.status_code not in {200, 206}:
            raise Unavailable(f"文件存储应答 {response.status_code}，改由上级节点转给")
        yield response


def _outward(where: str) -> str:
    """The address, if it is another machine's. On a line without TLS anybody may have written the answer: what only this machine and
    its neighbours on the cable are meant to reach is not asked by us in a stranger's name. Unavailable otherwise.
    """
    try:
        told = urlsplit(where)
        inward = leads_inward(told.hostname or "", told.port or 80)
    except (OSError, ValueError):
        raise Unavailable("上级所说的文件存储地址找不到，改由上级节点转给") from None
    if inward:
        raise Unavailable("上级所说的文件存储地址指向本机或本段网线，不去；改由上级节点转给")
    return where


@contextmanager
def _trouble_there() -> Iterator[None]:
    global _not_before
    try:
        yield
    except Unavailable as error:
        log.info("the parent's storage: %s", error)
        _not_before = time.monotonic() + NOT_AGAIN_S
        raise
