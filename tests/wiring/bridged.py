"""An ASGI application behind the bridge on the real server, for tests/wiring/test_bridge.py.

usage: python -m tests.wiring.bridged PORT
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from yuanjiao.wiring.bridge import pass_on

HUNG_UP: list[str] = []


async def behind(scope: Any, receive: Any, send: Any) -> None:
    """`/read` reads, `/pour` pours until the asker hangs up, `/hung-up` says who did, everything else says what was asked."""
    if scope["path"] == "/pour":
        await _pour(receive, send)
        return
    body, whole = await _body(receive) if scope["path"] == "/read" else (b"", True)
    if not whole:
        HUNG_UP.append(scope["path"])
        return
    told = {key: value for key, value in scope.items() if key in {"method", "path", "scheme", "http_version", "client", "server"}}
    told |= {"query": scope["query_string"].decode(), "host": dict(scope["headers"]).get(b"host", b"").decode(), "hung_up": HUNG_UP}
    told |= {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    content = b"" if scope["method"] == "HEAD" else json.dumps(told).encode()
    headers = [(b"content-type", b"application/json"), (b"x-name", "tücke".encode("latin-1")), (b"x-two", b"1"), (b"x-two", b"2")]
    await send({"type": "http.response.start", "status": 203, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _body(receive: Any) -> tuple[bytes, bool]:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts), False
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts), True


async def _pour(receive: Any, send: Any) -> None:
    await receive()
    gone = asyncio.create_task(receive())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while not gone.done():
        await send({"type": "http.response.body", "body": b"drop\n", "more_body": True})
        await asyncio.sleep(0.01)
    HUNG_UP.append(gone.result()["type"])


async def application(question: Any, asker: Any) -> None:
    await pass_on(behind, question, asker)


if __name__ == "__main__":
    server = Granian("tests.wiring.bridged:application", port=int(sys.argv[1]), interface=Interfaces.RSGI, websockets=False)
    server.serve()
