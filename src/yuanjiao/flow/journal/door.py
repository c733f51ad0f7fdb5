"""The door POST /journal, beside Django: a signed request with one sealed segment; the answer says what is expected next.

The body limit holds while bytes come in; the work runs in threads of its own, so that pages and beats stay quick.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import msgspec
from django.db import OperationalError, close_old_connections

from yuanjiao.flow.journal.receive import Answer, receive
from yuanjiao.flow.journal.segment import MAX_SEGMENT_BYTES, Reason
from yuanjiao.flow.nodes.commands import note_clock
from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, micros, verified_node
from yuanjiao.flow.wire.client import WRONG_TIME
from yuanjiao.flow.wire.signing import SERVER_TIME
from yuanjiao.lib import clock
from yuanjiao.lib.errors import DiskFull, Unavailable

log = logging.getLogger(__name__)
PATH = "/journal"
STATUS = {
    Reason.ACCEPTED: 200,
    Reason.HELD: 200,
    Reason.TOO_LARGE: 413,
    Reason.CUT: 400,
    Reason.UNKNOWN_ORIGIN: 404,
    Reason.REVOKED: 403,
    Reason.GAP: 409,
    Reason.UNKNOWN_KIND: 409,
    Reason.FORGED: 422,
    Reason.BROKEN_CHAIN: 422,
    Reason.FORKED: 422,
}
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="journal")


def take_in(target: str, headers: Mapping[str, str], body: bytes, at: datetime) -> tuple[int, bytes]:
    """Status and JSON for one POST. `headers` have lower-case names, `target` is the path with its query."""
    try:
        sender, offset_s = verified_node(method="POST", target=target, headers=headers, body=body, at=at)
        note_clock(node=sender, offset_s=offset_s)
        answer = receive(body, at=at, offset_s=offset_s)
    except NotBelieved as error:
        return 401, _error(WRONG_TIME if isinstance(error, WrongTime) else "not_believed", error.message)
    except DiskFull as error:
        return 507, _error("disk_full", error.message)
    except Unavailable as error:
        return 503, _error("unavailable", error.message)
    except OperationalError as error:
        full = "full" in str(error) or "No space" in str(error)
        log.error("journal: %s", error)
        return (507, _error("disk_full", "磁盘空间不足")) if full else (503, _error("unavailable", "数据库暂时不可用"))
    return STATUS[answer.reason], msgspec.json.encode(answer)


async def door(scope: Any, receive_part: Any, send: Any) -> None:
    """The ASGI application behind `PATH`."""
    if scope["method"] != "POST":
        await _answer(send, 405, _error("method", "日志口只收 POST"))
        return
    body = await _read(receive_part)
    if body is None:
        await _answer(send, 413, msgspec.json.encode(Answer(reason=Reason.TOO_LARGE, message="日志段过大")))
        return
    query = scope.get("query_string", b"").decode("latin-1")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    target = scope["path"] + (f"?{query}" if query else "")
    try:
        status, content = await asyncio.get_running_loop().run_in_executor(_threads, _take_in, target, headers, body)
    except Exception:  # the receiving border
        log.exception("journal door")
        status, content = 500, _error("broken", "本节点处理日志段时出错")
    await _answer(send, status, content)


def _take_in(target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    close_old_connections()
    try:
        return take_in(target, headers, body, clock.now())
    finally:
        close_old_connections()


async def _read(receive_part: Any) -> bytes | None:
    """The whole body, or None as soon as it is larger than a segment may be. A sender that hangs up leaves a short body."""
    parts, size = [], 0
    while True:
        message = await receive_part()
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_SEGMENT_BYTES:
            return None
        parts.append(part)
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return b"".join(parts)


def _error(name: str, message: str) -> bytes:
    return msgspec.json.encode({"error": name, "message": message})


async def _answer(send: Any, status: int, content: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (SERVER_TIME.encode(), str(micros(clock.now())).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
