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
from yuanjiao.network.models import Edge, Lifecycle, Site
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
            rows = [_singles(folder, bare, door), *_batches(folder, bare, door, edges, keys)]
            return [*rows, _whole_nation(folder, door, edges, keys)]
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


def _per_second(told: dict[str, Any]) -> float:
    return float(told["answered"] / told["seconds"])


def _singles(folder: Path, bare: Server, door: Server) -> dict[str, Any]:
    path, keys = folder / "single", list(Site.objects.order_by("pk").values_list("code", "beat_key")[:100_000])
    bodies = (msgspec.json.encode(SiteBeat(site=code, key=key, sent_at="2026-03-02T08:00:00+00:00")) for code, key in keys)
    write_requests(path, [http_request("/beat", JSON, body) for body in bodies])
    pairs = [(_per_second(_load(bare, path)), _per_second(_load(door, path))) for _ in range(ROUNDS)]
    return _row("single beats over HTTP", max(ours for _, ours in pairs), max(floor for floor, _ in pairs), "beats/s")


def _signed(node: Node, key: Ed25519PrivateKey, body: bytes, time_us: int) -> dict[str, str]:
    message = request_bytes(method="POST", target="/beat", node=node.uid, time_us=time_us, clock_us=time_us, body=body)
    claim = Claim(node.uid, time_us, time_us, key.sign(message))
    return {**JSON, "content-encoding": "zstd", **to_headers(claim)}


def _body(node: Node, number: int, turn: int) -> bytes:
    """What one edge sends, as `network.jobs.beat_parent` makes it."""
    now = clock.now().isoformat()
    beats = [
        (f"S-{number * BATCH + place:07}", float((place * 7 + turn) % 600) / 10) for place in range(BATCH) if number * BATCH + place < SITES
    ]
    body = {"node": str(node.uid), "sent_at": now, "boot_at": now, "observed_through": now, "journal_seq": 0, "beats": beats}
    return msgspec.json.encode(body)


def _signed_requests(edges: Sequence[Edge], keys: dict[str, Ed25519PrivateKey], count: int) -> list[bytes]:
    """`count` batches, the edges in turn, each with a signature of its own."""
    nodes, now = {node.subject_code: node for node in Node.objects.exclude(subject_code="")}, micros(clock.now())
    requests = []
    for turn in range(count):
        number = turn % len(edges)
        code = edges[number].code
        body = zstandard.compress(_body(nodes[code], number, turn))
        requests.append(http_request("/beat", _signed(nodes[code], keys[code], body, now + turn), body))
    return requests


def _batches(folder: Path, bare: Server, door: Server, edges: Sequence[Edge], keys: dict[str, Ed25519PrivateKey]) -> list[dict[str, Any]]:
    """Wall clock against the floor, and beats for each CPU second of the server alone (client and server share two cores)."""
    path, plain, nodes = folder / "batch", folder / "plain", {node.subject_code: node for node in Node.objects.exclude(subject_code="")}
    write_requests(plain, [http_request("/batch", JSON, _body(nodes[edge.code], number, 0)) for number, edge in enumerate(edges[:500])])
    ours, floors, cpu = [], [], []
    for _ in range(ROUNDS):
        floors.append(_per_second(_load(bare, plain)))
        write_requests(path, _signed_requests(edges, keys, SIGNED))
        before = door.cpu_s()
        told = _load_once(door, path)
        cpu.append(told["answered"] / (door.cpu_s() - before))
        ours.append(_per_second(told))
        time.sleep(2)
    return [
        _row("beats in signed batches of 230 over HTTP", BATCH * max(ours), BATCH * max(floors), "beats/s"),
        _row("beats in signed batches for a CPU second of the server", BATCH * max(cpu), None, "beats/s"),
    ]


def _load_once(server: Server, path: Path) -> dict[str, Any]:
    """Every request of the file once: a signature is believed once."""
    line = [sys.executable, "-m", "bench.load", str(server.port), str(CONNECTIONS), "600", "0", str(path), "once"]
    told: dict[str, Any] = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    if set(told["statuses"]) != {"200"}:
        raise SystemExit(f"not every batch was answered with 200: {told}")
    return told


def _whole_nation(folder: Path, door: Server, edges: Sequence[Edge], keys: dict[str, Ed25519PrivateKey]) -> dict[str, Any]:
    """Share of one core that the whole server process takes while every edge beats once a minute, its sweep and jobs included."""
    path, rate = folder / "nation", len(edges) / 60
    write_requests(path, _signed_requests(edges, keys, int(rate * NATION_SECONDS) + 50))
    before, begun = door.cpu_s(), time.monotonic()
    _load(door, path, seconds=NATION_SECONDS, rate=rate)
    busy = (door.cpu_s() - before) / (time.monotonic() - begun)
    path.unlink()
    time.sleep(1)
    before, begun = door.cpu_s(), time.monotonic()
    time.sleep(10)
    idle = (door.cpu_s() - before) / (time.monotonic() - begun)
    name = f"{SITES:,} sites at one beat a minute: CPU of the server (floor: the same server without beats)"
    return _row(name, 100 * busy, 100 * idle, "% of a core")
