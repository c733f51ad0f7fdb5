"""The door POST /journal, beside Django: a signed request with one sealed segment; the answer says what is expected next.

The body limit holds while bytes come in; the work runs in threads of its own, so that pages and beats stay quick.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

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
from yuanjiao.lib.rsgi import Asker, Pairs, Question, target_of, whole_body

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


async def door(question: Question, asker: Asker) -> None:
    """What answers at `PATH`."""
    status, content = await _answer(question, asker)
    headers: Pairs = [("content-type", "application/json"), (SERVER_TIME, str(micros(clock.now())))]
    asker.response_bytes(status, headers, content)


async def _answer(question: Question, asker: Asker) -> tuple[int, bytes]:
    if question.method != "POST":
        return 405, _error("method", "日志口只收 POST")
    headers = dict(question.headers.items())
    body = await whole_body(asker, headers.get("content-length"), MAX_SEGMENT_BYTES)
    if body is None:
        return 413, msgspec.json.encode(Answer(reason=Reason.TOO_LARGE, message="日志段过大"))
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, _take_in, target_of(question), headers, body)
    except Exception:  # the receiving border
        log.exception("journal door")
        return 500, _error("broken", "本节点处理日志段时出错")


def _take_in(target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    close_old_connections()
    try:
        return take_in(target, headers, body, clock.now())
    finally:
        close_old_connections()


def _error(name: str, message: str) -> bytes:
    return msgspec.json.encode({"error": name, "message": message})
