"""The door `/beat`, beside Django: one site by its key (JSON, form or GET), or a node's batch by its signature.

A site's beat touches memory only and is answered on the spot; what needs the database (a signature, a play test) runs in
threads of its own. Nothing that is sent here makes a 500.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import msgspec
from django.db import OperationalError, close_old_connections

from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, micros, verified_node
from yuanjiao.flow.wire.client import WRONG_TIME
from yuanjiao.flow.wire.signing import SERVER_TIME
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Forbidden, Refused, Unavailable
from yuanjiao.network.commands import record_play_test
from yuanjiao.network.inputs import (
    MAX_BODY_BYTES,
    Heard,
    SiteBeat,
    TooLarge,
    headers_of,
    hear_edge,
    hear_site,
    iso,
    plain_body,
    read_edge_beat,
    read_site_beat,
)
from yuanjiao.network.live import LISTENER, Listener

log = logging.getLogger(__name__)
PATH = "/beat"
SIGNATURE = b"yuanjiao-signature"
FORM = b"application/x-www-form-urlencoded"
encode = msgspec.json.Encoder().encode
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="beat")
Answer = tuple[int, bytes]


async def door(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application behind `PATH`."""
    status, content = await _answer(scope, receive)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (SERVER_TIME.encode(), str(micros(clock.now())).encode()),
    ]
    if status == 503:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _answer(scope: Any, receive: Any) -> Answer:
    if scope["method"] not in {"GET", "POST"}:
        return 405, _error("心跳口只收 GET 与 POST")
    if not LISTENER.loaded_at:
        return 503, _error("正在启动，请稍后再报")
    body = scope.get("query_string", b"") if scope["method"] == "GET" else await _read(receive)
    if body is None:
        return 413, _error("心跳内容过大")
    headers = dict(scope["headers"])
    if SIGNATURE in headers:
        return await _in_thread(lambda: take_batch(scope, body, clock.now()))
    form = scope["method"] == "GET" or headers.get(b"content-type", b"").startswith(FORM)
    status, content, beat = take_single(LISTENER, body, headers.get(b"content-encoding", b"").decode("latin-1"), form, clock.now())
    if beat is not None and beat.play is not None:
        return await _in_thread(lambda: take_play(beat, clock.now(), content))
    return status, content


def take_single(listener: Listener, body: bytes, encoding: str, form: bool, at: datetime) -> tuple[int, bytes, SiteBeat | None]:
    """Status, JSON and the beat (None when it was not taken) for one site's message."""
    try:
        beat = read_site_beat(plain_body(body, encoding), form=form)
        taken = hear_site(listener, beat, at.timestamp())
    except Refused as error:
        return _status(error), _error(error.message), None
    answer = encode(Heard(iso(at.timestamp()), int(taken), [] if taken else [beat.site]))
    return 200, answer, beat if taken else None


def take_play(beat: SiteBeat, at: datetime, content: bytes) -> Answer:
    """Journal the play test that came with a beat; `content` is the answer when all is well."""
    if beat.play is not None:
        play, told = beat.play, beat.play.tested_at or beat.sent_at or ""
        record_play_test(site=beat.site, ok=play.ok, step=play.step, item=play.item, sent_at=told, ago_s=play.ago, at=at)
    return 200, content


def take_batch(scope: Any, body: bytes, at: datetime, listener: Listener = LISTENER) -> Answer:
    """Status and JSON for one node's signed batch."""
    headers = headers_of(scope["headers"])
    query = scope.get("query_string", b"").decode("latin-1")
    target = scope["path"] + (f"?{query}" if query else "")
    try:
        node, offset_s = verified_node(method=scope["method"], target=target, headers=headers, body=body, at=at)
    except NotBelieved as error:
        return 401, encode({"error": WRONG_TIME if isinstance(error, WrongTime) else "not_believed", "message": error.message})
    beat = read_edge_beat(plain_body(body, headers.get("content-encoding", "")))
    if beat.node != node.uid:
        raise Forbidden("心跳所报的节点不是签名的节点")
    return 200, encode(hear_edge(listener, node.subject_code, beat, at.timestamp(), offset_s))


async def _in_thread(work: Callable[[], Answer]) -> Answer:
    return await asyncio.get_running_loop().run_in_executor(_threads, _guarded, work)


def _guarded(work: Callable[[], Answer]) -> Answer:
    """The receiving border of what needs the database."""
    close_old_connections()
    try:
        return work()
    except Refused as error:
        return _status(error), _error(error.message)
    except (Unavailable, OperationalError) as error:
        log.warning("beat: %s", error)
        return 503, _error("数据库暂时不可用，请稍后再报")
    except Exception:
        log.exception("beat door")
        return 503, _error("本节点处理心跳时出错，请稍后再报")
    finally:
        close_old_connections()


async def _read(receive: Any) -> bytes | None:
    """The whole body, or None as soon as it is too large."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body if len(body) <= MAX_BODY_BYTES else None
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            return None
    return b"".join(parts)


def _status(error: Refused) -> int:
    if isinstance(error, Forbidden):
        return 403
    return 413 if isinstance(error, TooLarge) else 400


def _error(message: str) -> bytes:
    return encode({"error": message})
