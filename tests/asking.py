"""The server's side of a door, without a socket: what is asked comes in pieces, what is answered is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from granian.rsgi import ProtocolClosed

from yuanjiao.lib.rsgi import Asked, Asker, Pairs, Question


@dataclass
class Told:
    """Stands where the server's own protocol stands. `broken`: the asker hangs up after the last piece."""

    pieces: list[bytes] = field(default_factory=list)
    broken: bool = False
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    answers: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> bytes:
        if self.broken:
            raise ProtocolClosed
        return b"".join(self.pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.pieces:
            yield self.pieces.pop(0)
        yield b""  # as the server does

    async def client_disconnect(self) -> None:
        await self.gone.wait()

    def response_empty(self, status: int, headers: Pairs) -> None:
        self.response_bytes(status, headers, b"")

    def response_bytes(self, status: int, headers: Pairs, body: bytes) -> None:
        self.status, self.headers, self.body, self.answers = status, dict(headers), body, self.answers + 1

    def response_file(self, status: int, headers: Pairs, file: str) -> None:
        self.response_bytes(status, headers, Path(file).read_bytes())

    def response_file_range(self, status: int, headers: Pairs, file: str, start: int, end: int) -> None:
        self.response_bytes(status, headers, Path(file).read_bytes()[start:end])

    def response_stream(self, status: int, headers: Pairs) -> Told:
        self.response_bytes(status, headers, b"")
        return self

    async def send_bytes(self, data: bytes) -> None:
        if self.gone.is_set():
            raise ProtocolClosed
        self.body += data


def ask(door: Callable[[Question, Asker], Awaitable[None]], question: Asked, *pieces: bytes) -> Told:
    """What the door answers to a question with this body."""
    told = Told(list(pieces))
    asyncio.run(door(question, told))  # type: ignore[arg-type]  # a coroutine, as every door is
    assert told.answers == 1
    return told
