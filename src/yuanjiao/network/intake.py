"""The door `/beat`, beside Django: one site by its key (JSON, form or GET), or a node's batch by its seal or signature.

What touches memory only is answered on the spot: a site's beat, the batch of a node that is remembered. What
needs the database (a node not remembered, a play test) runs in threads of its own. Who knocks too often is told when to come again,
and so is everybody while too many wait. Nothing that is sent here makes a 500.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import OperationalError, close_old_connections

from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import read_node, remembered_node
from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, verified_node, verified_seal
from yuanjiao.flow.wire.client import WRONG_TIME
from yuanjiao.flow.wire.sealing import SEALED, claimed_sender
from yuanjiao.flow.wire.signing import NODE, SERVER_TIME
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Forbidden, Refused, Unavailable
from yuanjiao.lib.rsgi import Asker, Pairs, Question, address_of, target_of, whole_body
from yuanjiao.network.commands import record_play_test
from yuanjiao.network.inputs import (
    MAX_BODY_BYTES,
    Heard,
    RosterUnknown,
    SiteBeat,
    TooLarge,
    hear_compact,
    hear_edge,
    hear_place,
    iso,
    place_of,
    plain_body,
    read_compact,
    read_edge_beat,
    read_site_beat,
)
from yuanjiao.network.leases import LEASES, RELAY
from yuanjiao.network.limits import PlaceLimits, SenderLimits
from yuanjiao.network.live import LISTENER, Listener
from yuanjiao.network.rules.batch import COMPACT, COMPACT_FORM, LONG_FORM, Compact

log = logging.getLogger(__name__)
PATH = "/beat"
FORM = "application/x-www-form-urlencoded"
ON_THE_SPOT_BYTES = 32 * 1024
"""A batch of this size is taken within a fraction of a millisecond; a larger one would keep the others waiting."""
MOST_UNDER_WAY = 256
"""Messages that wait for a thread; more are asked to come again."""
RETRY_S = 5
LATER = frozenset({429, 503})
SITES = PlaceLimits(every_s=1.0, burst=20)
NODES = SenderLimits(every_s=1.0, burst=30, most=50_000)
STRANGERS = SenderLimits(every_s=0.05, burst=200)
BEHIND_PROXY = bool(settings.BEHIND_PROXY)
PLAY_COST = 4.0
"""A play test is a row: four beats' worth."""
COUNTS: Counter[str] = Counter()
"""Since the start: beats taken (`site`, `edge`), batches, and refusals by reason. A handful of names."""
JSON = ("content-type", "application/json")
encode = msgspec.json.Encoder().encode
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="beat")
_under_way: set[object] = set()
Answer = tuple[int, bytes]


async def door(question: Question, asker: Asker) -> None:
    """What answers at `PATH`."""
    now_s = clock.seconds()
    status, content = await _answer(question, asker, now_s)
    headers: Pairs = [JSON, (SERVER_TIME, str(int(now_s * 1e6)))]
    if status != 200 and status in LATER:
        headers.append(("retry-after", str(msgspec.json.decode(content).get("retry_s", RETRY_S))))
    asker.response_bytes(status, headers, content)


async def _answer(question: Question, asker: Asker, now_s: float) -> Answer:
    method, headers = question.method, question.headers
    if method != "POST" and method != "GET":
        return _refused("method", 405, "心跳口只收 GET 与 POST")
    if not LISTENER.loaded_at:
        return _refused("starting", 503, "正在启动，请稍后再报")
    if method == "GET":
        body: bytes | None = question.query_string.encode()
    else:
        body = await whole_body(asker, headers.get("content-length"), MAX_BODY_BYTES)
    if body is None:
        return _refused("size", 413, "心跳内容过大")
    kind = headers.get("content-type", "")
    if kind == SEALED:
        return await _answer_node(take_sealed, question, body, claimed_sender(body))
    if signer := headers.get(NODE):
        return await _answer_node(take_batch, question, body, _uid(signer))
    form = method == "GET" or kind.startswith(FORM)
    encoding = headers.get("content-encoding", "")
    status, content, beat = take_single(LISTENER, body, encoding, form, now_s, sender=lambda: _sender(question))
    if beat is not None and beat.play is not None:
        return await _in_thread(lambda: take_play(beat, clock.now(), content))
    return status, content


async def _answer_node(take: Callable[[Question, bytes, datetime], Answer], question: Question, body: bytes, uid: UUID | None) -> Answer:
    """A batch: on the spot when the node is remembered and the batch is of ordinary size, else in a thread that may ask the database."""
    if len(body) <= ON_THE_SPOT_BYTES and uid is not None and remembered_node(uid, now_s=time.monotonic() + 1) is not None:
        return _refuse(lambda: take(question, body, clock.now()))
    return await _in_thread(lambda: take(question, body, clock.now()))


def _uid(signer: str) -> UUID | None:
    try:
        return UUID(signer)
    except ValueError:
        return None


def _known(uid: UUID) -> Node | None:
    """The node of this uid; the database is asked for whom we do not remember."""
    now_s = time.monotonic()
    return remembered_node(uid, now_s=now_s) or read_node(uid, now_s=now_s)


def _sender(question: Question) -> str:
    """Where a message comes from: the address, behind a proxy the one that the proxy saw."""
    if BEHIND_PROXY and (seen := question.headers.get("x-forwarded-for")):
        return str(seen.rsplit(",", 1)[-1].strip())
    return address_of(question.client)


def take_single(
    listener: Listener, body: bytes, encoding: str, form: bool, second: float, *, sender: Callable[[], str]
) -> tuple[int, bytes, SiteBeat | None]:
    """Status, JSON and the beat (None when it was not taken) for one site's message at `second` (since 1970 UTC).

    `sender` tells the address it came from, asked for when it is not taken.
    """
    try:
        beat = read_site_beat(plain_body(body, encoding) if encoding else body, form=form)
        array, place = listener.array, place_of(listener, beat, second)
    except Refused as error:
        return *_stranger(sender(), second, error), None
    if place is None:
        if wait := STRANGERS.take(sender(), second):
            return *_too_often(wait), None
        COUNTS["unknown"] += 1
        return 200, encode(Heard(iso(second), 0, [beat.site])), None
    if wait := SITES.take(array, len(array.keys), place, second, PLAY_COST if beat.play else 1.0):
        return *_too_often(wait), None
    hear_place(listener, beat, place, second)
    COUNTS["site"] += 1
    return 200, _taken(int(second)), beat


@lru_cache(maxsize=4)
def _taken(second: int) -> bytes:
    """The answer to a site whose beat was taken, the same for all within one second."""
    return encode(Heard(iso(second), 1, []))


def _stranger(sender: str, at: float, error: Refused) -> Answer:
    """Who does not prove itself is answered why, and more and more rarely."""
    if wait := STRANGERS.take(sender, at):
        return _too_often(wait)
    return _refused("key" if isinstance(error, Forbidden) else "body", _status(error), error.message)


def _too_often(wait: int) -> Answer:
    COUNTS["too_often"] += 1
    return 429, encode({"error": f"心跳过于频繁，请 {wait} 秒后再报", "retry_s": wait})


def _refused(reason: str, status: int, message: str) -> Answer:
    COUNTS[reason] += 1
    return status, _error(message)


def take_play(beat: SiteBeat, at: datetime, content: bytes) -> Answer:
    """Journal the play test that came with a beat; `content` is the answer when all is well."""
    if beat.play is not None:
        play, told = beat.play, beat.play.tested_at or beat.sent_at or ""
        record_play_test(site=beat.site, ok=play.ok, step=play.step, item=play.item, sent_at=told, ago_s=play.ago, at=at)
    return 200, content


def take_batch(question: Question, body: bytes, at: datetime, listener: Listener = LISTENER) -> Answer:
    """Status and JSON for one node's signed batch."""
    headers, second = dict(question.headers.items()), at.timestamp()
    try:
        target = target_of(question)
        node, offset_s = verified_node(method=question.method, target=target, headers=headers, body=body, at=at, known=_known)
    except NotBelieved as error:
        return _not_believed(question, second, error)
    kind = headers.get("content-type")
    if kind == RELAY:
        return _take_relay(node, body)
    form = COMPACT_FORM if kind == COMPACT else LONG_FORM
    return _take(listener, node, offset_s, form, body, headers.get("content-encoding", ""), second)


def take_sealed(question: Question, body: bytes, at: datetime, listener: Listener = LISTENER) -> Answer:
    """Status and JSON for one node's sealed batch."""
    second = at.timestamp()
    try:
        sealed, node, offset_s = verified_seal(body, at=at, known=_known)
    except NotBelieved as error:
        return _not_believed(question, second, error)
    return _take(listener, node, offset_s, sealed.form, sealed.content, "zstd" if sealed.packed else "", second)


def _not_believed(question: Question, second: float, error: NotBelieved) -> Answer:
    if wait := STRANGERS.take(_sender(question), second):
        return _too_often(wait)
    COUNTS["not_believed"] += 1
    return 401, encode({"error": WRONG_TIME if isinstance(error, WrongTime) else "not_believed", "message": error.message})


def _take(listener: Listener, node: Node, offset_s: float, form: int, body: bytes, encoding: str, second: float) -> Answer:
    """Take the batch of a node that has proved itself."""
    if wait := NODES.take(node.uid, second):
        return _too_often(wait)
    plain = plain_body(body, encoding)
    beat = read_compact(plain) if form == COMPACT_FORM else read_edge_beat(plain)
    if beat.node != node.uid:
        raise Forbidden("心跳所报的节点不是签名的节点")
    try:
        if isinstance(beat, Compact):
            heard = hear_compact(listener, node.subject_code, beat, second, offset_s)
        else:
            heard = hear_edge(listener, node.subject_code, beat, second, offset_s)
    except RosterUnknown as error:
        return _refused("roster", 409, error.message)
    COUNTS["edge"] += heard.accepted
    COUNTS["batch"] += 1
    COUNTS["unknown"] += len(heard.unknown)
    return 200, encode(heard)


def _take_relay(node: Node, body: bytes) -> Answer:
    """What another intake of this very machine heard."""
    if LEASES is None or not node.is_self:
        raise Forbidden("只有本机的接收进程可以转告心跳")
    told = LEASES.hear_told(body)
    COUNTS["relayed"] += told
    return 200, encode(Heard(iso(clock.now().timestamp()), told, []))


async def _in_thread(work: Callable[[], Answer]) -> Answer:
    if len(_under_way) >= MOST_UNDER_WAY:
        COUNTS["overload"] += 1
        return 503, encode({"error": "本节点正忙，请稍后再报", "retry_s": RETRY_S + secrets.randbelow(2 * RETRY_S)})
    ticket = object()
    _under_way.add(ticket)
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, _guarded, work)
    finally:
        _under_way.discard(ticket)


def _guarded(work: Callable[[], Answer]) -> Answer:
    """The receiving border of what needs the database."""
    close_old_connections()
    try:
        return _refuse(work)
    finally:
        close_old_connections()


def _refuse(work: Callable[[], Answer]) -> Answer:
    """What `work` answers; nothing that is sent here makes more than a refusal."""
    try:
        return work()
    except Refused as error:
        return _refused("key" if isinstance(error, Forbidden) else "body", _status(error), error.message)
    except (Unavailable, OperationalError) as error:
        log.warning("beat: %s", error)
        return _refused("database", 503, "数据库暂时不可用，请稍后再报")
    except Exception:
        log.exception("beat door")
        return _refused("broken", 503, "本节点处理心跳时出错，请稍后再报")


def _status(error: Refused) -> int:
    if isinstance(error, Forbidden):
        return 403
    return 413 if isinstance(error, TooLarge) else 400


def _error(message: str) -> bytes:
    return encode({"error": message})
