"""Twenty thousand active probes a minute: what their process costs, and whether each is asked in its minute.

Half are echoes, a quarter connections, a quarter web pages; one in twenty has nobody behind it. All on loopback. The floor of the cost is
the same number of bare TCP connections from one asyncio loop.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

PROBES, WARM_S, WATCH_S = 20_000, 75.0, 60.0
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
CLOSED_PORT = 9
"""Nobody listens there on loopback."""


class Village:
    """One port that takes connections and answers every web page, in a thread of its own."""

    def __init__(self) -> None:
        self.port = 0
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait(10)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await reader.read(2000):
                writer.write(PAGE)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()


def run() -> list[dict[str, Any]]:
    from yuanjiao.network.models import ManagedObject, Probe, ProbeOutcome
    from yuanjiao.places.models import Division

    village = Village()
    place = Division.objects.create(code="990101100200", name="村", path="/99/", level=1, valid_from=date(2025, 1, 1))
    site = ManagedObject.objects.create(
        kind="site", code="S-1", name="站点", division=place, lifecycle_on=date(2025, 1, 1), in_service_on=date(2025, 1, 1)
    )  # fmt: skip
    Probe.objects.bulk_create([probe(site, number, village.port) for number in range(PROBES)], batch_size=2000)
    process = subprocess.Popen([sys.executable, "-m", "yuanjiao.wiring", "probe"], env=os.environ.copy())
    try:
        time.sleep(WARM_S)
        before = cpu_s(process.pid)
        time.sleep(WATCH_S)
        share = (cpu_s(process.pid) - before) / WATCH_S
        memory = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    finally:
        process.terminate()
        process.wait(20)
    newest = ProbeOutcome.objects.order_by("-asked_at").values_list("asked_at", flat=True)[0]
    fresh = [row for row in ProbeOutcome.objects.filter(until=None) if (newest - row.asked_at).total_seconds() <= 75]
    wrong = sum(row.ok == (row.probe_id % 20 == 0) for row in fresh) / PROBES
    floor = bare(village.port)
    return [
        row("20,000 probes a minute: share of one core, own process", 100 * share, "%", 100 * floor),
        row("20,000 probes a minute: asked within their minute", 100 * len(fresh) / PROBES, "%", 100.0),
        row("20,000 probes a minute: outcomes that are wrong", 100 * wrong, "%", None),
        row("20,000 probes a minute: memory of the process", memory, "MiB", None),
    ]


def probe(site: Any, number: int, port: int) -> Any:
    """Every twentieth (by key, which counts from 1) has nobody behind it."""
    from yuanjiao.network.models import Probe

    method = ("icmp", "tcp", "icmp", "http")[number % 4]
    dead = (number + 1) % 20 == 0
    host = f"127.{1 + number // 60_000}.{number // 250 % 250}.{number % 250 + 1}" if method == "icmp" else "127.0.0.1"
    return Probe(
        object=site, method="tcp" if dead and method == "icmp" else method, host=host, port=CLOSED_PORT if dead else port, period_s=60
    )  # fmt: skip


def cpu_s(pid: int) -> float:
    """Seconds of processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare(port: int, count: int = 2000) -> float:
    """Share of one core that as many bare connections a minute would use."""

    async def connect() -> None:
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.transport.abort()

    begun = time.thread_time()
    asyncio.run(connect())
    return (time.thread_time() - begun) / count * PROBES / 60


def row(name: str, value: float, unit: str, floor: float | None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor else None}
