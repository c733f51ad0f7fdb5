"""The server's own interface (RSGI) as our doors use it: a question, the way back to who asked, and the steps all doors share.

Doors that many machines knock at stand here, because each step between server and door costs as much as a beat. Django's pages speak
ASGI (wiring/bridge.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]  # public by its documentation

Pairs = list[tuple[str, str]]
GONE = (ProtocolClosed, ProtocolError)
"""Who asked has hung up."""


class Headers(Protocol):
    """Names in lower case; a value that is not visible ASCII is not there."""

    def get(self, key: str, default: Any = None) -> Any: ...
    def items(self) -> Iterable[tuple[str, str]]: ...


class Question(Protocol):
    """One request. Each look at `headers` copies them: look once."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...  # without its percent signs
    @property
    def query_string(self) -> str: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def client(self) -> str: ...  # address and port


@dataclass(frozen=True)
class Asked:
    """A question from inside this process: a simulated node, a test."""

    method: str
    path: str
    query_string: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    client: str = "127.0.0.1:1"


class Stream(Protocol):
    """The body of an answer, piece by piece; it ends when the last one who holds it lets go."""

    async def send_bytes(self, data: bytes) -> None: ...


class Asker(Protocol):
    """The body of the question, and the way back. An answer is given once; the server adds its length."""

    def __call__(self) -> Awaitable[bytes]: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def client_disconnect(self) -> None: ...
    def response_empty(self, status: int, headers: Pairs) -> None: ...
    def response_bytes(self, status: int, headers: Pairs, body: bytes) -> None: ...
    def response_file(self, status: int, headers: Pairs, file: str) -> None: ...
    def response_file_range(self, status: int, headers: Pairs, file: str, start: int, end: int) -> None: ...
    def response_stream(self, status: int, headers: Pairs) -> Stream: ...


async def whole_body(asker: Asker, length: str | None, most: int) -> bytes | None:
    """The body, or None as soon as it is larger than `most` bytes; `length` is what the header says of it.

    Of a sender that hangs up there is less, or nothing: what is taken in proves itself whole.
    """
    try:
        if length is not None and length.isdecimal():
            return await asker() if int(length) <= most else None
        return await _in_pieces(asker, most)
    except GONE:
        return b""


async def _in_pieces(asker: Asker, most: int) -> bytes | None:
    parts, size = [], 0
    async for part in asker:
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)


def target_of(question: Question) -> str:
    """The path with its query, as signatures cover it."""
    query = question.query_string
    return f"{question.path}?{query}" if query else question.path


def address_of(client: str) -> str:
    """The address without its port."""
    return client.rpartition(":")[0].strip("[]")
