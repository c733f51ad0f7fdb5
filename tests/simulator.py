"""A small world in one process: machines with a database, a HOME, a key and a clock of their own, and lines that lose things.

`with machine.here():` makes everything inside run on that machine: the real code on a real SQLite file. A `LossyLine` is the
transport under the real httpx client; what happens to each request is decided by the test. No sockets, no sleeping.

A machine may die between any two of its steps (`dies_in`): a step is what lasts or is seen outside, that is a commit, a file put in
place, a question sent, an answer heard. It dies before or after it, forgets what was in its memory, and stands on what was on its disk.
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
from django.conf import UserSettingsHolder
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test import Client, override_settings

from yuanjiao.flow.catalogue.passing import pass_root_on
from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.catalogue.trust import pin_root
from yuanjiao.flow.journal import door
from yuanjiao.flow.journal.ship import Shipper
from yuanjiao.flow.nodes.commands import ensure_self, issue_code
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import signs_catalogue
from yuanjiao.flow.wire import client as wire
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.join import answer_question, join
from yuanjiao.flow.wire.signing import SERVER_TIME
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Unavailable, YuanjiaoError
from yuanjiao.ui.middleware import status_of
from yuanjiao.wiring.jobs import JOBS

RESTART_S = 0.001
KINDS = {"centre": "centre", "edge": "edge", "site": "site"}
DOWN = ("yuanjiao.flow.catalogue", "yuanjiao.flow.blobs")
COMING_DOWN = [job for job in JOBS if "edge" in job.roles and job.run.__module__.startswith(DOWN) and job.name != "sweep_blobs"]
"""What brings the catalogue and its blobs to a machine below, in the order of the table."""
settings: Any = django_settings
BROWSER = Client()
"""Its handler is loaded once; the doors of machines set no cookies."""
running: list[Machine] = []
"""The machines something runs on, the one that is running now last."""


class Death(BaseException):
    """The machine is dead; no code of ours may catch it."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine.name)
        self.machine = machine


class World:
    """The true time, and the empty database every machine starts from."""

    def __init__(self, folder: Path, blank: Path, at: datetime) -> None:
        self.folder, self.blank, self.now = folder, blank, at
        self.machines: dict[str, Machine] = {}

    def machine(self, name: str, role: str, *, skew_s: float = 0.0) -> Machine:
        """A new machine whose clock runs `skew_s` seconds ahead of the true time."""
        home = self.folder / name
        if not home.exists():  # else it was there before
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
        self.free_bytes = self.dies_in = 0
        self.line: LossyLine | None = None
        self._start()
        with self.here():
            ensure_self(at=self.now)

    @property
    def now(self) -> datetime:
        return self.world.now + timedelta(seconds=self.skew_s)

    def _start(self) -> None:
        self.connection = open_database(self.home / "yuanjiao.sqlite3")
        self._count_steps()
        self.client: Line | None = None
        self.shipper = Shipper(line=self._client, chance=lambda: 0.5)

    def stop(self) -> None:
        self.connection.close()

    def restart(self) -> None:
        """Kill the process and start it again, which takes time: no two lives of a machine sign in the same microsecond."""
        self.stop()
        self.world.pass_time(RESTART_S)
        self._start()

    def step(self) -> None:
        """Something is about to last, or has just begun to: the moment to die."""
        if self.dies_in:
            self.dies_in -= 1
            if not self.dies_in:
                raise Death(self)

    def _count_steps(self) -> None:
        commit = self.connection._commit

        def counted() -> None:
            self.step()
            commit()
            self.step()

        def alone(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            """A statement outside a transaction is its own commit."""
            if self.connection.in_atomic_block or sql.startswith("SELECT"):
                return execute(sql, params, many, context)
            self.step()
            found = execute(sql, params, many, context)
            self.step()
            return found

        self.connection._commit = counted  # type: ignore[method-assign]
        self.connection.execute_wrappers.append(alone)

    @contextmanager
    def here(self) -> Iterator[None]:
        """Everything inside happens on this machine, by its clock."""
        outside, their_now = connections["default"], clock.now
        connections["default"], clock.now = self.connection, lambda: self.now
        running.append(self)
        try:
            with self._settings():
                yield
        finally:
            running.pop()
            connections["default"], clock.now = outside, their_now

    @contextmanager
    def _settings(self) -> Iterator[None]:
        """As `override_settings`, but nobody is told: no listener is for these, and this is done a thousand times a second."""
        outside = settings._wrapped
        settings._wrapped = here = UserSettingsHolder(outside)
        here.HOME, here.ROLE, here.NODE_NAME, here.MIN_FREE_BYTES = self.home, self.role, self.name, self.free_bytes
        try:
            yield
        finally:
            settings._wrapped = outside

    def asked(self, sql: str, *values: str) -> list[Any]:
        """Rows of this machine's database, for a look from outside."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def does(self, work: Callable[[], object]) -> bool:
        """Whether it could be done; a machine that dies over it is started again."""
        try:
            with self.here():
                work()
        except Death as death:
            death.machine.restart()
            return False
        finally:
            self.dies_in = 0
        return True

    def join(self, parent: Machine, *, kind: str = "", subject_code: str = "", scope: str = "") -> LossyLine:
        """Enrol at the parent by a code, over a line that is kept for shipping. Returns the line, so that a test can spoil it."""
        with parent.here():
            code = issue_code(kind=kind or KINDS[self.role], name=self.name, subject_code=subject_code, scope=scope, at=parent.now)
        line = self.hang_on(parent)
        with self.here():
            _, root = join(line=self._client(), code=code, at=self.now)
            if root and not signs_catalogue():  # a parent without a catalogue has none to trust
                pin_root(root)
                pass_root_on(root)
        return line

    def hang_on(self, parent: Machine) -> LossyLine:
        """The line to a parent that knows us already."""
        self.line = LossyLine(parent, self)
        return self.line

    def ship(self) -> int:
        """One turn of the shipping job; a line that fails is what is being simulated, so it is no error."""
        with self.here():
            try:
                return self.shipper.turn(self.now)
            except Unavailable:
                return 0

    def come_down(self) -> list[YuanjiaoError]:
        """One turn of each job that brings the catalogue and its blobs; what it complained of."""
        told, outside = [], wire._line
        wire._line = lambda address, budget: self._client()  # type: ignore[assignment]  # the line of this process is this machine's
        try:
            with self.here(), override_settings(PARENT="http://parent.test"):
                for job in COMING_DOWN:
                    try:
                        job.run(self.now)
                    except YuanjiaoError as error:
                        told.append(error)
        finally:
            wire._line = outside
        return told

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
            if request.url.path.startswith(("/catalogue/", "/blobs/")) or request.url.path == "/time":
                return self._show(request, body)
            status, content = self._answer(request, body)
        return httpx.Response(status, content=content, headers={SERVER_TIME: str(micros(self.now))})

    def _show(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """The doors of the catalogue, of blobs and of the time, as Django answers them."""
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        found = BROWSER.generic(request.method, request.url.raw_path.decode(), body, headers=headers)
        content = b"".join(found.streaming_content) if found.streaming else found.content  # type: ignore[attr-defined]
        return httpx.Response(found.status_code, stream=_Body(content), headers=dict(found.headers))

    def _answer(self, request: httpx.Request, body: bytes) -> tuple[int, bytes]:
        if request.url.path == door.PATH and request.method == "GET":
            return door.hand_back(request.url.raw_path.decode(), dict(request.headers), self.now)
        if request.url.path == door.PATH:
            return door.take_in(request.url.raw_path.decode(), dict(request.headers), body, self.now)
        try:
            root = public_folder() / "metadata" / "root.json"
            return 200, answer_question(body, root=root.read_bytes() if root.is_file() else b"", at=self.now)
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

    def __init__(self, far_end: Machine, near_end: Machine | None = None) -> None:
        self.far_end, self.near_end = far_end, near_end
        self.fates: deque[Fate] = deque()
        self.late: list[tuple[httpx.Request, bytes]] = []
        self.requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        self.requests += 1
        self._step()
        answer = ACTS[self.fates.popleft() if self.fates else Fate.FINE](self, request, body)
        self._step()
        return answer

    def _step(self) -> None:
        if self.near_end is not None:
            self.near_end.step()

    def _reach(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """The far end answers, or dies over it and is started again."""
        try:
            return self.far_end.answer(request, body)
        except Death as death:
            if death.machine is not self.far_end:
                raise
            self.far_end.restart()
            raise httpx.ReadError("the far end died") from None

    def fine(self, request: httpx.Request, body: bytes) -> httpx.Response:
        answer = self._reach(request, body)
        while self.late:
            self._reach(*self.late.pop())
        return answer

    def lost(self, request: httpx.Request, body: bytes) -> httpx.Response:
        raise httpx.ConnectError("line cut")

    def answer_lost(self, request: httpx.Request, body: bytes) -> httpx.Response:
        self._reach(request, body)
        raise httpx.ReadTimeout("no answer")

    def twice(self, request: httpx.Request, body: bytes) -> httpx.Response:
        answer = self._reach(request, body)
        self._reach(request, body)
        return answer

    def keep_late(self, request: httpx.Request, body: bytes) -> httpx.Response:
        self.late.append((request, body))
        raise httpx.ReadTimeout("no answer")

    def cut(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """Half of what is sent arrives; of a question that sends nothing, half of the answer."""
        answer = self._reach(request, body[: len(body) // 2])
        if not isinstance(answer.stream, _Body):
            raise httpx.ReadError("line cut")
        answer.stream.cut = True
        return answer


class _Body(httpx.SyncByteStream):
    """What an answer brings; when the line is `cut`, the first half of it."""

    def __init__(self, content: bytes) -> None:
        self.content, self.cut = content, False

    def __iter__(self) -> Iterator[bytes]:
        half = len(self.content) // 2
        yield self.content[:half]
        if self.cut:
            raise httpx.ReadError("line cut")
        yield self.content[half:]


@contextmanager
def files_are_steps() -> Iterator[None]:
    """Inside, a file put in its place is a step of the machine that does it."""
    replace = Path.replace

    def counted(self: Path, target: Path) -> Path:
        if not running:
            return replace(self, target)
        running[-1].step()
        found = replace(self, target)
        running[-1].step()
        return found

    Path.replace = counted  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Path.replace = replace  # type: ignore[method-assign]


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
