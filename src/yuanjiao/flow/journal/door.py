"""The door POST /journal, beside Django: a signed request with one sealed segment; the answer says what is expected next. By GET
a node asks back what this machine holds of the node itself.

The body limit holds while bytes come in; the work runs in threads of its own, so that pages and beats stay quick. When a province
comes back at once, no more than `MOST_WAITING_BYTES` of bodies are here at a time: the others are told to come again before
their bodies are read. Only who names a node that is enrolled here gets a place, and keeps it no longer than `BODY_S`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from django.db import OperationalError, close_old_connections

from yuanjiao.flow.journal.keeping import segment_after
from yuanjiao.flow.journal.models import Head
from yuanjiao.flow.journal.receive import Answer, receive
from yuanjiao.flow.journal.segment import MAX_SEGMENT_BYTES, Reason
from yuanjiao.flow.nodes.commands import note_clock
from yuanjiao.flow.nodes.queries import read_node, remembered_node
from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, micros, verified_node
from yuanjiao.flow.wire.client import WRONG_TIME
from yuanjiao.flow.wire.signing import SERVER_TIME, Claim, read_claim
from yuanjiao.lib import clock
from yuanjiao.lib.errors import DiskFull, Unavailable
from yuanjiao.lib.precedence import READERS
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
MOST_WAITING_BYTES = 64 * 1024 * 1024
"""Bodies that are coming in or wait for their turn, together; a body counts with all that it may become from its first byte on."""
PLACES_OF_A_NODE = 3
"""A node sends one segment after another; whoever only knows its name must not take the room of all."""
BODY_S = 300.0
"""How long a body may take to come in: a sender that says much and sends nothing must not keep the others out."""
RETRY_S = 5
LATER = frozenset({503, 507})
"""Answers that say when to come again: between `RETRY_S` and three times as many seconds, by chance, so that not all come at once."""
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="journal")


class Waiting:
    """Room for bodies: what is held and how much there may be, in bytes. Used by one event loop only."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self._places: Counter[UUID] = Counter()

    @contextmanager
    def place(self, size: int, node: UUID) -> Iterator[bool]:
        """Hold `size` bytes inside; False when there is no room, or none more for this node, and nothing is held."""
        room = self.held + size <= self.most and self._places[node] < PLACES_OF_A_NODE
        self.held += size * room
        self._places[node] += room
        try:
            yield room
        finally:
            self.held -= size * room
            self._places[node] -= room
            self._places += Counter()  # forget who has none


_waiting = Waiting(MOST_WAITING_BYTES)


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


def hand_back(target: str, headers: Mapping[str, str], at: datetime) -> tuple[int, bytes]:
    """Status and content for one GET: the first segment of the asker's own that ends after entry `after`, as it once signed it.

    200 with the segment, 204 when there is none; nobody is told another's.
    """
    try:
        sender, _ = verified_node(method="GET", target=target, headers=headers, body=b"", at=at)
        after = parse_qs(target.partition("?")[2]).get("after", ["0"])[0]
        if not after.isdecimal() or len(after) > 18:
            return 400, _error("after", "after 应为序号")
        head = Head.objects.filter(origin=sender).select_related("origin").first()
        segment = segment_after(head, int(after)) if head is not None else None
    except NotBelieved as error:
        return 401, _error(WRONG_TIME if isinstance(error, WrongTime) else "not_believed", error.message)
    except Unavailable as error:
        return 503, _error("unavailable", error.message)
    return (204, b"") if segment is None else (200, bytes(segment.sealed))


async def door(question: Question, asker: Asker) -> None:
    """What answers at `PATH`."""
    status, content = await _answer(question, asker)
    kind = "application/octet-stream" if question.method == "GET" and status == 200 else "application/json"
    headers: Pairs = [(SERVER_TIME, str(micros(clock.now())))]
    if status == 204:
        asker.response_empty(status, headers)
        return
    headers.append(("content-type", kind))
    if status in LATER:
        headers.append(("retry-after", str(RETRY_S + secrets.randbelow(2 * RETRY_S + 1))))
    asker.response_bytes(status, headers, content)


async def _answer(question: Question, asker: Asker) -> tuple[int, bytes]:
    if question.method not in {"GET", "POST"}:
        return 405, _error("method", "日志口只收 GET 和 POST")
    headers = dict(question.headers.items())
    size = _declared(headers.get("content-length"))
    if size > MAX_SEGMENT_BYTES:
        return TOO_LARGE
    try:
        claim = read_claim(headers)
        if claim is None or not await _is_of_a_node(claim):
            return 401, _error("not_believed", "请求未带有效的节点签名：请先登记本节点")
        if question.method == "GET":
            return await asyncio.get_running_loop().run_in_executor(_threads, _hand_back, target_of(question), headers)
        with _waiting.place(size, claim.node) as room:
            return await _read_and_take(question, asker, headers) if room else BUSY
    except Exception:  # the receiving border
        log.exception("journal door")
        return 500, _error("broken", "本节点处理日志段时出错")


def _declared(length: str | None) -> int:
    """How large the body is by its header; without one it may become as large as any."""
    return int(length) if length is not None and length.isdecimal() else MAX_SEGMENT_BYTES


async def _is_of_a_node(claim: Claim) -> bool:
    """Whether a node that is believed here is named at all: proved it is only when the body is here."""
    now_s = time.monotonic()
    known = remembered_node(claim.node, now_s=now_s)
    if known is not None:
        return known.revoked_at is None
    return await asyncio.get_running_loop().run_in_executor(_threads, _is_known, claim, now_s)


def _is_known(claim: Claim, now_s: float) -> bool:
    close_old_connections()
    try:
        known = read_node(claim.node, now_s=now_s)
        return known is not None and known.revoked_at is None
    finally:
        close_old_connections()


async def _read_and_take(question: Question, asker: Asker, headers: Mapping[str, str]) -> tuple[int, bytes]:
    try:
        async with asyncio.timeout(BODY_S):
            body = await whole_body(asker, headers.get("content-length"), MAX_SEGMENT_BYTES)
    except TimeoutError:
        return 408, _error("slow", f"日志段在 {BODY_S:.0f} 秒内没有传完")
    if body is None:
        return TOO_LARGE
    return await asyncio.get_running_loop().run_in_executor(_threads, _take_in, target_of(question), headers, body)


def _take_in(target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    close_old_connections()
    try:
        with READERS.giving_way():
            return take_in(target, headers, body, clock.now())
    finally:
        close_old_connections()


def _hand_back(target: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    close_old_connections()
    try:
        return hand_back(target, headers, clock.now())
    finally:
        close_old_connections()


def _error(name: str, message: str) -> bytes:
    return msgspec.json.encode({"error": name, "message": message})


TOO_LARGE = 413, msgspec.json.encode(Answer(reason=Reason.TOO_LARGE, message="日志段过大"))
BUSY = 503, _error("busy", "等待处理的日志段过多，请稍后再送")
