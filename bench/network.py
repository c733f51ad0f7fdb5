"""Beats through the real door, and rates from real rows, each against the same work with nothing of ours in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from typing import Any

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.signing import Claim, request_bytes, to_headers
from yuanjiao.lib import clock
from yuanjiao.lib.rsgi import Asked
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import intake, queries
from yuanjiao.network.commands import add_edge
from yuanjiao.network.commands.many import ObjectEntry, enter_objects
from yuanjiao.network.inputs import SiteBeat
from yuanjiao.network.limits import PlaceLimits, SenderLimits
from yuanjiao.network.live import LISTENER
from yuanjiao.network.models import Edge, Lifecycle, ManagedObject, PlayTest, Site, StateChange
from yuanjiao.places.commands import add_division
from yuanjiao.places.models import Division

START, END = datetime(2026, 3, 1, tzinfo=clock.CHINA), datetime(2026, 4, 1, tzinfo=clock.CHINA)
SECONDS = 1.5
BATCH = 230
"""Sites behind one edge, as in a nation of 700,000 sites behind 3,044 edges."""
SMALL, LARGE = 1_200, 20_000
CHANGES = 12


def run() -> list[dict[str, Any]]:
    """Beats per second, single and in signed batches; seconds for a month's rate of 1,200 and 20,000 sites."""
    ensure_self(at=START)
    small, whole, edge = _city()
    LISTENER.reload(own_node(), top=True, now=clock.now().timestamp())
    intake.SITES, intake.NODES = PlaceLimits(every_s=0.0, burst=1.0), SenderLimits(every_s=0.0, burst=1.0)  # one edge stands for thousands
    codes = list(Site.objects.filter(depends_on=edge).order_by("pk").values_list("code", flat=True)[:BATCH])
    single = _row("network: single beats through the door", _per_second(_single(codes)), _per_second(_bare_single(codes)), "beats/s")
    many, bare = BATCH * _per_second(_batches(edge, codes)), BATCH * _per_second(_bare_batches())
    if refused := {name: count for name, count in intake.COUNTS.items() if count and name not in {"site", "edge", "batch"}}:
        raise SystemExit(f"not everything was taken: {refused}")
    rates = [_rate(small, SMALL), _rate(whole, LARGE)]
    return [single, _row("network: beats in signed batches of 230", many, bare, "beats/s"), *rates]


def _rate(division: Division, count: int) -> dict[str, Any]:
    measured, floor = _best(lambda: queries.rate_over(division, START, END)), _best(lambda: _sql(division))
    return _row(f"network: month's rate of {count:,} sites", measured, floor, "s")


def _row(name: str, value: float, floor: float, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "floor": floor, "ratio": value / floor}


def _city() -> tuple[Division, Division, Edge]:
    """One city of 20,000 sites, 1,200 of them in one county, each with a month of changes and a play test."""
    on = date(2025, 1, 1)
    whole = add_division(code="990100000000", name="测城", parent=None, on=on)
    small = add_division(code="990101000000", name="小县", parent=whole, on=on)
    large = add_division(code="990102000000", name="大县", parent=whole, on=on)
    edge = add_edge(code="E-1", name="边缘", division=small, on=on)
    entries = [_entry(number, small if number < SMALL else large, edge) for number in range(LARGE)]
    enter_objects(entries=entries, on=on)
    observer = own_node().uid
    sites = list(Site.objects.order_by("pk").values_list("pk", flat=True))
    StateChange.objects.bulk_create(_month(sites, observer), batch_size=2000)
    tests = [PlayTest(site_id=pk, at=START - timedelta(days=1), ok=True, observer=observer) for pk in sites]
    PlayTest.objects.bulk_create(tests, batch_size=2000)
    return small, whole, edge


def _entry(number: int, division: Division, edge: Edge) -> ObjectEntry:
    return ObjectEntry("site", f"S-{number:05}", f"站点{number}", division.pk, edge.code, Lifecycle.IN_SERVICE, "", division.valid_from)


def _month(sites: Iterable[int], observer: object) -> list[StateChange]:
    """Up and down in turn, two and a half days each, every site at its own hour."""
    rows, step = [], timedelta(hours=60)
    for place, pk in enumerate(sites):
        begin = START - timedelta(days=1) + timedelta(seconds=place % 80_000)
        for turn in range(CHANGES):
            at = begin + turn * step
            until = at + step if turn < CHANGES - 1 else None
            rows.append(
                StateChange(object_id=pk, state=("up", "down")[turn % 2], at=at, until=until, last_heard_at=at, observer=observer, seq=turn)
            )
    return rows


def _per_second(work: Callable[[], Callable[[], object]]) -> float:
    """Calls per second of what `work()` prepares, best of two rounds."""
    best = 0.0
    for _ in range(2):
        call = work()
        done, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < SECONDS:
            call()
            done += 1
        best = max(best, done / (time.perf_counter() - begun))
    return best


def _best(call: Callable[[], object]) -> float:
    """Seconds of the quickest of three calls."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times)


Door = Callable[[Any, Any], Awaitable[None]]


class _Asker:
    """Who asks, without a server: the next body, and no interest in the answer."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self._following = cycle(bodies)

    async def __call__(self) -> bytes:
        return next(self._following)

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None: ...


def _knock(door: Door, bodies: Iterable[bytes]) -> Callable[[], None]:
    """One request after the other, without a server: what is measured is the door."""
    loop, asker = asyncio.new_event_loop(), _Asker(bodies)
    question = Asked("POST", "/beat", headers={"content-type": "application/json", "content-length": "100"})
    return lambda: loop.run_until_complete(door(question, asker))


def _single_bodies(codes: list[str]) -> list[bytes]:
    keys = dict(Site.objects.filter(code__in=codes).values_list("code", "beat_key"))
    return [msgspec.json.encode(SiteBeat(site=code, key=keys[code], sent_at="2026-03-02T08:00:00+00:00")) for code in codes]


def _single(codes: list[str]) -> Callable[[], Callable[[], None]]:
    bodies = _single_bodies(codes)
    return lambda: _knock(intake.door, bodies)


def _bare_single(codes: list[str]) -> Callable[[], Callable[[], None]]:
    """A door that parses the same body and notes the time, and nothing else."""
    bodies, decoder, last = _single_bodies(codes), msgspec.json.Decoder(SiteBeat), dict.fromkeys(codes, 0.0)

    async def door(question: Any, asker: Any) -> None:
        del question
        beat = decoder.decode(await asker())
        last[beat.site] = time.time()
        asker.response_bytes(200, [("content-type", "application/json")], b'{"accepted":1}')

    return lambda: _knock(door, bodies)


def _batches(edge: Edge, codes: list[str]) -> Callable[[], Callable[[], object]]:
    """Signed batches, each with a signature of its own, verified and taken as the door does."""
    key, at = Ed25519PrivateKey.generate(), datetime.now(UTC)
    node = Node.objects.create(
        uid=new_uid(), kind="edge", name="边缘", public_key=key.public_key().public_bytes_raw(), subject_code=edge.code, enrolled_at=at
    )
    beats = [(code, float(place % 60)) for place, code in enumerate(codes)]
    body = msgspec.json.encode({"node": str(node.uid), "sent_at": at.isoformat(), "beats": beats})

    def signed(number: int) -> Asked:
        now = micros(at) + number
        message = request_bytes(method="POST", target="/beat", node=node.uid, time_us=now, clock_us=now, body=body)
        return Asked("POST", "/beat", headers=to_headers(Claim(node.uid, now, now, key.sign(message))))

    numbers = iter(range(10**9))
    ready = [signed(next(numbers)) for _ in range(20_000)]
    questions = iter(ready)
    return lambda: lambda: intake.take_batch(next(questions), body, at)


def _bare_batches() -> Callable[[], Callable[[], object]]:
    """Decode the same number of beats and scatter them into an array, and nothing else."""
    body = msgspec.json.encode([(place, float(place % 60)) for place in range(BATCH)])
    decoder, last = msgspec.json.Decoder(list[tuple[int, float]]), np.zeros(LARGE)

    def call() -> None:
        beats = decoder.decode(body)
        places, ago = np.array([place for place, _ in beats]), np.array([ago for _, ago in beats])
        np.maximum.at(last, places, time.time() - ago)

    return lambda: call


def _sql(division: Division) -> object:
    """Seconds by state, cut to the month, in one statement of plain SQL: no rule, no play tests, no service dates."""
    state, thing = StateChange._meta.db_table, ManagedObject._meta.db_table
    epoch = "CAST(strftime('%%s', {}) AS INTEGER)" if connection.vendor == "sqlite" else "EXTRACT(EPOCH FROM {})"
    least, most = ("MIN", "MAX") if connection.vendor == "sqlite" else ("LEAST", "GREATEST")
    first, last = int(START.timestamp()), int(END.timestamp())
    end, begin = epoch.format(f"COALESCE(s.until, {'%s'})"), epoch.format("s.at")
    statement = (
        f"SELECT s.state, SUM({least}({end}, {last}) - {most}({begin}, {first})) FROM {state} s JOIN {thing} o ON o.id = s.object_id "
        f"JOIN {Division._meta.db_table} d ON d.id = o.division_id "
        "WHERE d.path LIKE %s AND s.at < %s AND (s.until IS NULL OR s.until > %s) GROUP BY s.state"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [END.astimezone(UTC), f"{division.path}%", END.astimezone(UTC), START.astimezone(UTC)])
        return cursor.fetchall()
