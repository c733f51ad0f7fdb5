"""The beat door over real HTTP: `yuanjiao serve` in a process of its own, a lean client (bench/load.py) in another.

The floor is an ASGI application on the same server with the same options that parses the same bodies and does nothing else
(bench/bare.py); floor and door are measured in turn and the best of each is taken, because other work on the machine only ever slows.
The nation's row is the server's CPU time while 700,000 sites beat once a minute in 51 batches a second.

BENCH_SITES: how many sites the register has (700,000 unless said).
"""

from __future__ import annotations

import json
import os
import shutil
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

from bench.load import http_request, write_requests
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.signing import Claim, request_bytes, to_headers
from yuanjiao.lib import clock
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.commands import add_edge
from yuanjiao.network.commands.many import ObjectEntry, enter_objects
from yuanjiao.network.inputs import SiteBeat
from yuanjiao.network.jobs.parent import SMALL
from yuanjiao.network.models import Edge, Lifecycle, Site
from yuanjiao.network.rules.batch import COMPACT, Compact, pack, roster_digest, tenths_of
from yuanjiao.places.commands import add_division
from yuanjiao.simulation.processes import free_port

BATCH = 230
SITES = int(os.environ.get("BENCH_SITES", "700000"))
EDGES = -(-SITES // BATCH)
SECONDS, ROUNDS, CONNECTIONS = 3.0, 3, 8
NATION_SECONDS = 20.0
SIGNED = min(12_000, 8 * EDGES)
TICKS = os.sysconf("SC_CLK_TCK")
ON = date(2025, 1, 1)
JSON = {"content-type": "application/json"}


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
    """Edges with 230 sites each, every edge an enrolled node."""
    ensure_self(at=clock.now())
    top = add_division(code="990100000000", name="测城", parent=None, on=ON)
    first = add_edge(code="E-00000", name="边缘0", division=top, on=ON)
    entries = [_entry("edge", f"E-{number:05}", top.pk, "") for number in range(1, EDGES)]
    enter_objects(entries=entries, on=ON)
    enter_objects(entries=[_entry("site", f"S-{number:07}", top.pk, f"E-{number // BATCH:05}") for number in range(SITES)], on=ON)
    edges = [first, *Edge.objects.exclude(pk=first.pk).order_by("code")]
    keys = {edge.code: Ed25519PrivateKey.generate() for edge in edges}
    Node.objects.bulk_create([_node(edge, keys[edge.code]) for edge in edges], batch_size=500)
    return edges, keys


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


def _signed(node: Node, key: Ed25519PrivateKey, body: bytes, time_us: int) -> dict[str, str]:
    message = request_bytes(method="POST", target="/beat", node=node.uid, time_us=time_us, clock_us=time_us, body=body)
    claim = Claim(node.uid, time_us, time_us, key.sign(message))
    return to_headers(claim)


def _body(node: Node, number: int, turn: int) -> bytes:
    """What one edge sends, as `network.jobs.beat_parent` makes it; the roster comes with the first."""
    now, codes = clock.now().isoformat(), _codes(number)
    beats = [(code, float((place * 7 + turn) % 600) / 10) for place, code in enumerate(codes)]
    body = {"node": str(node.uid), "sent_at": now, "boot_at": now, "observed_through": now, "journal_seq": 0, "beats": beats}
    return msgspec.json.encode({**body, "roster": codes} if turn < EDGES else body)


def _compact(node: Node, number: int, turn: int) -> bytes:
    """What one edge sends once the roster is agreed."""
    now, ages = micros(clock.now()), (np.arange(BATCH) * 7 + turn) % 600 / 10
    return pack(Compact(node.uid, roster_digest(_codes(number)), now, now, now, 0, tenths_of(ages)))


def _codes(number: int) -> list[str]:
    return [f"S-{number * BATCH + place:07}" for place in range(BATCH) if number * BATCH + place < SITES]


def _requests(edges: Sequence[Edge], keys: dict[str, Ed25519PrivateKey], count: int, form: str) -> list[bytes]:
    """`count` batches of a form, the edges in turn, each with a signature of its own."""
    nodes, now = {node.subject_code: node for node in Node.objects.exclude(subject_code="")}, micros(clock.now())
    requests = []
    for turn in range(count):
        number = turn % len(edges)
        node, key = nodes[edges[number].code], keys[edges[number].code]
        plain = _compact(node, number, turn) if form == COMPACT else _body(node, number, turn)
        body, packed = (zstandard.compress(plain), {"content-encoding": "zstd"}) if len(plain) > SMALL else (plain, {})
        requests.append(http_request("/beat", {**_signed(node, key, body, now + turn), **packed, "content-type": form}, body))
    return requests


def _batches(folder: Path, bare: Server, door: Server, edges: Sequence[Edge], keys: dict[str, Ed25519PrivateKey]) -> list[dict[str, Any]]:
    """The long form first, which agrees the rosters; then the compact form. The floor parses the long form and does nothing else."""
    plain, nodes = folder / "plain", {node.subject_code: node for node in Node.objects.exclude(subject_code="")}
    write_requests(plain, [http_request("/batch", JSON, _body(nodes[edge.code], number, 0)) for number, edge in enumerate(edges[:500])])
    floors = [_measured(bare, lambda: _load(bare, plain)) for _ in range(ROUNDS)]
    rows = []
    for name, form in (("signed batches of 230, long form", "application/json"), ("signed batches of 230, compact form", COMPACT)):
        ours = []
        for _ in range(ROUNDS):
            path = folder / "batch"
            write_requests(path, _requests(edges, keys, SIGNED, form))
            ours.append(_measured(door, lambda path=path: _load_once(door, path)))  # type: ignore[misc]
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
    for name, form in (("long form", "application/json"), ("compact form", COMPACT)):
        write_requests(path, _requests(edges, keys, int(rate * NATION_SECONDS) + 50, form))
        busy = _busy(door, lambda: _load(door, path, seconds=NATION_SECONDS, rate=rate))
        rows.append(_row(f"{SITES:,} sites once a minute, {name}, share of a core (floor: idle)", 100 * busy, 100 * idle, "%"))
    return rows


def _busy(door: Server, work: Callable[[], object]) -> float:
    before, begun = door.cpu_s(), time.monotonic()
    work()
    return (door.cpu_s() - before) / (time.monotonic() - begun)
