"""The door POST /blobs/pack: a signed question for many small blobs, one streamed answer (flow/blobs/pack.py). Past Django when lean.

Given is what `GET /blobs/<sha256>` gives: whatever is here, to whoever knows its digest. That the question is signed by an enrolled
node keeps strangers from making this machine work. Who reads slowly holds one of `MOST_AT_ONCE` places and never more than a piece.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from yuanjiao.flow.blobs import pack, store
from yuanjiao.flow.nodes.queries import known_node
from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, micros, verified_node
from yuanjiao.flow.wire.client import WRONG_TIME
from yuanjiao.flow.wire.signing import SERVER_TIME, read_claim
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Unavailable
from yuanjiao.lib.rsgi import GONE, Asker, Pairs, Question, target_of, whole_body

PATH = "/blobs/pack"
MEDIA_TYPE = "application/vnd.yuanjiao.pack"
MOST_AT_ONCE = 128
"""Packs on their way at a time, about half a megabyte of memory each; who comes later is told to come again."""
ASK_S, PIECE_S = 30.0, 120.0
"""How long the question may take to come in, and the asker to take one piece of the answer."""
RETRY_S = 10
Refusal = tuple[int, bytes]
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="pack")
_under_way = 0


def takes(path: str, method: str) -> bool:
    """Whether this question is for here."""
    return path == PATH and method == "POST"


def begin(target: str, headers: Mapping[str, str], body: bytes, at: datetime) -> list[str] | Refusal:
    """The names a believed node asks for, or status and reason. `headers` have lower-case names."""
    try:
        verified_node(method="POST", target=target, headers=headers, body=body, at=at, known=known_node)
        return pack.asked_in(body)
    except NotBelieved as error:
        return 401, _reason(WRONG_TIME if isinstance(error, WrongTime) else "not_believed", error.message)
    except pack.BadAsk as error:
        return 400, _reason("ask", str(error))


def pieces(names: list[str]) -> Iterator[bytes]:
    """The answer; blobs that are not here, or too large for a pack, are named as missing."""
    return pack.packed(names, _content)


def _content(name: str) -> bytes | None:
    try:
        return store.read(name, pack.LARGEST)
    except NotFound:
        return None


@csrf_exempt  # a machine without a session: the request is signed
@require_POST
def view(request: HttpRequest) -> HttpResponse:
    """The same for a server without lean doors: the whole answer at once."""
    at = clock.now()
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = request.body if len(request.body) <= pack.LONGEST_ASK else b""
    found = begin(request.get_full_path(), headers, body, at)
    told = {SERVER_TIME: str(micros(at))}
    if isinstance(found, tuple):
        return HttpResponse(found[1], status=found[0], content_type="application/json", headers=told)
    return HttpResponse(b"".join(pieces(found)), content_type=MEDIA_TYPE, headers={**told, "Content-Encoding": "identity"})


view.door = "machine"  # type: ignore[attr-defined]  # people.access marks doors, but people stand above the flow


async def door(question: Question, asker: Asker) -> None:
    """Answer, piece by piece as the asker takes them."""
    found = BUSY if _is_full() else await _begun(question, asker)
    if isinstance(found, tuple):
        _refuse(asker, found)
    elif _is_full():  # others were believed meanwhile
        _refuse(asker, BUSY)
    else:
        await _served(asker, found)


def _is_full() -> bool:
    return _under_way >= MOST_AT_ONCE


async def _served(asker: Asker, names: list[str]) -> None:
    """A place is taken by who was believed, and only while it is answered."""
    global _under_way
    _under_way += 1
    try:
        await _send(asker, names)
    finally:
        _under_way -= 1


async def _begun(question: Question, asker: Asker) -> list[str] | Refusal:
    headers = dict(question.headers.items())
    claim = read_claim(headers)
    if claim is None:
        return NOT_BELIEVED
    loop = asyncio.get_running_loop()
    if not await loop.run_in_executor(_threads, _is_known, claim.node):
        return NOT_BELIEVED
    try:
        async with asyncio.timeout(ASK_S):
            body = await whole_body(asker, headers.get("content-length"), pack.LONGEST_ASK)
    except TimeoutError:
        return 408, _reason("slow", f"请求在 {ASK_S:.0f} 秒内没有传完")
    if body is None:
        return 413, _reason("too_large", f"一次最多要 {pack.MOST} 个文件")
    return await loop.run_in_executor(_threads, _begin, target_of(question), headers, body)


def _is_known(uid: UUID) -> bool:
    """Whether a node that is believed here is named at all: proved it is only when the question is here."""
    close_old_connections()
    try:
        known = known_node(uid)
        return known is not None and known.revoked_at is None
    finally:
        close_old_connections()


def _begin(target: str, headers: Mapping[str, str], body: bytes) -> list[str] | Refusal:
    close_old_connections()
    try:
        return begin(target, headers, body, clock.now())
    finally:
        close_old_connections()


async def _send(asker: Asker, names: list[str]) -> None:
    labels = [(SERVER_TIME, str(micros(clock.now()))), ("content-type", MEDIA_TYPE), ("content-encoding", "identity")]
    stream = asker.response_stream(200, labels)
    try:
        async for piece in _read(pieces(names)):
            async with asyncio.timeout(PIECE_S):
                await stream.send_bytes(piece)
    except (*GONE, TimeoutError, Unavailable):
        return  # who asked has hung up, or takes nothing; or our storage is away: what it has is whole, it will ask again


async def _read(made: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Files are read in threads: a disk that is slow must not hold up the other doors."""
    loop = asyncio.get_running_loop()
    while (piece := await loop.run_in_executor(_threads, next, made, None)) is not None:
        yield piece


def _refuse(asker: Asker, refusal: Refusal) -> None:
    status, content = refusal
    labels: Pairs = [(SERVER_TIME, str(micros(clock.now()))), ("content-type", "application/json")]
    if status == 429:
        labels.append(("retry-after", str(RETRY_S + secrets.randbelow(2 * RETRY_S + 1))))
    asker.response_bytes(status, labels, content)


def _reason(name: str, message: str) -> bytes:
    return msgspec.json.encode({"error": name, "message": message})


BUSY: Refusal = 429, _reason("busy", "同时取文件的节点过多，请稍后再来")
NOT_BELIEVED: Refusal = 401, _reason("not_believed", "请求未带有效的节点签名：请先登记本节点")
