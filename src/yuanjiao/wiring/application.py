"""What the server runs: the lean doors (beats, journal, media, timestamp) beside Django, and the engine started and stopped with it."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from functools import cached_property

import django

gc.disable()  # until all is loaded: nearly nothing of it is garbage, and the collector would go through it again and again
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
django.setup()

from django.conf import settings  # noqa: E402  (Django must be set up before anything of ours is imported)
from django.core.handlers.asgi import ASGIHandler  # noqa: E402

from yuanjiao.flow.blobs import door as media  # noqa: E402
from yuanjiao.flow.blobs import pack_door as packs  # noqa: E402
from yuanjiao.flow.catalogue import door as timestamp  # noqa: E402
from yuanjiao.lib.rsgi import Asker, Question  # noqa: E402
from yuanjiao.network.leases import leave  # noqa: E402
from yuanjiao.network.live import LISTENER  # noqa: E402
from yuanjiao.programmes import api as onair  # noqa: E402
from yuanjiao.programmes.commands import leave_live  # noqa: E402
from yuanjiao.wiring.bridge import pass_on  # noqa: E402
from yuanjiao.wiring.engine import Engine  # noqa: E402
from yuanjiao.wiring.front import Front  # noqa: E402
from yuanjiao.wiring.intake import INTAKE  # noqa: E402
from yuanjiao.wiring.jobs import INTAKE_JOBS, JOBS  # noqa: E402
from yuanjiao.wiring.shown import Shown  # noqa: E402

SWITCH_S = 0.001
"""A thread that has waited so long for its turn gets it: a page takes many short turns, and each would wait five times as long."""
LEAN = (media, packs, timestamp, onair)
"""Doors of many askers, past Django: each says which questions it takes."""
WATCHERS = frozenset({"/healthz", "/readyz", "/metrics"})


class Server:
    """One process of the server: what it answers, and what runs beside it. The names are those of the server's interface (RSGI)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ticking: asyncio.Task[None] | None = None

    @cached_property
    def _pages(self) -> ASGIHandler:
        """Django, made when the first question is for it: an intake process shows no pages."""
        return ASGIHandler()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        sys.setswitchinterval(SWITCH_S)
        gc.collect()
        gc.freeze()  # all that is loaded stays: the collector need not go through it again and again
        self._engine.start()
        self._ticking = loop.create_task(LISTENER.keep_ticking())

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        self._engine.stop()
        leave_live()
        leave()

    async def __rsgi__(self, question: Question, asker: Asker) -> None:
        path = question.path
        door = INTAKE.get(path)
        if door is not None:
            await door(question, asker)
        else:
            await self._behind(path, question, asker)

    async def _behind(self, path: str, question: Question, asker: Asker) -> None:
        """One more intake process: the watchers' doors, and no pages."""
        if path in WATCHERS:
            await pass_on(self._pages, question, asker)
        else:
            asker.response_bytes(404, [("content-type", "text/plain")], b"not here\n")


class Pages(Server):
    """The process that shows pages too: what many ask for by its own doors, the rest by the front to Django."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._front = Front(self._pages, stamp=Shown().stamp, static=None if settings.DEBUG else settings.STATIC_URL)

    async def _behind(self, path: str, question: Question, asker: Asker) -> None:
        for lean in LEAN:
            if lean.takes(path, question.method):
                await lean.door(question, asker)
                return
        await pass_on(self._front, question, asker)


class Trial(Server):
    """A release that is tried: what shows that it is well, and every other door closed. No job runs, so nothing is recorded or told."""

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        gc.collect()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        pass

    async def __rsgi__(self, question: Question, asker: Asker) -> None:
        if question.method == "GET" and question.path in {*WATCHERS, "/"}:
            await pass_on(self._pages, question, asker)
        else:
            asker.response_bytes(503, [("content-type", "text/plain"), ("retry-after", "60")], b"a release is being tried\n")


application = Pages(Engine(JOBS, settings.ROLE))
trial_application = Trial(Engine((), settings.ROLE))
intake_application = Server(Engine(INTAKE_JOBS, settings.ROLE))
gc.enable()
