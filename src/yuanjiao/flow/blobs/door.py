"""The lean door of media: blobs asked for by name and suffix (`/blobs/<sha256>.mp4`), past Django; the server sends the bytes itself.

The suffix says the type, the name says the content: nothing needs to be looked up. Blobs without a suffix go to the view.
"""

from __future__ import annotations

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.bucket import is_on
from yuanjiao.flow.blobs.ranges import Span
from yuanjiao.flow.blobs.serving import reply_to
from yuanjiao.lib.rsgi import Asker, Pairs, Question

PREFIX = "/blobs/"
ASKED = {"range": "Range", "if-range": "If-Range", "if-none-match": "If-None-Match"}


def takes(path: str, method: str) -> bool:
    """Whether this question is for here. Of blobs in a bucket the server has no files to send: the view answers."""
    if is_on():
        return False
    name = path[len(PREFIX) :]
    return path.startswith(PREFIX) and method in {"GET", "HEAD"} and store.is_name(name[:64]) and name[64:] in store.MEDIA_TYPES


async def door(question: Question, asker: Asker) -> None:
    """Answer as flow/blobs/serving.py says."""
    name, sent = question.path[len(PREFIX) :], question.headers
    headers = {label: value for key, label in ASKED.items() if (value := sent.get(key))}
    path = store.path(name[:64])
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        asker.response_bytes(404, [("content-type", "text/plain; charset=utf-8")], "没有这个文件".encode())
        return
    reply = reply_to(question.method, headers, sha256=name[:64], size=size, media_type=store.MEDIA_TYPES[name[64:]])
    _answer(asker, reply.status, [(label.lower(), value) for label, value in reply.headers.items()], str(path), reply.span)


def _answer(asker: Asker, status: int, headers: Pairs, path: str, span: Span | None) -> None:
    if span is None:
        asker.response_empty(status, headers)
    elif status == 206:
        asker.response_file_range(status, headers, path, span.first, span.last + 1)  # the server counts to the byte after the last
    else:
        asker.response_file(status, headers, path)
