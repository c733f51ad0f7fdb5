"""The beat door over real HTTP: `yuanjiao serve` in a process of its own, a lean client (bench/load.py) in another.

The floor is an ASGI application on the same server with the same options that parses the same bodies and does nothing else
(bench/bare.py); floor and door are measured in turn and the best of each is taken, because other work on the machine only ever slows.
The nation's row is the server's CPU time while 700,000 sites beat once a minute in 51 batches a second.

BENCH_SITES: how many sites the register has (700,000 unless said). A register that was built once is kept in build/.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection

from bench.load import http_request, write_requests
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.keys import own_public_key, shared_key
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.sealing import SEALED, sealed_bytes
from yuanjiao.flow.wire.signing import Claim, request_bytes, to_headers
from yuanjiao.lib import clock
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.commands import add_edge
from yuanjiao.network.commands.many import ObjectEntry, enter_objects
from yuanjiao.network.inputs import SiteBeat
from yuanjiao.network.jobs.parent import SMALL
from yuanjiao.network.models import Edge, Lifecycle, Site
from yuanjiao.network.rules.batch import COMPACT, COMPACT_FORM, LONG_FORM, Compact, pack, roster_digest, tenths_of
from yuanjiao.places.commands import add_division
from yuanjiao.simulation.processes import free_port

BATCH = 230
SITES = int(os.environ.get("BENCH_SITES", "700000"))
EDGES = -(-SITES // BATCH)
SECONDS, ROUNDS, CONNECTIONS = 3.0, 3, 8
NATION_SECONDS = 20.0
SIGNED = min(6_000, 4 * EDGES)
"""Batches of one round; an edge that sends many more is told to wait."""
TICKS = os.sysconf("SC_CLK_TCK")
ON = date(2025, 1, 1)
JSON = {"content-type": "application/json"}
BUILD = Path(__file__).resolve().parent.parent / "build"
FORMS = {
    "signed batches of 230, long form": (LONG_FORM, False),
    "signed batches of 230, compact form": (COMPACT_FORM, False),
    "sealed batches of 230, long form": (LONG_FORM, True),
    "sealed batches of 230, compact form": (COMPACT_FORM, True),
}
KINDS = {LONG_FORM: "application/json", COMPACT_FORM: COMPACT}


def run() -> list[dict[str, Any]]:
    """Single beats a second, beats in batches a second, and the share of a core that a nation takes."""
    edges, keys = _nation()
    folder = Path(tempfile.mkdtemp(prefix="yuanjiao-doors-"))
    try:
        with _bare() as bare, _served() as door:
            rows = [*_singles(folder, bare, door), *_batches(folder, bare, door, edges, keys)]
            return [*rows, *_whole_nation(folder, door, edges, keys)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Server:
    """One server under load."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """CPU seconds of the process and of the children it waited for or has."""
        return sum(_cpu_s(pid) for pid in (self.pid, *_children(self.pid)))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def _process(line: Sequence[str], ready: Callable[[], bool]) -> Iterator[int]:
    """A server process that is ended by its own id."""
    process = subprocess.Popen([sys.executable, *line], stdout=subprocess.DEVNULL)
    try:
        while not ready():
            if process.poll() is not None:
                raise SystemExit(f"{line} ended at once")
            time.sleep(0.2)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def _served() -> Iterator[Server]:
    """The real thing, with its jobs, when its register is loaded."""
    port = free_port()

    def ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/beat?site=x&key=x", timeout=30, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    with _process(["-m", "yuanjiao.wiring", "serve", "--port", str(port), "--no-worker"], ready) as pid:
        yield Server(port, pid)


@contextmanager
def _bare() -> Iterator[Server]:
    port = free_port()

    def ready() -> bool:
        try:
            return httpx.post(f"http://127.0.0.1:{port}/beat", json={"site": "x"}, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    with _process(["-m", "bench.bare", str(port)], ready) as pid:
        yield Server(port, pid)


def _nation() -> tuple[list[Edge], dict[str, Ed25519PrivateKey]]:
    """Edges with 230 sites each, every edge an enrolled node; as they were built before, unless the tables have changed since."""
    connection.ensure_connection()
    kept, own = BUILD / f"doors-{SITES}-{_schema()}.sqlite3", Path(settings.HOME) / "node.key"
    if kept.exists():
        shutil.copy(kept.with_suffix(".key"), own)
        _copy(sqlite3.connect(kept), connection.connection)
    else:
        for old in BUILD.glob(f"doors-{SITES}-*"):
            old.unlink()
        _build()
        _copy(connection.connection, sqlite3.connect(kept))
        shutil.copy(own, kept.with_suffix(".key"))
    edges = list(Edge.objects.order_by("code"))
    return edges, {edge.code: _key(edge.code) for edge in edges}


def _schema() -> str:
    """Names the migrations that made the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT app || name FROM django_migrations ORDER BY 1")
        return hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()[:12]


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    with source, target:
        source.backup(target)


def _key(code: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(code.encode()).digest())


def _build() -> None:
    ensure_self(at=clock.now())
    top = add_division(code="990100000000", name="测城", parent=None, on=ON)
    add_edge(code="E-00000", name="边缘0", division=top, on=ON)
    entries = [_entry("edge", f"E-{number:05}", top.pk, "") for number in range(1, EDGES)]
    enter_objects(entries=entries, on=ON)
    enter_objects(entries=[_entry("site", f"S-{number:07}", top.pk, f"E-{number // BATCH:05}") for number in range(SITES)], on=ON)
    Node.objects.bulk_create([_node(edge, _key(edge.code)) for edge in Edge.objects.order_by("code")], batch_size=500)


def _entry(kind: str, code: str, division: int, above: str) -> ObjectEntry:
    return ObjectEntry(kind, code, code, division, above, Lifecycle.IN_SERVICE, "", ON)


def _node(edge: Edge, key: Ed25519PrivateKey) -> Node:
    public = key.public_key().public_bytes_raw()
    return Node(uid=new_uid(), kind="edge", name=edge.name, public_key=public, subject_code=edge.code, enrolled_at=clock.now())


def _load(server: Server, path: Path, *, seconds: float = SECONDS, rate: float = 0.0) -> dict[str, Any]:
    """What the client counted; every answer must be 200."""
    line = [sys.executable, "-m", "bench.load", str(server.port), str(CONNECTIONS), str(seconds), str(rate), str(path)]
    told: dict[str, Any] = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    if set(told["statuses"]) != {"200"}:
        raise SystemExit(f"not every request was answered with 200: {told}")
    return told


def _row(name: str, value: float, floor: float | None, unit: str) -> dict[str, Any]:
    return {"name": f"doors: {name}", "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor else None}


def _singles(folder: Path, bare: Server, door: Server) -> list[dict[str, Any]]:
    path, keys = folder / "single", list(Site.objects.order_by("pk").values_list("code", "beat_key")[:100_000])
    bodies = (msgspec.json.encode(SiteBeat(site=code, key=key, sent_at="2026-03-02T08:00:00+00:00")) for code, key in keys)
    write_requests(path, [http_request("/beat", JSON, body) for body in bodies])
    floors, ours = [], []
    for _ in range(ROUNDS):
        floors.append(_measured(bare, lambda: _load(bare, path)))
        ours.append(_measured(door, lambda: _load(door, path)))
    return _rows("single beats over HTTP", 1, ours, floors)


def _measured(server: Server, load: Callable[[], dict[str, Any]]) -> tuple[float, float]:
    """Requests a second by the clock, and for a second of the server's own CPU: other work on the machine does not count there."""
    before = server.cpu_s()
    told = load()
    return told["answered"] / told["seconds"], told["answered"] / (server.cpu_s() - before)


def _rows(name: str, beats: int, ours: Sequence[tuple[float, float]], floors: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    by_clock = _row(name, beats * max(rate for rate, _ in ours), beats * max(rate for rate, _ in floors), "beats/s")
    by_cpu = _row(f"{name}, for a CPU second", beats * max(cpu for _, cpu in ours), beats * max(cpu for _, cpu in floors), "beats/s")
    return [by_clock, by_cpu]


def _sealed(node: Node, key: bytes, body: bytes, time_us: int, form: int, packed: bool) -> bytes:
    told = sealed_bytes(node=node.uid, time_us=time_us, clock_us=time_us, form=form, packed=packed, content=body, key=key)
    return http_request("/beat", {"content-type": SEALED}, told)


def _signed(node: Node, key: Ed25519PrivateKey, body: bytes, time_us: int) -> dict[str, str]:
    message = request_bytes(method="POST", target="/beat", node=node.uid, time_us=time_us, clock_us=time_us, body=body)
    claim = Claim(node.uid, time_us, time_us, key.sign(message))
    return to_headers(claim)


def _body(node: Node, number: int, turn: int) -> bytes:
    """What one edge sends, as `network.jobs.beat_parent` makes it; without the roster, which is told once (`_rosters`)."""
    now, codes = clock.now().isoformat(), _codes(number)
    beats = [(code, float((place * 7 + turn) % 600) / 10) for place, code in enumerate(codes)]
    return msgspec.json.encode({"node": str(node.uid), "sent_at": now, "boot_at": now, "observed_through": now, "beats": beats})


def _compact(node: Node, number: int, turn: int) -> bytes:
    """What one edge sends once the roster is agreed."""
    now, codes = micros(clock.now()), _codes(number)
    ages = (np.arange(len(codes)) * 7 + turn) % 600 / 10
    return pack(Compact(node.uid, roster_digest(codes), now, now, now, 0, tenths_of(ages)))


def _codes(number: int) -> list[str]:
    return [f"S-{number * BATCH + place:07}" for place in range(BATCH) if number * BATCH + place < SITES]


def _requests(edges: Sequence[Edge], keys: dict[str, Ed25519PrivateKey], count: int, form: int, sealed: bool) -> list[bytes]:
    """`count` batches of a form, the edges in turn, each with a signature or seal of its own."""
    nodes, now = _nodes(), micros(clock.now())
    shared = {code: shared_key(key.private_bytes_raw(), own_public_key(), they_send=False) for code, key in keys.items()} if sealed else {}
    requests = []
    for turn in range(count):
        number = turn % len(edges)
        code = edges[number].code
        plain = _compact(nodes[code], number, turn) if form == COMPACT_FORM else _body(nodes[code], number, turn)
        packed = len(plain) > SMALL
        body = zstandard.compress(plain) if packed else plain
        if sealed:
            requests.append(_sealed(nodes[code], shared[code], body, now + turn, form, packed))
        else:
            encoding = {"content-encoding": "zstd"} if packed else {}
            headers = {**_signed(nodes[code], keys[code], body, now + turn), **encoding, "content-type": KINDS[form]}
            requests.append(http_request("/beat", headers, body))
    return requests


def _nodes() -> dict[str, Node]:
    return {node.subject_code: node for node in Node.objects.exclude(subject_code="")}


def _rosters(edges: Sequence[Edge], keys: dict[str, Ed25519PrivateKey]) -> list[bytes]:
    """What each edge sends first: its roster."""
    nodes, now, requests = _nodes(), micros(clock.now()), []
    for number, edge in enumerate(edges):
        told = {"node": str(nodes[edge.code].uid), "sent_at": "", "roster": _codes(number)}
        body = zstandard.compress(msgspec.json.encode(told))
        headers = {**_signed(nodes[edge.code], keys[edge.code], body, now), "content-encoding": "zstd", **JSON}
        requests.append(http_request("/beat", headers, body))
    return requests


def _batches(folder: Path, bare: Server, door: Server, edges: Sequence[Edge], keys: dict[str, Ed25519PrivateKey]) -> list[dict[str, Any]]:
    """Every edge has told its roster before. The floor parses the long form and does nothing else."""
    plain, path, nodes = folder / "plain", folder / "batch", _nodes()
    write_requests(path, _rosters(edges, keys))
    _load_once(door, path)
    write_requests(plain, [http_request("/batch", JSON, _body(nodes[edge.code], number, 0)) for number, edge in enumerate(edges[:500])])
    floors = [_measured(bare, lambda: _load(bare, plain)) for _ in range(ROUNDS)]
    rows = []
    for name, (form, sealed) in FORMS.items():
        ours = []
        for _ in range(ROUNDS):
            write_requests(path, _requests(edges, keys, SIGNED, form, sealed))
            ours.append(_measured(door, lambda: _load_once(door, path)))
            time.sleep(2)
        rows += _rows(name, BATCH, ours, floors)
    return rows


def _load_once(server: Server, path: Path) -> dict[str, Any]:
    """Every request of the file once: a signature is believed once."""
    line = [sys.executable, "-m", "bench.load", str(server.port), str(CONNECTIONS), "600", "0", str(path), "once"]
    told: dict[str, Any] = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    if set(told["statuses"]) != {"200"}:
        raise SystemExit(f"not every batch was answered with 200: {told}")
    return told


def _whole_nation(folder: Path, door: Server, edges: Sequence[Edge], keys: dict[str, Ed25519PrivateKey]) -> list[dict[str, Any]]:
    """Share of one core of the whole server process, sweep and jobs included, while every edge beats once a minute, and while none does."""
    path, rate = folder / "nation", len(edges) / 60
    rows = []
    idle = _busy(door, lambda: time.sleep(NATION_SECONDS))
    for name, form in (("long form", LONG_FORM), ("compact form", COMPACT_FORM)):
        write_requests(path, _requests(edges, keys, int(rate * NATION_SECONDS) + 50, form, sealed=True))
        busy = _busy(door, lambda: _load(door, path, seconds=NATION_SECONDS, rate=rate))
        rows.append(_row(f"{SITES:,} sites once a minute, {name}, share of a core (floor: idle)", 100 * busy, 100 * idle, "%"))
    return rows


def _busy(door: Server, work: Callable[[], object]) -> float:
    before, begun = door.cpu_s(), time.monotonic()
    work()
    return (door.cpu_s() - before) / (time.monotonic() - begun)
