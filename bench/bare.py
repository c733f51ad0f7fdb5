"""The floor of the doors: an ASGI application that parses the same bodies on the same server and does nothing else."""

from __future__ import annotations

from typing import Any

import msgspec

from yuanjiao.network.inputs import EdgeBeat, SiteBeat

site, edge = msgspec.json.Decoder(SiteBeat), msgspec.json.Decoder(EdgeBeat)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"14")]


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body = (await receive())["body"]
    (site if scope["path"] == "/beat" else edge).decode(body)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b'{"accepted":1}'})
