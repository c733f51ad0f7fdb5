"""Journal: entries taken in per second by the parent, against bare INSERTs of the same payloads into one table of the same database."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction

from yuanjiao.flow.journal import applying
from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.journal.receive import receive
from yuanjiao.flow.journal.record import encode, record_many
from yuanjiao.flow.journal.segment import Written, chain, seal
from yuanjiao.flow.nodes import codes
from yuanjiao.flow.nodes.commands import enrol, ensure_self, issue_code
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.uid import new_uid

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SEGMENTS, ENTRIES = 12, 1000
ROUNDS = 3


class Measured(Event, frozen=True, kw_only=True):
    """A fact of usual size whose apply builds no row: the journal's own cost is what is measured."""

    KIND: ClassVar[str] = "bench.measured/1"

    site: str
    state: str
    since: datetime
    note: str


def _apply(event: Measured, fact: Fact) -> None:
    """Nothing of a room."""


def run() -> list[dict[str, Any]]:
    """Entries per second: proved, chained, stored and applied; and recorded by the origin. Best of three rounds each."""
    written = [_written(n) for n in range(SEGMENTS * ENTRIES)]
    original = applying.event_table
    table = {**original(), Measured.KIND: (Measured, _apply)}
    applying.event_table = lambda: table  # type: ignore[assignment]  # a kind that exists only here
    try:
        floor = max(_per_second(len(written), lambda: _insert(written)) for _ in range(ROUNDS))
        taken = max(_taken(written) for _ in range(ROUNDS))
        recorded = max(_recorded() for _ in range(ROUNDS))
    finally:
        applying.event_table = original
    return [_row("journal: entries received and applied", taken, floor), _row("journal: entries recorded (100 a time)", recorded, floor)]


def _row(name: str, value: float, floor: float) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": "entries/s", "floor": floor, "ratio": value / floor}


def _written(n: int) -> Written:
    at = AT + timedelta(seconds=n)
    event = Measured(site=f"S-9901{n % 20_000:08d}", state="down", since=at, note="心跳超时，未见应答")
    return Written(at, Measured.KIND, encode(event))


def _per_second(count: int, act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return count / (time.perf_counter() - started)


def _insert(written: list[Written]) -> None:
    """The floor: the driver's executemany in transactions as large as a segment."""
    blob = "bytea" if connection.vendor == "postgresql" else "blob"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_floor")
        cursor.execute(f"CREATE TABLE bench_floor (seq bigint PRIMARY KEY, at text, kind text, payload {blob})")
        for first in range(0, len(written), ENTRIES):
            rows = [(first + n, str(w.at), w.kind, w.payload) for n, w in enumerate(written[first : first + ENTRIES])]
            with transaction.atomic():
                cursor.executemany("INSERT INTO bench_floor VALUES (%s, %s, %s, %s)", rows)
        cursor.execute("DROP TABLE bench_floor")


def _taken(written: list[Written]) -> float:
    """Segments are sealed before the clock starts: sealing is the child's work."""
    segments = _sealed(written, *_child())

    def take() -> None:
        for segment in segments:
            answer = receive(segment, at=AT)
            if answer.accepted != ENTRIES or answer.set_aside:
                raise RuntimeError(f"the journal refused its own bench: {answer}")

    return _per_second(len(written), take)


def _child() -> tuple[Node, Ed25519PrivateKey]:
    ensure_self(at=AT)
    key, uid = Ed25519PrivateKey.generate(), new_uid()
    public = key.public_key().public_bytes_raw()
    code = issue_code(kind="edge", name="bench", at=AT)
    return enrol(code=code, uid=uid, public_key=public, proof=key.sign(codes.proof_bytes(code, uid.bytes, public)), at=AT), key


def _sealed(written: list[Written], node: Node, key: Ed25519PrivateKey) -> list[bytes]:
    segments, previous = [], GENESIS
    for first in range(0, len(written), ENTRIES):
        entries = written[first : first + ENTRIES]
        segments.append(seal(origin=node.uid, first_seq=first + 1, previous=previous, sealed_at=AT, entries=entries, sign=key.sign))
        previous = chain(origin=node.uid, first_seq=first + 1, previous=previous, entries=entries)[-1].entry_hash
    return segments


def _recorded() -> float:
    events = [Measured(site=f"S-{n}", state="down", since=AT, note="心跳超时") for n in range(100)]

    def act() -> None:
        for _ in range(20):
            record_many(events, at=AT)

    return _per_second(2_000, act)
