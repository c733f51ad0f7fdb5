"""In front of Django: public pages and static files that were made once are answered from memory, compressed, by content.

1. Kept is what says so itself (`Cache-Control: public, no-cache`: anybody may keep it but must ask whether it is still right), is a
   whole 200 that sets no cookie, and is small; and static files, for the life of the process.
2. Only askers without any cookie but the device's wishes (letters, saving, Wi-Fi, kind of box) are answered from here; whoever
   is logged in, or brings a cookie we do not know, goes to Django.
3. A page is right as long as the stamp is the one from before it was made (wiring/shown.py). That is looked up once a second.
4. Pages asked for at the same time are made once.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from yuanjiao.lib.answers import Answer, Headers, Kept

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

WISHES = frozenset({b"letters", b"saving", b"wifi", b"box"})
"""Cookies that say how a device wishes to read; pages differ by them and by nothing else."""
IGNORED = frozenset({b"csrftoken"})
STAMP_S = 1.0
LIMIT_BYTES = 48 * 2**20
LARGEST_BYTES = 2 * 2**20
OURS = frozenset({b"content-length", b"content-encoding", b"etag", b"last-modified", b"vary", b"date", b"server"})
"""Headers that are written anew for each asker."""
LONGEST_KEY = 2000
"""Bytes of a question (query, cookies, host) that are kept beside an answer; who sends more is no ordinary reader."""


class Front:
    """An ASGI application before another. `stamp` is called in a thread of its own; `static`: prefix of files that last, or None."""

    def __init__(self, behind: Application, *, stamp: Callable[[], object], static: str | None) -> None:
        self._behind, self._stamp, self._static = behind, stamp, static
        self._kept = Kept(LIMIT_BYTES)
        self._making: dict[Hashable, asyncio.Future[None]] = {}
        self._seen: tuple[object, float] = (None, 0.0)
        self._looking: asyncio.Future[object] | None = None
        self._thread = ThreadPoolExecutor(1, "front")  # one, so that one connection is enough

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _asked(scope["headers"])
        key = self._key(scope, asked)
        found = await self._right(key) if key is not None else None
        if found is None and key is not None and scope["method"] == "GET":
            found = await self._make(key, scope, receive, send)
            if found is None:
                return
        if found is None:
            await self._behind(scope, receive, send)
        else:
            await _send(found, asked, scope["method"], send)

    def _key(self, scope: Scope, asked: dict[bytes, bytes]) -> Hashable | None:
        """What an answer depends on; None where it must not be kept."""
        if scope["method"] not in {"GET", "HEAD"} or b"range" in asked or b"authorization" in asked:
            return None
        if self._static and scope["path"].startswith(self._static):
            return str(scope["path"])
        cookie = asked.get(b"cookie", b"")
        wishes = _wishes(cookie)
        place = (asked.get(b"host", b""), asked.get(b"x-forwarded-proto", b""), asked.get(b"hx-request", b""))
        if wishes is None or len(scope["query_string"]) + len(cookie) + sum(map(len, place)) > LONGEST_KEY:
            return None
        return scope["path"], scope["query_string"], place, wishes

    async def _right(self, key: Hashable) -> Answer | None:
        """A kept answer that is still right. Who finds one that is being made anew waits for it; what was never kept is not waited for."""
        found = self._kept.get(key)
        if found is None or found.lasting or found.stamp == await self._world():
            return found
        if key in self._making:
            await asyncio.shield(self._making[key])
            anew = self._kept.get(key)
            return anew if anew is not found else None  # whoever was making it failed or went away
        return None

    async def _world(self) -> object:
        """The stamp, at most a second old; asked for once, however many wait."""
        value, at = self._seen
        if value is not None and time.monotonic() - at < STAMP_S:
            return value
        if self._looking is None:
            self._looking = asyncio.get_running_loop().run_in_executor(self._thread, self._stamp)
            self._looking.add_done_callback(self._looked)
        return await asyncio.shield(self._looking)

    def _looked(self, done: asyncio.Future[object]) -> None:
        self._looking = None
        if not done.cancelled() and done.exception() is None:
            self._seen = (done.result(), time.monotonic())

    async def _make(self, key: Hashable, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        """Ask Django. What cannot be kept is passed on as it comes, and None is returned."""
        done = asyncio.get_running_loop().create_future()
        self._making[key] = done
        lasting = isinstance(key, str)
        try:
            stamp = await self._world()  # before the page is made: what is written meanwhile makes another stamp
            catcher = _Catcher(send, lasting=lasting)
            await self._behind(scope, receive, catcher)
            if catcher.passed_on or not catcher.whole:  # not whole: who asked has hung up, and Django answered nobody
                self._kept.drop(key)
                return None
            answer = Answer(catcher.headers, catcher.body(), stamp, lasting)
            self._kept.put(key, answer)
            return answer
        finally:
            done.set_result(None)
            if self._making.get(key) is done:
                del self._making[key]


class _Catcher:
    """Takes what Django sends and keeps it back, until it shows that it is nothing to keep: then everything goes on at once."""

    def __init__(self, send: Send, *, lasting: bool) -> None:
        self._send, self._lasting = send, lasting
        self._start: Message | None = None
        self._parts: list[bytes] = []
        self._zipped = False
        self.headers: Headers = []
        self.passed_on = self.whole = False

    async def __call__(self, message: Message) -> None:
        if self.passed_on:
            await self._send(message)
        elif message["type"] == "http.response.start" and self._may_keep(message):
            self._start = message
        elif self._start is not None and message["type"] == "http.response.body" and (self._lasting or not message.get("more_body")):
            self._parts.append(message.get("body", b""))
            self.whole = not message.get("more_body")
        else:
            self.passed_on = True
            if self._start is not None:
                await self._send(self._start)
            await self._send(message)

    def _may_keep(self, start: Message) -> bool:
        headers = {name.lower(): value for name, value in start["headers"]}
        packing = headers.get(b"content-encoding", b"")
        self._zipped = packing == b"gzip"
        self.headers = [*_of_all(start["headers"]), (b"vary", b"Accept-Encoding, Cookie")]
        told = headers.get(b"cache-control", b"")
        public = self._lasting or (b"public" in told and b"no-cache" in told)
        small = int(headers.get(b"content-length", b"0")) <= LARGEST_BYTES
        readable = not packing or self._zipped
        return start["status"] == 200 and public and small and readable and b"set-cookie" not in headers

    def body(self) -> bytes:
        """The whole body, unpacked where Django's own middleware had packed it."""
        whole = b"".join(self._parts)
        return gzip.decompress(whole) if self._zipped else whole


def _of_all(headers: Headers) -> Headers:
    return [(name.lower(), value) for name, value in headers if name.lower() not in OURS]


def _asked(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Each header once; one that was sent several times is joined as Django joins it, so that both see the same question."""
    asked: dict[bytes, bytes] = {}
    for name, value in headers:
        asked[name] = asked[name] + b"," + value if name in asked else value
    return asked


def _wishes(cookie: bytes) -> Hashable | None:
    """The wishes in a Cookie header; None when it holds anything else."""
    if not cookie:
        return ()
    pairs = [part.strip().partition(b"=")[::2] for part in cookie.split(b";")]
    if any(name not in WISHES and name not in IGNORED for name, _ in pairs):
        return None
    return tuple(sorted((name, value) for name, value in pairs if name in WISHES))


async def _send(answer: Answer, asked: dict[bytes, bytes], method: str, send: Send) -> None:
    status, headers, body = answer.for_asker(asked.get(b"accept-encoding", b""), asked.get(b"if-none-match", b""))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
