"""The server: the lean intake doors (`/beat`, `/journal`) beside Django, and the engine started and stopped with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
django.setup()

from django.conf import settings  # noqa: E402  (Django must be set up before anything of ours is imported)
from django.core.handlers.asgi import ASGIHandler  # noqa: E402

from yuanjiao.flow.blobs import door as media  # noqa: E402
from yuanjiao.network.leases import leave  # noqa: E402
from yuanjiao.network.live import LISTENER  # noqa: E402
from yuanjiao.wiring.engine import Engine  # noqa: E402
from yuanjiao.wiring.front import Front  # noqa: E402
from yuanjiao.wiring.intake import INTAKE  # noqa: E402
from yuanjiao.wiring.jobs import INTAKE_JOBS, JOBS  # noqa: E402
from yuanjiao.wiring.shown import Shown  # noqa: E402

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

pages = ASGIHandler()
front = Front(pages, stamp=Shown().stamp, static=None if settings.DEBUG else settings.STATIC_URL)
engine = Engine(JOBS, settings.ROLE)
intake_engine = Engine(INTAKE_JOBS, settings.ROLE)
WATCHERS = frozenset({"/healthz", "/readyz", "/metrics"})


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI entry: lifespan starts the engine, intake paths go to their lean doors, the rest by the front to Django."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send, engine)
        return
    door = INTAKE.get(scope.get("path", ""))
    if door is not None:
        await door(scope, receive, send)
    elif media.takes(scope):
        await media.door(scope, receive, send)
    else:
        await front(scope, receive, send)


async def intake_application(scope: Scope, receive: Receive, send: Send) -> None:
    """The same for one more intake process: the lean doors, the watchers' doors, and no pages."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send, intake_engine)
        return
    path = scope.get("path", "")
    if (door := INTAKE.get(path)) is not None:
        await door(scope, receive, send)
    elif path in WATCHERS:
        await pages(scope, receive, send)  # type: ignore[arg-type]  # Django asks for dict where ASGI says mapping
    else:
        await _nothing_here(send)


async def _nothing_here(send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"9")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"not here\n"})


async def _lifespan(receive: Receive, send: Send, engine: Engine) -> None:
    ticking: asyncio.Task[None] | None = None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            engine.start()
            ticking = asyncio.create_task(LISTENER.keep_ticking())
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            if ticking is not None:
                ticking.cancel()
            engine.stop()
            await asyncio.to_thread(leave)
            await send({"type": "lifespan.shutdown.complete"})
            return
