"""A nation's liveness: 700,000 sites behind 3,044 edges, loaded, swept, silent all at once and back; memory in a process of its own.

The register is written straight into its tables (importing it is measured in bench/register.py). No edge runs a node here: all of it is
observed by this one machine, which is the worst case.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.network.jobs import sweep
from yuanjiao.network.live import Listener
from yuanjiao.network.models import Liveness, ManagedObject, Site, StateChange
from yuanjiao.places.commands import add_division
from yuanjiao.places.models import Division

SITES, EDGES = 700_000, 3_044
START = datetime(2026, 3, 1, tzinfo=UTC)
PERIOD_S, WAIT_S = 60.0, 90.0


def run() -> list[dict[str, Any]]:
    ensure_self(at=START)
    nation()
    first = _memory_and_start()
    listener = Listener()
    loaded, _ = _timed(lambda: listener.reload(own_node(), top=True, now=START.timestamp()))
    reading = row("liveness: register of 703,044 read", loaded, _plain_read(), "s")
    with heard_outside():
        rows = storm(listener)
    return [*first, reading, *rows, *_sweeps(listener), _lag(listener)]


@contextmanager
def heard_outside() -> Iterator[None]:
    """A reference that answers: it is they who are silent."""
    with socket.create_server(("127.0.0.1", 0)) as ear:
        settings.REFERENCES = [f"127.0.0.1:{ear.getsockname()[1]}"]
        yield


def row(name: str, value: float, floor: float | None, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor else None}


def nation() -> None:
    """Edges and sites, written in bulk."""
    county = add_division(code="990100000000", name="测区", parent=None, on=date(2025, 1, 1))
    with transaction.atomic(), connection.cursor() as cursor:
        _write(cursor, ManagedObject, OBJECT, (_object(pk, county, pk) for pk in range(1, EDGES + SITES + 1)))
        _write(cursor, Site, SITE, (_site(pk) for pk in range(EDGES + 1, EDGES + SITES + 1)))


OBJECT = (
    "id",
    "uid",
    "kind",
    "code",
    "name",
    "division_id",
    "depends_on_id",
    "lifecycle",
    "lifecycle_on",
    "suspension_document",
    "in_service_on",
)
SITE = (
    "managedobject_ptr_id", "site_kind", "access_mode", "programmes", "capabilities",
    "road", "pinyin", "phone_sealed", "phone_digest", "beat_key",
)  # fmt: skip


def _write(cursor: Any, model: Any, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    """Rows straight into a table as its database takes them fastest from a driver."""
    names = f"{model._meta.db_table} ({', '.join(columns)})"
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {names} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    statement = f"INSERT INTO {names} VALUES ({', '.join(['%s'] * len(columns))})"
    while part := list(islice(rows, 10_000)):
        cursor.executemany(statement, part)


def _object(pk: int, county: Division, number: int) -> tuple[Any, ...]:
    uid = uuid4().hex if connection.vendor == "sqlite" else uuid4()
    edge = pk <= EDGES
    kind, code = ("edge", f"E-{number:06}") if edge else ("site", f"S-99010{number:09}")
    above = None if edge else 1 + pk % EDGES
    return pk, uid, kind, code, f"对象{number}", county.pk, above, "in_service", "2025-01-01", "", "2025-01-01"


def _site(pk: int) -> tuple[Any, ...]:
    return pk, "village", "broadband_stb", "", "", "", "", b"", "", f"{pk:032}"


def _plain_read() -> float:
    """The same rows fetched from the database and thrown away."""
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, code, kind, lifecycle, period_s, grace_s, depends_on_id FROM {ManagedObject._meta.db_table} ORDER BY id"
        )
        while cursor.fetchmany(10_000):
            pass
        cursor.execute(f"SELECT managedobject_ptr_id, beat_key FROM {Site._meta.db_table}")
        while cursor.fetchmany(10_000):
            pass
    return time.perf_counter() - begun


def storm(listener: Listener, cpu_s: Callable[[], float] = time.process_time) -> list[dict[str, Any]]:
    """All begin to beat; all fall silent; all come back: every transition in the journal and in the rows.

    `cpu_s` tells the processor seconds of all that works: what a storm costs, whoever else is at work on the machine.
    """
    array, every = listener.array, np.arange(SITES + EDGES)
    rng = np.random.default_rng(1)
    now = START + timedelta(seconds=PERIOD_S)
    sweep(START, listener=listener)
    listener.swept_at = now.timestamp() - 5
    array.hear_many(every, START.timestamp() + rng.uniform(0, PERIOD_S, len(every)))
    begun = _busy(lambda: sweep(now, listener=listener), cpu_s)
    now += timedelta(seconds=PERIOD_S)
    array.hear_many(every, now.timestamp() - rng.uniform(0, PERIOD_S, len(every)))
    now = _wait(listener, now)
    down = _busy(lambda: sweep(now, listener=listener), cpu_s)
    assert _count("down") == SITES + EDGES, "every one is down"
    now += timedelta(seconds=30)
    listener.swept_at = now.timestamp() - 5
    array.hear_many(every, now.timestamp() - rng.uniform(0, PERIOD_S / 2, len(every)))
    back = _busy(lambda: sweep(now, listener=listener), cpu_s)
    assert _count("up") == SITES + EDGES, "every one is up"
    floors = _busy(lambda: _plain_write(now), cpu_s)
    parts = (("the first word of 703,044", begun), ("all silent at once", down), ("all back at once", back))
    return [
        row(f"liveness: {what}, every transition written, {how}", measured[one], floors[one], unit)
        for what, measured in parts
        for one, (how, unit) in enumerate((("processor", "s of CPU"), ("by the clock", "s")))
    ]


def _wait(listener: Listener, now: datetime) -> datetime:
    """Silence for as long as is allowed, with our own sweeps going on all the while."""
    later = now + timedelta(seconds=PERIOD_S + WAIT_S + 1)
    listener.swept_at = later.timestamp() - 5
    return later


def _count(state: str) -> int:
    return Liveness.objects.filter(state=state).count()


def _plain_write(now: datetime) -> None:
    """As many rows of the same width inserted into the same table by the driver (a server: by COPY), and nothing else."""
    columns = ("object_id", "state", "at", "until", "last_heard_at", "latest_at", "reason", "observer", "seq", "judged")
    at, embedded = now.strftime("%Y-%m-%d %H:%M:%S+00"), connection.vendor == "sqlite"
    at, observer = (at[:19], uuid4().hex) if embedded else (at, str(uuid4()))
    rows = ((pk, "down", at, at, at, at, "silence", observer, 1, True) for pk in range(1, SITES + EDGES + 1))
    with transaction.atomic(), connection.cursor() as cursor:
        _write(cursor, StateChange, columns, rows)
        transaction.set_rollback(True)


def _sweeps(listener: Listener) -> list[dict[str, Any]]:
    """The look for who is silent and who is back: with nothing to find, and with everybody to find."""
    array = listener.array
    quiet = float(array.last.max()) + 5
    calm = _best(lambda: array.sweep(quiet))
    floor = _best(lambda: np.flatnonzero(quiet - array.last > WAIT_S + PERIOD_S))
    everybody = quiet + 10 * WAIT_S
    held, found = _best(lambda: array.look(everybody)), _best(lambda: array.sweep(everybody))
    every = _best(lambda: np.flatnonzero(everybody - array.last > WAIT_S))
    return [
        row("liveness: sweep of 703,044, nothing to find", 1000 * calm, 1000 * floor, "ms"),
        row("liveness: sweep, all of them silent: while beats wait", 1000 * held, 1000 * every, "ms"),
        row("liveness: sweep, all of them silent: with their times", 1000 * found, 1000 * every, "ms"),
    ]


def _lag(listener: Listener) -> dict[str, Any]:
    """The longest a beat waits for the lock while sweeps run one after the other."""
    array, worst, done = listener.array, [0.0], threading.Event()

    def beat() -> None:
        place = 0
        while not done.is_set():
            begun = time.perf_counter()
            with listener.lock:
                array.hear(place, float(array.last[place]))
            worst.append(time.perf_counter() - begun)
            place = (place + 1) % SITES
            time.sleep(0.0005)

    thread = threading.Thread(target=beat)
    thread.start()
    for _ in range(200):
        with listener.lock:
            array.look(float(array.last[0]) + 5)
        time.sleep(0.002)
    done.set()
    thread.join()
    return row("liveness: beat beside endless sweeps, 99.9th percentile", 1000 * float(np.quantile(worst, 0.999)), None, "ms")


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    answer = call()
    return time.perf_counter() - begun, answer


def _busy(call: Callable[[], Any], cpu_s: Callable[[], float]) -> tuple[float, float]:
    """Seconds of processors and of the clock."""
    processors, begun = cpu_s(), time.perf_counter()
    call()
    return cpu_s() - processors, time.perf_counter() - begun


def _best(call: Callable[[], Any]) -> float:
    return min(_timed(call)[0] for _ in range(7))


def _memory_and_start() -> list[dict[str, Any]]:
    """A process of its own that loads the nation as the server does: seconds from its start to the first beat taken, and its memory."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "bench.alone"], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    seconds = time.perf_counter() - begun
    told = json.loads(done.stdout.splitlines()[-1])
    return [
        row("liveness: start of a process to the first beat taken", told["ready_s"], None, "s"),
        row("liveness: the same with a second load and its end", seconds, None, "s"),
        row("liveness: memory of the process, loaded", told["loaded"], told["bare"], "MiB"),
        row("liveness: memory at its highest, loaded twice", told["highest"], told["bare"], "MiB"),
    ]
