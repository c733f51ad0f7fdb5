"""The floor of the doors: an ASGI application that parses the same bodies on the same server and does nothing else.

usage: python -m bench.bare PORT
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from granian import Granian
from granian.constants import Interfaces


class SiteBeat(msgspec.Struct):
    """The fields of a site's beat."""

    site: str
    key: str = ""
    sent_at: str | None = None


class EdgeBeat(msgspec.Struct):
    """The fields of a batch."""

    node: str
    sent_at: str
    boot_at: str | None = None
    observed_through: str | None = None
    journal_seq: int = 0
    beats: list[tuple[str, float]] = []


site, edge = msgspec.json.Decoder(SiteBeat), msgspec.json.Decoder(EdgeBeat)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"14")]


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body = (await receive())["body"]
    (site if scope["path"] == "/beat" else edge).decode(body)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b'{"accepted":1}'})


if __name__ == "__main__":
    Granian("bench.bare:application", port=int(sys.argv[1]), interface=Interfaces.ASGI, blocking_threads=1, websockets=False).serve()
