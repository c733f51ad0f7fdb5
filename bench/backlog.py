"""A month's backlog of one edge: entries of real kinds, sealed before the clock starts, sent over real HTTP to `yuanjiao serve`.

On SQLite, and on a PostgreSQL of its own where its programs are: there also with an intake beside the server (`yuanjiao intake`), as
where nginx hands it /journal. Half of the entries are transitions of sites, the rest play tests,
study days, an edge's checks and signs of notices, in the order in which they happened. Meanwhile a reader asks for pages, four a
second. Bytes are those of the whole requests and answers, heads included. The floor is the driver's executemany of the same payloads.

BENCH_ENTRIES: how many (200,000 unless said).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection
from django.test import Client

from bench.doors import _children, _cpu_s
from bench.journal import _insert, _per_second, _sealed
from bench.pages import build
from bench.portal import Server, _family, _first_answer, _served
from yuanjiao.flow.journal.event import Event
from yuanjiao.flow.journal.receive import Answer
from yuanjiao.flow.journal.record import encode
from yuanjiao.flow.journal.segment import Reason, Written
from yuanjiao.flow.nodes import codes
from yuanjiao.flow.nodes.commands import enrol, issue_code
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.signing import Claim, request_bytes, to_headers
from yuanjiao.learning.events import ItemShown, SessionHeld
from yuanjiao.learning.rules import SessionForm
from yuanjiao.lib import clock
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.events import Change, EdgeChecked, Finding, PlayTested, StateChanged
from yuanjiao.network.models import Edge, Site, Watermark
from yuanjiao.people.models import Account
from yuanjiao.programmes.events import NoticeArrived
from yuanjiao.simulation.processes import free_port

ROOT = Path(__file__).resolve().parent.parent
SERVER, INTAKE = "BENCH_SERVER", "BENCH_INTAKE"
ENTRIES = int(os.environ.get("BENCH_ENTRIES", "200000"))
MONTH = timedelta(days=30)
MIX = {"transition": 50, "play test": 30, "study day": 14, "check": 5, "notice": 1}
ASKED = {"sqlite": 3_000.0, "postgresql": 5_000.0}
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
ASKED_BYTES, ASKED_MS = 78.0, 300.0
PAGE_EVERY_S = 0.25
PAGES = (("/", False), ("/search/", False), ("/network/sites/", True), ("/desk/", True))
Row = dict[str, Any]


def run() -> list[Row]:
    """Entries a second, bytes of each, milliseconds of pages meanwhile; on both databases."""
    if SERVER in os.environ:
        return _here(int(os.environ[SERVER]))
    return [*_here(), *_on_postgresql(), *_on_postgresql(**{INTAKE: "1"})]


def _on_postgresql(**more: str) -> list[Row]:
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        print("PostgreSQL is not installed: its rows are skipped", file=sys.stderr)
        return []
    from tests.journeys.database import Database

    server = Database()
    try:
        server.start()
        told = {"YUANJIAO_DATABASE": server.address, SERVER: str(server.pid), **more}
        line = [sys.executable, "-m", "bench", "--one", "backlog"]
        done = subprocess.run(line, cwd=ROOT, env={**os.environ, **told}, text=True, stdout=subprocess.PIPE, check=True)
        rows: list[Row] = json.loads(done.stdout.splitlines()[-1])
        return rows
    finally:
        server.remove()


def _here(database: int = 0) -> list[Row]:
    """On this process's database; `database` is the number of its server's process, if it has one."""
    build(1200, 60)
    edge = Edge.objects.order_by("code")[0]
    month = Month(edge)
    written = month.entries(ENTRIES)
    floor = _per_second(len(written), lambda: _insert(written))
    node, key = _child(edge)
    segments = _sealed(written, node, key)
    told = {"YUANJIAO_INTAKE_ADDRESS": "http://127.0.0.1:{port}"} if INTAKE in os.environ else {}
    with _served(**told) as server, _door(server) as door:
        calm = _Reader(server.base)
        calm.ask_for(5.0)
        before = _used_s(server.pid, database)
        with _reading(server.base) as meanwhile:
            sent = _send(door.base, segments, node, key)
        used = _used_s(server.pid, database) - before + (_used_s(door.pid) if door.pid != server.pid else 0.0)
    return _rows(sent, used, floor, meanwhile.waits, calm.waits)


@contextmanager
def _door(server: Server) -> Iterator[Server]:
    """Who takes the journal: the server, or an intake beside it."""
    if INTAKE not in os.environ:
        yield server
        return
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "yuanjiao.wiring", "intake", "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        yield Server(port, process.pid, _first_answer(process, port, time.perf_counter(), "/healthz"))
    finally:
        process.terminate()
        process.wait(timeout=30)


def _rows(sent: Sent, used_s: float, floor: float, waits: Sequence[float], calm: Sequence[float]) -> list[Row]:
    vendor = connection.vendor
    name = f"backlog on {NAMES[vendor]}{', an intake beside the server' if INTAKE in os.environ else ''}"
    rate = ENTRIES / sent.took_s
    return [
        _row(f"{name}: {ENTRIES:,} entries over HTTP, applied (asked: {ASKED[vendor]:,.0f})", rate, "entries/s", floor),
        _row(f"{name}: processors of server and database, an entry", 1e6 * used_s / ENTRIES, "µs", 1e6 / floor),
        _row(f"{name}: on the wire, an entry (asked: {ASKED_BYTES:.0f})", sent.bytes / ENTRIES, "B"),
        _row(f"{name}: a page meanwhile, p95 (asked: {ASKED_MS:.0f}; floor: before it)", _p95_ms(waits), "ms", _p95_ms(calm)),
    ]


def _row(name: str, value: float, unit: str, floor: float | None = None) -> Row:
    return {"name": name, "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor else None}


def _p95_ms(waits: Sequence[float]) -> float:
    ordered = sorted(waits) or [0.0]
    return 1000 * ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]


def _used_s(server: int, database: int = 0) -> float:
    """Processor seconds of the server's processes and of the database's."""
    return sum(_cpu_s(pid) for pid in (*_family(server), *([database, *_children(database)] if database else [])))


# -- what happened in the month -----------------------------------------------------------------------------------------------


class Month:
    """What one edge and its sites recorded while nobody could be told, from a fixed seed."""

    def __init__(self, edge: Edge) -> None:
        self.draw = random.Random(7)
        self.edge, self.path = edge.code, edge.division.path
        found = Site.objects.filter(division__path__startswith=self.path).order_by("code")
        self.sites = list(found.values_list("code", "division__path"))
        self.states = dict.fromkeys((code for code, _ in self.sites), "up")
        self.items = [new_uid() for _ in range(300)]
        self.notices = [new_uid() for _ in range(8)]
        self.makers: dict[str, Callable[[datetime], Event]] = {
            "transition": self.transition,
            "play test": self.play_test,
            "study day": self.study_day,
            "check": self.check,
            "notice": self.notice,
        }

    def entries(self, count: int) -> list[Written]:
        """In the order of their times, spread over the month that ends now."""
        start = clock.now() - MONTH
        moments = sorted(start + MONTH * self.draw.random() for _ in range(count))
        kinds = self.draw.choices(list(MIX), weights=list(MIX.values()), k=count)
        return [self.written(kind, at) for kind, at in zip(kinds, moments, strict=True)]

    def written(self, kind: str, at: datetime) -> Written:
        event = self.makers[kind](at)
        return Written(at, event.KIND, encode(event))

    def site(self) -> tuple[str, str]:
        return self.draw.choice(self.sites)

    def transition(self, at: datetime) -> StateChanged:
        code, _ = self.site()
        self.states[code] = state = "down" if self.states[code] == "up" else "up"
        last = at - timedelta(seconds=150 + self.draw.random() * 5)
        told = {"last": last, "latest": last, "reason": "silence"} if state == "down" else {"last": at}
        return StateChanged(changes=[Change(code=code, state=state, at=at, **told)])

    def play_test(self, at: datetime) -> PlayTested:
        return PlayTested(uid=new_uid(), site=self.site()[0], at=at, ok=self.draw.random() > 0.02, item=str(self.draw.choice(self.items)))

    def study_day(self, at: datetime) -> SessionHeld:
        code, path = self.site()
        shown = [ItemShown(uid=uid, title="水稻病虫害绿色防治技术要点") for uid in self.draw.sample(self.items, self.draw.randint(1, 3))]
        return SessionHeld(
            uid=new_uid(), site=code, path=path, plan=None, held_at=at, minutes=self.draw.randint(30, 120), form=SessionForm.GROUP_VIEWING,
            items=shown, heads_onsite=self.draw.randint(5, 60), heads_online=self.draw.randint(0, 10), recorder=None, via="tv",
        )  # fmt: skip

    def check(self, at: datetime) -> EdgeChecked:
        value = round(self.draw.uniform(30, 90), 1)
        finding = Finding(subject=self.edge, check="temperature", ok=value < 75, at=at, value=value, unit="℃")
        return EdgeChecked(edge=self.edge, findings=[finding])

    def notice(self, at: datetime) -> NoticeArrived:
        del at
        code, path = self.site()
        return NoticeArrived(notice=self.draw.choice(self.notices), subject=code, path=path)


def _child(edge: Edge) -> tuple[Node, Ed25519PrivateKey]:
    """The edge's machine, enrolled for its own subtree."""
    at, key, uid = clock.now(), Ed25519PrivateKey.generate(), new_uid()
    public = key.public_key().public_bytes_raw()
    code = issue_code(kind="edge", name=edge.name, subject_code=edge.code, scope=edge.division.path, at=at)
    node = enrol(code=code, uid=uid, public_key=public, proof=key.sign(codes.proof_bytes(code, uid.bytes, public)), at=at)
    _heard_again(edge, node)
    return node, key


def _heard_again(edge: Edge, node: Node) -> None:
    """Its record is complete here up to a month ago; it beats again, and does so as long as the run lasts."""
    since = clock.now() - MONTH
    words = {"held_through": since, "held_at": since, "said_through": clock.now(), "said_at": clock.now() + timedelta(days=1)}
    Watermark.objects.create(observer=node.uid, edge=edge, said_seq=ENTRIES, boot_at=since - MONTH, **words)


# -- over the line ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """What sending cost: seconds by the clock, bytes both ways."""

    took_s: float
    bytes: int


def _send(base: str, segments: Sequence[bytes], node: Node, key: Ed25519PrivateKey) -> Sent:
    """One segment after the other, as the shipper does; every entry must be taken and applied."""
    moved = taken = 0
    begun = time.perf_counter()
    with httpx.Client(base_url=base, timeout=600, trust_env=False) as client:
        for segment in segments:
            answer = client.post("/journal", content=segment, headers=_signed(node, key, segment))
            told = msgspec.json.decode(answer.content, type=Answer)
            if told.reason != Reason.ACCEPTED or told.set_aside:
                raise SystemExit(f"the parent refused a real entry: {told} {_reasons()}")
            taken += told.accepted
            moved += _moved(answer)
    took = time.perf_counter() - begun
    if taken != ENTRIES:
        raise SystemExit(f"{taken} of {ENTRIES} entries were taken")
    return Sent(took, moved)


def _reasons() -> dict[str, int]:
    from yuanjiao.flow.journal.models import Unapplied

    return Counter(Unapplied.objects.values_list("reason", flat=True))


def _signed(node: Node, key: Ed25519PrivateKey, body: bytes) -> dict[str, str]:
    now = micros(datetime.now(UTC))
    message = request_bytes(method="POST", target="/journal", node=node.uid, time_us=now, clock_us=now, body=body)
    return {**to_headers(Claim(node.uid, now, now, key.sign(message))), "content-type": "application/octet-stream"}


def _moved(answer: httpx.Response) -> int:
    """Bytes of request and answer as HTTP/1.1 has them on the wire."""
    asked = answer.request
    heads = [*asked.headers.raw, *answer.headers.raw]
    lines = len(f"{asked.method} {asked.url.raw_path.decode()} HTTP/1.1\r\n\r\n") + len(f"HTTP/1.1 {answer.status_code} OK\r\n\r\n")
    return lines + sum(len(name) + len(value) + 4 for name, value in heads) + len(asked.content) + len(answer.content)


# -- pages meanwhile ----------------------------------------------------------------------------------------------------------


class _Reader:
    """One who opens pages, some of them logged in; none is kept from before (a cookie nobody knows)."""

    def __init__(self, base: str) -> None:
        staff = Client()
        staff.force_login(Account.objects.get(username="shiguan"), backend="django.contrib.auth.backends.ModelBackend")
        name = settings.SESSION_COOKIE_NAME
        cookies = {True: f"{name}={staff.cookies[name].value}", False: f"{name}=none"}
        self.pages = cycle([(path, {"cookie": cookies[staff_only]}) for path, staff_only in PAGES])
        self.client = httpx.Client(base_url=base, timeout=120, trust_env=False)
        self.waits: list[float] = []
        self.done = threading.Event()

    def ask_for(self, seconds: float) -> None:
        """Pages at a steady pace for so long, or until `done`."""
        until = time.monotonic() + seconds
        for path, headers in self.pages:
            begun = time.perf_counter()
            answer = self.client.get(path, headers=headers)
            if answer.status_code != 200:
                raise SystemExit(f"{path} answered {answer.status_code}")
            self.waits.append(time.perf_counter() - begun)
            if self.done.wait(PAGE_EVERY_S) or time.monotonic() > until:
                return


@contextmanager
def _reading(base: str) -> Iterator[_Reader]:
    """Somebody reads until the block ends."""
    reader = _Reader(base)
    thread = threading.Thread(target=reader.ask_for, args=(86_400.0,))
    thread.start()
    try:
        yield reader
    finally:
        reader.done.set()
        thread.join()
