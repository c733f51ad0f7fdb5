"""Django and its front behind the server: one question of the server's own interface (RSGI) told as the messages of ASGI, and back.

A body that ends before the length that was announced is told as a hang-up: half a form must not look like a whole one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any

from yuanjiao.lib.rsgi import GONE, Asker, Pairs, Question, Stream

Message = MutableMapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]
SMALL_BYTES = 1 << 18
"""A body up to this size is read at once; of a larger one the application takes piece by piece."""
VERSIONS = {"version": "3.0", "spec_version": "2.3"}


async def pass_on(application: Application, question: Question, asker: Asker) -> None:
    """Let an ASGI application answer."""
    headers = list(question.headers.items())
    length = next((value for name, value in headers if name == "content-length"), "")
    await application(_scope(question, headers), _Receive(asker, question.method, length), _Send(asker))


def _scope(question: Any, headers: Pairs) -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    if question.authority and not any(name == b"host" for name, _ in raw):
        raw.append((b"host", question.authority.encode()))  # HTTP/2 names the host apart
    return {
        "type": "http",
        "asgi": VERSIONS,
        "http_version": question.http_version,
        "method": question.method,
        "scheme": question.scheme,
        "path": question.path,
        "query_string": question.query_string.encode(),
        "root_path": "",
        "headers": raw,
        "client": _address(question.client),
        "server": _address(question.server),
    }


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() else 0


class _Receive:
    """The body, then the wait for the asker to hang up."""

    def __init__(self, asker: Asker, method: str, length: str) -> None:
        self._asker = asker
        self._left = int(length) if length.isdecimal() else None
        self._bare = self._left == 0 or (self._left is None and method in {"GET", "HEAD"})
        self._over = False
        self._parts: AsyncIterator[bytes] | None = None

    async def __call__(self) -> Message:
        if self._over:
            with suppress(*GONE):
                await self._asker.client_disconnect()
            return {"type": "http.disconnect"}
        try:
            part = b"" if self._bare else await self._next()
        except GONE:
            part = b""
        self._left = None if self._left is None else self._left - len(part)
        self._over = self._left == 0 or not part
        if self._over and self._left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": not self._over}

    async def _next(self) -> bytes:
        if self._parts is None:
            if self._left is not None and self._left <= SMALL_BYTES:
                return await self._asker()
            self._parts = aiter(self._asker)
        return await anext(self._parts, b"")


class _Send:
    """The answer: whole when it comes in one piece, else as a stream."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._status, self._headers = 500, Pairs()
        self._stream: Stream | None = None
        self._begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], _pairs(message.get("headers", ()))
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if not self._begun and not more:
            self._whole(body)
        elif not self._begun:
            self._begun, self._stream = True, self._asker.response_stream(self._status, self._headers)
        if self._stream is not None:
            await self._piece(body, more)

    def _whole(self, body: bytes) -> None:
        if body:
            self._asker.response_bytes(self._status, self._headers, body)
        else:
            self._asker.response_empty(self._status, self._headers)

    async def _piece(self, body: bytes, more: bool) -> None:
        assert self._stream is not None
        try:
            if body:
                await self._stream.send_bytes(body)
        except GONE:
            more = False  # the wait for the hang-up ends the work itself
        if not more:
            self._stream = None  # to let go of it is its end


def _pairs(headers: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """As text. The server takes visible ASCII only; Django has encoded what is more before."""
    return [(name.decode("latin-1"), value.decode("ascii", "replace").replace("\ufffd", "?")) for name, value in headers]
