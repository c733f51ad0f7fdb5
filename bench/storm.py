"""The storm of bench/liveness.py on a database server: a PostgreSQL of its own, as durable as a real one, on this machine.

Only where its programs are. Processor seconds are those of both sides; the floor is a COPY of the same rows into the same table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.doors import _children, _cpu_s
from bench.liveness import START, heard_outside, nation, storm
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.network.live import Listener

ROOT = Path(__file__).resolve().parent.parent
SERVER = "BENCH_SERVER"


def run() -> list[dict[str, Any]]:
    if SERVER in os.environ:
        return _here(int(os.environ[SERVER]))
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        return []
    from tests.journeys.database import Database

    server = Database()
    try:
        server.start()
        told = {"YUANJIAO_DATABASE": server.address, SERVER: str(server.pid)}
        line = [sys.executable, "-m", "bench", "--one", "storm"]
        done = subprocess.run(line, cwd=ROOT, env={**os.environ, **told}, text=True, stdout=subprocess.PIPE, check=True)
        rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return rows
    finally:
        server.remove()


def _here(server: int) -> list[dict[str, Any]]:
    """In a process whose database is the server's."""

    def cpu_s() -> float:
        return time.process_time() + sum(_cpu_s(pid) for pid in (server, *_children(server)))

    ensure_self(at=START)
    nation()
    listener = Listener()
    listener.reload(own_node(), top=True, now=START.timestamp())
    with heard_outside():
        rows = storm(listener, cpu_s)
    return [{**row, "name": row["name"].replace("liveness:", "storm on PostgreSQL:")} for row in rows]
