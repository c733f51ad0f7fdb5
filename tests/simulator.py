"""A small world in one process: machines with a database, a HOME, a key and a clock of their own, and lines that lose things.

`with machine.here():` makes everything inside run on that machine: the real code on a real SQLite file. A `LossyLine` is the
transport under the real httpx client; what happens to each request is decided by the test. No sockets, no sleeping.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
import msgspec
from django.core.management import call_command
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test import override_settings

from yuanjiao.flow.journal import door
from yuanjiao.flow.journal.ship import Shipper
from yuanjiao.flow.nodes.commands import ensure_self, issue_code
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.join import answer_question, join
from yuanjiao.flow.wire.signing import SERVER_TIME
from yuanjiao.lib.errors import Unavailable, YuanjiaoError
from yuanjiao.ui.middleware import status_of

KINDS = {"centre": "centre", "edge": "edge", "site": "site"}


class World:
    """The true time, and the empty database every machine starts from."""

    def __init__(self, folder: Path, blank: Path, at: datetime) -> None:
        self.folder, self.blank, self.now = folder, blank, at
        self.machines: dict[str, Machine] = {}

    def machine(self, name: str, role: str, *, skew_s: float = 0.0) -> Machine:
        """A new machine whose clock runs `skew_s` seconds ahead of the true time."""
        home = self.folder / name
        home.mkdir(parents=True)
        shutil.copy(self.blank, home / "yuanjiao.sqlite3")
        self.machines[name] = made = Machine(self, name, role, home, skew_s)
        return made

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def close(self) -> None:
        for machine in self.machines.values():
            machine.stop()


class Machine:
    """One node. Its memory (connection, back-off, the line's) is lost by `restart`; its disk is not."""

    def __init__(self, world: World, name: str, role: str, home: Path, skew_s: float) -> None:
        self.world, self.name, self.role, self.home, self.skew_s = world, name, role, home, skew_s
        self.free_bytes = 0
        self.line: LossyLine | None = None
        self._start()
        with self.here():
            ensure_self(at=self.now)

    @property
    def now(self) -> datetime:
        return self.world.now + timedelta(seconds=self.skew_s)

    def _start(self) -> None:
        self.connection = open_database(self.home / "yuanjiao.sqlite3")
        self.client: Line | None = None
        self.shipper = Shipper(line=self._client, chance=lambda: 0.5)

    def stop(self) -> None:
        self.connection.close()

    def restart(self) -> None:
        """Kill the process and start it again."""
        self.stop()
        self._start()

    @contextmanager
    def here(self) -> Iterator[None]:
        """Everything inside happens on this machine."""
        outside = connections["default"]
        connections["default"] = self.connection
        try:
            with override_settings(HOME=self.home, ROLE=self.role, NODE_NAME=self.name, MIN_FREE_BYTES=self.free_bytes):
                yield
        finally:
            connections["default"] = outside

    def join(self, parent: Machine, *, kind: str = "", subject_code: str = "") -> LossyLine:
        """Enrol at the parent by a code, over a line that is kept for shipping. Returns the line, so that a test can spoil it."""
        with parent.here():
            code = issue_code(kind=kind or KINDS[self.role], name=self.name, subject_code=subject_code, at=parent.now)
        self.line = LossyLine(parent)
        with self.here():
            join(line=self._client(), code=code, at=self.now)
        return self.line

    def ship(self) -> int:
        """One turn of the shipping job; a line that fails is what is being simulated, so it is no error."""
        with self.here():
            try:
                return self.shipper.turn(self.now)
            except Unavailable:
                return 0

    def node(self) -> Node:
        with self.here():
            return Node.objects.get(is_self=True)

    def _client(self) -> Line:
        if self.client is None:
            assert self.line is not None
            self.client = Line("http://parent.test", transport=self.line, now=lambda: self.now)
        return self.client

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """What this machine's doors answer to a request."""
        with self.here():
            status, content = self._answer(request, body)
        return httpx.Response(status, content=content, headers={SERVER_TIME: str(micros(self.now))})

    def _answer(self, request: httpx.Request, body: bytes) -> tuple[int, bytes]:
        if request.url.path == door.PATH:
            return door.take_in(request.url.raw_path.decode(), dict(request.headers), body, self.now)
        try:
            return 200, answer_question(body, root=b"", at=self.now)
        except YuanjiaoError as error:
            return status_of(error), msgspec.json.encode({"message": error.message})


class Fate(StrEnum):
    """What a line does to one request."""

    FINE = "fine"
    LOST = "lost"  # never arrives
    ANSWER_LOST = "answer lost"  # arrives and counts, but the sender does not learn of it
    TWICE = "twice"  # arrives, and once more
    LATE = "late"  # arrives behind the next one; the sender has long given up
    CUT = "cut"  # half of it arrives


class LossyLine(httpx.BaseTransport):
    """A line to a machine. `fates` are used up one per request; after them all is fine."""

    def __init__(self, far_end: Machine) -> None:
        self.far_end = far_end
        self.fates: deque[Fate] = deque()
        self.late: list[tuple[httpx.Request, bytes]] = []
        self.requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        self.requests += 1
        return ACTS[self.fates.popleft() if self.fates else Fate.FINE](self, request, body)

    def fine(self, request: httpx.Request, body: bytes) -> httpx.Response:
        answer = self.far_end.answer(request, body)
        while self.late:
            self.far_end.answer(*self.late.pop())
        return answer

    def lost(self, request: httpx.Request, body: bytes) -> httpx.Response:
        raise httpx.ConnectError("line cut")

    def answer_lost(self, request: httpx.Request, body: bytes) -> httpx.Response:
        self.far_end.answer(request, body)
        raise httpx.ReadTimeout("no answer")

    def twice(self, request: httpx.Request, body: bytes) -> httpx.Response:
        answer = self.far_end.answer(request, body)
        self.far_end.answer(request, body)
        return answer

    def keep_late(self, request: httpx.Request, body: bytes) -> httpx.Response:
        self.late.append((request, body))
        raise httpx.ReadTimeout("no answer")

    def cut(self, request: httpx.Request, body: bytes) -> httpx.Response:
        self.far_end.answer(request, body[: len(body) // 2])
        raise httpx.ReadError("line cut")


ACTS: dict[Fate, Callable[[LossyLine, httpx.Request, bytes], httpx.Response]] = {
    Fate.FINE: LossyLine.fine,
    Fate.LOST: LossyLine.lost,
    Fate.ANSWER_LOST: LossyLine.answer_lost,
    Fate.TWICE: LossyLine.twice,
    Fate.LATE: LossyLine.keep_late,
    Fate.CUT: LossyLine.cut,
}


def open_database(path: Path) -> DatabaseWrapper:
    """A connection to a file of its own, as the settings would make it but without waiting for the disk."""
    options: dict[str, Any] = {
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
    }
    one = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}}
    return DatabaseWrapper(connections.configure_settings(one)["default"], alias="default")


def make_blank_database(path: Path) -> Path:
    """A migrated, empty database to copy machines from."""
    outside = connections["default"]
    connections["default"] = made = open_database(path)
    try:
        call_command("migrate", verbosity=0, interactive=False)
        with made.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        made.close()
        connections["default"] = outside
    return path
