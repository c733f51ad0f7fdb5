"""Live programmes from the machine above, passed on to every screen here: each list and segment crosses the line once (DLV20).

1. However many ask for the same thing, one question goes up; all wait for its answer. A list counts for a second, a segment for good.
2. Nothing unsigned is shown: the machine above signs what it hands to a machine below, and a list never goes back.
3. Nothing is laid on the disk: the segments of a playlist are a few megabytes, and nobody asks for older ones.
4. A segment is asked for above only when a list from there has named it: strangers cannot make this machine ask for anything.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import connection

from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.queries import parent_ahead_s, parent_node
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Tampered, Unavailable, YuanjiaoError
from yuanjiao.programmes.packaging.onair import LARGEST_SEGMENT
from yuanjiao.programmes.queries import comes_from_above

log = logging.getLogger(__name__)
SIGNED = "yuanjiao-signed"
"""The header of an answer that holds its signature."""
FRESH_S = 1.0
STALE_S = 12.0
"""So long an older list is told while the line is down: players then wait for what comes instead of giving up."""
CONNECT_S, READ_S = 3.0, 5.0
"""A line that needs longer carries no live programme."""
PATIENCE_S = 1.5
"""So long a question may be under way before who comes is told the last list instead."""
MOST_BYTES = 64 * 2**20
MOST_KEPT = 2000
FLIGHTS, MOST_FLYING = 4, 64
LIST, SEGMENT = r"(?:master|picture|sound)\.m3u8", r"[1-9][0-9]{0,8}/(?:picture|sound)-[0-9]{6,9}\.ts"
REST = re.compile(f"{LIST}|{SEGMENT}")
"""What may follow a programme's name in an address."""
SEQUENCE = re.compile(r"^#EXT-X-MEDIA-SEQUENCE:(\d+)$", re.M)


def signed_bytes(path: str, body: bytes) -> bytes:
    """What the machine above signs: the address and the digest of what lies there."""
    return b"YJL1" + path.encode() + b"\0" + hashlib.sha256(body).digest()


def signature(path: str, body: bytes) -> str:
    """The value of the header `SIGNED`, by this machine's key."""
    return base64.b64encode(keys.sign(signed_bytes(path, body))).decode()


def address(uid: UUID, rest: str) -> str:
    """Where a machine below asks for a list or segment: what lies there is signed, and no server in front sends it by itself."""
    return f"/relay/{uid}/{rest}"


@cache
def _line(parent: str) -> Line:
    """A line of its own, without the byte budget: what is on now does not wait behind tomorrow's films."""
    return Line(parent, connect_s=CONNECT_S, read_s=READ_S)


def ask_parent(path: str) -> bytes:
    """What the parent has at `path`, signed by it. NotFound, Unavailable, or Tampered when it is not the parent's word."""
    with _line(settings.PARENT).stream(path, headers={"Accept-Encoding": "identity"}) as response:
        if response.status_code == 404:
            raise NotFound("直播还没有开始，或信号还没有到")
        if response.status_code != 200:
            raise Unavailable(f"上级节点没有给出直播（{response.status_code}）")
        body = b""
        for piece in _line(settings.PARENT).pieces(response):
            body += piece
            if len(body) > LARGEST_SEGMENT:
                raise Tampered("上级给出的直播分段过大")
    parent = parent_node()
    if parent is None or not keys.verifies(bytes(parent.public_key), _decoded(response.headers.get(SIGNED, "")), signed_bytes(path, body)):
        raise Tampered("直播内容没有上级节点的签名，或签名不符")
    return body


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


class NotAnnounced(NotFound):
    """This machine knows no such programme: nothing is asked, nothing is remembered."""


@dataclass(frozen=True)
class Flight:
    """A question under way, and since when."""

    promise: Future[bytes]
    since: float


@dataclass(frozen=True)
class Named:
    """What the newest list of a rendition names, and what the one before it named: players may be a list behind."""

    sequence: int
    now: frozenset[str]
    before: frozenset[str]


@dataclass(frozen=True)
class Kept:
    """An answer and until when it counts; `good_at`: when it came, by the monotonic clock."""

    until: float
    good_at: float
    body: bytes = b""
    error: YuanjiaoError | None = None


class Relay:
    """What one process passes on. `ask` brings what lies above at a path; `now` is a clock that is never set, in seconds."""

    def __init__(self, ask: Callable[[str], bytes] = ask_parent, *, now: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._now = ask, now
        self._lists = ThreadPoolExecutor(FLIGHTS, thread_name_prefix="onair-lists")  # small, and never behind segments
        self._segments = ThreadPoolExecutor(FLIGHTS, thread_name_prefix="onair-segments")
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._flying: dict[str, Flight] = {}
        self._named: OrderedDict[UUID, dict[str, Named]] = OrderedDict()
        self._size = 0

    def wanted(self, uid: UUID, rest: str) -> Future[bytes]:
        """What lies at `rest` of a programme, now or when it has come. The future raises NotFound, Unavailable or Tampered."""
        path = address(uid, rest)
        if not REST.fullmatch(rest):
            return _done(NotFound("没有这个播放列表或分段"))
        with self._lock:
            ready = self._ready(uid, rest, path)
            if ready is not None:
                return ready
            promise: Future[bytes] = Future()
            promise.set_running_or_notify_cancel()  # many wait for it: none of them may call it off
            self._flying[path] = Flight(promise, self._now())
        pool = self._lists if _is_list(rest) else self._segments
        pool.submit(self._fly, uid, rest, promise).add_done_callback(_say_fault)
        return promise

    def _ready(self, uid: UUID, rest: str, path: str) -> Future[bytes] | None:
        """The answer when nothing need be asked; else None."""
        now, kept, flying = self._now(), self._kept.get(path), self._flying.get(path)
        if kept is not None and kept.until > now:
            return _done(kept.error or kept.body)
        if flying is not None:
            waits_long = now - flying.since > PATIENCE_S
            return _done(kept.body) if waits_long and kept is not None and _is_told_again(kept, now) else flying.promise
        if not _is_list(rest) and not self._is_named(uid, rest):
            return _done(NotFound("没有这个分段，或已经过去"))
        return _done(Unavailable("同时转播的内容太多，稍后再试")) if len(self._flying) >= MOST_FLYING else None

    def close(self, *, wait: bool = False) -> None:
        for pool in (self._lists, self._segments):
            pool.shutdown(wait=wait)

    def _fly(self, uid: UUID, rest: str, promise: Future[bytes]) -> None:
        path = address(uid, rest)
        answer = Kept(self._now() + FRESH_S, self._now(), error=Unavailable("转播出错，稍后再试"))
        try:
            answer = self._landed(uid, rest, self._asked(uid, path))
        except YuanjiaoError as error:
            answer = self._failed(path, rest, error)
        finally:  # whoever waits is answered, also when this code is at fault: then the pool's future says how
            with self._lock:
                if not isinstance(answer.error, NotAnnounced):
                    self._keep(path, answer)
                del self._flying[path]
            _settle(promise, answer.error or answer.body)

    def _asked(self, uid: UUID, path: str) -> bytes:
        try:
            if not comes_from_above(uid, at=clock.now() + timedelta(seconds=parent_ahead_s())):
                raise NotAnnounced("没有这场直播，或已经取消、结束")
            return self._ask(path)
        finally:
            connection.close()  # threads of a pool that asks a small question a second need none of their own in between

    def _landed(self, uid: UUID, rest: str, body: bytes) -> Kept:
        now = self._now()
        if not _is_list(rest):
            return Kept(float("inf"), now, body)
        text = body.decode(errors="replace")
        if rest != "master.m3u8":
            self._note_names(uid, rest, text)
        return Kept(now + FRESH_S, now, body)

    def _note_names(self, uid: UUID, rest: str, text: str) -> None:
        """What this list and the one before it name may be asked for; Tampered when it goes back behind that one."""
        found = SEQUENCE.search(text)
        sequence, names = int(found[1]) if found else 0, frozenset(line for line in text.splitlines() if line and line[0] != "#")
        with self._lock:
            lists = self._named.setdefault(uid, {})
            last = lists.get(rest, Named(0, frozenset(), frozenset()))
            if sequence < last.sequence:
                raise Tampered("上级给出的直播列表倒退了")
            if names != last.now:
                lists[rest] = Named(sequence, names, last.now)

    def _failed(self, path: str, rest: str, error: YuanjiaoError) -> Kept:
        """For a moment the failure is everybody's answer; of a dead line, where a list came a moment ago, that list."""
        now, before = self._now(), self._kept.get(path)
        if isinstance(error, Tampered):
            log.error("%s: %s", path, error.message)
        if isinstance(error, Unavailable) and before is not None and _is_told_again(before, now):
            return Kept(now + FRESH_S, before.good_at, before.body)
        return Kept(now + FRESH_S, now, error=error)

    def _is_named(self, uid: UUID, rest: str) -> bool:
        return any(rest in one.now or rest in one.before for one in self._named.get(uid, {}).values())

    def _keep(self, path: str, answer: Kept) -> None:
        if (old := self._kept.pop(path, None)) is not None:
            self._size -= len(old.body)
        self._kept[path] = answer
        self._size += len(answer.body)
        while self._size > MOST_BYTES or len(self._kept) > MOST_KEPT:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone.body)
        while len(self._named) > MOST_KEPT:
            self._named.popitem(last=False)


def _is_told_again(kept: Kept, now: float) -> bool:
    """Whether an older answer is still better than none."""
    return kept.error is None and now - kept.good_at < STALE_S


def _is_list(rest: str) -> bool:
    return rest.endswith(".m3u8")


def _done(answer: bytes | YuanjiaoError) -> Future[bytes]:
    ready: Future[bytes] = Future()
    _settle(ready, answer)
    return ready


def _settle(promise: Future[bytes], answer: bytes | YuanjiaoError) -> None:
    if isinstance(answer, bytes):
        promise.set_result(answer)
    else:
        promise.set_exception(answer)


def _say_fault(flown: Future[None]) -> None:
    if not flown.cancelled() and (fault := flown.exception()) is not None:
        log.error("passing on a live programme failed", exc_info=fault)


RELAY = Relay()
"""The one of this process."""
