"""A film over a bad line: an edge as it is served, beside a bare resuming httpx client on the same line; entries beside the film.

20 % of packets lost each way, 300 ms each way, 256 kbit/s, dead for two seconds in every twenty. Real processes in two network namespaces
(tests/badline/link.py). Where those are not allowed, the proxy on loopback stands in: no loss, but every cut resets the connections.
Goodput is what lies in the unfinished file after so many seconds, edge and bare client in turn; in the edge's rounds entries are told too.

BENCH_SECONDS: length of each round (120 unless said). BENCH_LOSS: share of packets lost (0.2).
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
from pathlib import Path
from typing import Any

from tests.badline.faults import Faults
from tests.badline.link import ADDRESSES, BadLink, allowed
from tests.badline.proxy import Proxy

from bench.backlog import _p95_ms
from bench.below import ROOT, Below
from bench.blobs import Stock
from bench.portal import _served
from bench.search import AT, _columns
from yuanjiao.flow.catalogue.publish import publish
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib import clock
from yuanjiao.simulation.processes import free_port

BAD = Faults(delay_s=0.3, jitter_s=0.03, loss=float(os.environ.get("BENCH_LOSS", "0.2")), rate_bps=256_000.0, cut_every_s=20.0, cut_s=2.0)
SECONDS, ROUNDS = float(os.environ.get("BENCH_SECONDS", "120")), 2
FILM_BYTES = 30_000_000
PATIENCE_S = 300.0
Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A bad line with the centre behind it: its address from below, how to run a program there, and how to spoil the line."""

    address: str
    within: Sequence[str]
    become: Callable[[Faults], None]


def run() -> list[Row]:
    """Bytes a second of a film; seconds of an entry, beside the film and without it."""
    ensure_self(at=AT)
    columns, unit = _columns()
    stock = Stock(columns[0], unit)
    publish(clock.now())
    folder = Path(tempfile.mkdtemp(prefix="yuanjiao-below-"))
    kind = "namespaces" if allowed() else "loopback proxy"
    try:
        with _between() if allowed() else _loopback() as line:
            return _measure(line, folder, stock, f"bad line ({kind})")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _row(name: str, value: float, unit: str, floor: float | None = None) -> Row:
    return {"name": name, "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor else None}


@contextmanager
def _loopback() -> Iterator[Line]:
    with _served(YUANJIAO_FOLLOW_S="86400") as server, Proxy(server.port) as proxy:
        yield Line(proxy.address, (), lambda faults: setattr(proxy, "faults", faults))


@contextmanager
def _between() -> Iterator[Line]:
    """The centre at one end of the line; the other end is for what is below."""
    with BadLink() as link:
        port = free_port()
        line = link.inside(0, sys.executable, "-m", "yuanjiao.wiring", "serve", "--host", "0.0.0.0", "--port", str(port), "--no-worker")
        environment = {**os.environ, "YUANJIAO_FOLLOW_S": "86400", "YUANJIAO_HOSTS": ADDRESSES[0]}
        process = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL)
        try:
            address = f"http://{ADDRESSES[0]}:{port}"
            asking = link.inside(1, sys.executable, "-c", "import httpx, sys; httpx.get(sys.argv[1], timeout=30)", f"{address}/readyz")
            _until("the centre", lambda: subprocess.run(asking, check=False, capture_output=True).returncode == 0)
            yield Line(address, link.inside(1), link.become)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _until(what: str, condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"{what}: not within {PATIENCE_S:.0f} s")
        time.sleep(0.1)


def _measure(line: Line, folder: Path, stock: Stock, name: str) -> list[Row]:
    below = Below(folder / "edge", line.address, within=line.within)
    first, _ = stock.offer(1, 1000)
    below.follow(first, 60.0)
    line.become(BAD)
    with below.serving():
        calm = _told(below)
    _, (film,) = stock.offer(1, FILM_BYTES)
    ours, bare, waits = [], [], []
    for _ in range(ROUNDS):
        with below.serving():
            ours.append(_goodput(below.part(film), lambda: waits.extend(_told(below))))
        bare.append(_bare(line, film, folder / "bare"))
    best, floor = max(ours) / 1000, max(bare) / 1000
    return [
        _row(f"{name}: goodput of a film (asked: 0.8 of a bare resuming client)", best, "kB/s", floor),
        _row(f"{name}: the same, all rounds", sum(ours) / ROUNDS / 1000, "kB/s", sum(bare) / ROUNDS / 1000),
        _row(f"{name}: an entry beside the film, median (floor: without it)", _median(waits), "s", _median(calm)),
        _row(f"{name}: an entry beside the film, p95 (floor: without it)", _p95_ms(waits) / 1000, "s", _p95_ms(calm) / 1000),
    ]


def _median(waits: Sequence[float]) -> float:
    return sorted(waits)[len(waits) // 2]


def _told(below: Below) -> list[float]:
    """Seconds of each entry of one round."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.teller", str(SECONDS)], cwd=ROOT, env=below.environment, text=True, stdout=subprocess.PIPE, check=True
    )
    waits: list[float] = json.loads(done.stdout.splitlines()[-1])
    return waits


def _goodput(part: Path, meanwhile: Callable[[], object]) -> float:
    """Bytes a second of a file that grows, from its next byte on, for as long as `meanwhile` takes."""
    had = _size(part)
    _until("the film's next byte", lambda: _size(part) > had)
    begun, had = time.monotonic(), _size(part)
    meanwhile()
    return (_size(part) - had) / (time.monotonic() - begun)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _bare(line: Line, film: str, target: Path) -> float:
    words = [*line.within, sys.executable, "-m", "bench.barefetch", f"{line.address}/blobs/{film}", str(target), str(FILM_BYTES)]
    process = subprocess.Popen(words, cwd=ROOT)
    try:
        return _goodput(target, lambda: time.sleep(SECONDS))
    finally:
        process.kill()
        process.wait(timeout=60)
