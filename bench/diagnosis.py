"""The diagnosis at a nation's size: the search for roots over 700,000 sites, a province cut off, 87 edges cut off, a quiet turn.

The register and the state changes are written straight into their tables; everything is observed by this one machine. Floors: for the
search, two bincounts over the same leaves; for a cut, the plain reading of its rows and one plain INSERT of as many.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from django.db import connection, transaction
from django.db.models import Min

from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.network.diagnosis import Heard, Memory, diagnose
from yuanjiao.network.diagnosis.sighting import see
from yuanjiao.network.models import Liveness, ManagedObject, Outage, StateChange
from yuanjiao.network.rules.causes import SITE, find_causes
from yuanjiao.places.commands import add_division

EDGES, PER_EDGE, SPREAD = 3_044, 230, 60
START = datetime(2026, 3, 1, tzinfo=UTC)
CUT_EDGES = 87


def run() -> list[dict[str, Any]]:
    ensure_self(at=START)
    _nation()
    memory, ids = Memory(), np.array(list(ManagedObject.objects.order_by("pk").values_list("pk", flat=True)), np.int64)
    begun = time.perf_counter()
    diagnose(at=START, heard=_heard(ids, START), memory=memory)
    first = time.perf_counter() - begun
    quiet = _best(lambda: diagnose(at=START + timedelta(seconds=5), heard=_heard(ids, START), memory=memory))
    return [
        _row("diagnosis: first turn after a start (all read)", first, None, "s"),
        _row("diagnosis: a turn in which nothing is new", quiet, None, "s"),
        *_search(memory),
        *_few(memory, ids),
        *_edges(memory, ids),
        *_province(memory, ids),
    ]


def _row(name: str, value: float, floor: float | None, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor else None}


def _best(work: Callable[[], object], rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def _heard(ids: Any, at: datetime) -> Heard:
    return Heard(ids, np.full(len(ids), at.timestamp()), np.zeros(len(ids)))


def _nation() -> None:
    """One province's uplink, its edges, ten lines each, the sites; all up since the start."""
    place = add_division(code="990100000000", name="测区", parent=None, on=date(2025, 1, 1))
    keys = iter(range(1, 10_000_000))
    rows = [(next(keys), "line", "U", None)]
    for edge in range(EDGES):
        above = (next(keys), "edge", f"E{edge}", 1)
        rows.append(above)
        for line in range(10):
            way = (next(keys), "line", f"L{edge}-{line}", above[0])
            rows.append(way)
            rows += [(next(keys), "site", f"S{edge}-{line}-{site}", way[0]) for site in range(PER_EDGE // 10)]
    names = "id, uid, kind, code, name, division_id, depends_on_id, lifecycle, lifecycle_on, suspension_document, in_service_on"
    objects, now = ManagedObject._meta.db_table, Liveness._meta.db_table
    moment, own = connection.ops.adapt_datetimefield_value(START), _uid(own_node().uid)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {objects} ({names}) VALUES (%s, %s, %s, %s, %s, {place.pk}, %s, 'in_service', '2025-01-01', '', '2025-01-01')",
            ((pk, _uid(uuid4()), kind, code, code, up) for pk, kind, code, up in rows),
        )
        cursor.executemany(
            f"INSERT INTO {now} (object_id, state, since, last_heard_at, observer, seq) VALUES (%s, 'up', %s, %s, %s, 1)",
            ((pk, moment, moment, own) for pk, kind, _, _ in rows if kind == "site"),
        )


def _uid(value: UUID) -> Any:
    return value if connection.features.has_native_uuid_field else value.hex


def _change(state: str, at: datetime, edges: range) -> int:
    """Rows as the sweep writes them: every site of these edges, each by its own last beat within a minute."""
    first = ManagedObject.objects.filter(code=f"E{edges.start}").values_list("pk", flat=True).get()
    last = ManagedObject.objects.filter(code=f"E{edges.stop}").aggregate(pk=Min("pk"))["pk"] or 10_000_000
    table, now = StateChange._meta.db_table, Liveness._meta.db_table
    own = _uid(own_node().uid)
    seq = int(at.timestamp())
    begins, latest = (
        [connection.ops.adapt_datetimefield_value(at + timedelta(seconds=s + late)) for s in range(SPREAD)] for late in (0, 60)
    )
    sites = ManagedObject.objects.filter(kind="site", pk__gte=first, pk__lt=last).values_list("pk", flat=True)
    rows = [(pk, state, begins[pk % SPREAD], begins[pk % SPREAD], latest[pk % SPREAD], own, seq) for pk in sites.iterator()]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET until = %s WHERE until IS NULL AND object_id >= %s AND object_id < %s", (begins[0], first, last)
        )
        cursor.executemany(
            f"INSERT INTO {table} (object_id, state, at, last_heard_at, latest_at, observer, seq, reason, judged)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, '', FALSE)",
            rows,
        )
        cursor.execute(f"UPDATE {now} SET state = %s WHERE object_id >= %s AND object_id < %s", (state, first, last))
    return len(rows)


def _search(memory: Memory) -> list[dict[str, Any]]:
    picture = memory.picture
    assert picture is not None
    sight = see(picture, Heard(), START)
    leaves = picture.forest.parent[picture.forest.kind == SITE]
    floor = _best(lambda: (np.bincount(leaves), np.bincount(picture.forest.parent[leaves])))
    answers = []
    for name, silent in (("nothing silent", 0), ("200 sites silent", 200), ("all silent", len(leaves))):
        sight.dark[:] = np.nan
        sites = np.flatnonzero(picture.forest.kind == SITE)
        sight.dark[np.random.default_rng(7).permutation(sites)[:silent]] = START.timestamp() - 100
        measured = _best(lambda: find_causes(picture.forest, sight, now=START.timestamp()))
        answers.append(_row(f"diagnosis: search for roots, {name}", measured, floor, "s"))
    sight.dark[:] = np.nan
    return answers


def _few(memory: Memory, ids: Any) -> list[dict[str, Any]]:
    """One line of 23 sites: the turn that finds it, told after the wait."""
    at = START + timedelta(minutes=10)
    line = ManagedObject.objects.filter(code="L5-5").values_list("pk", flat=True).get()
    sites = list(ManagedObject.objects.filter(depends_on=line).values_list("pk", flat=True))
    StateChange.objects.bulk_create(
        StateChange(object_id=pk, state="down", at=at, last_heard_at=at, latest_at=at, observer=own_node().uid, seq=9) for pk in sites
    )
    Liveness.objects.filter(object__in=sites).update(state="down")
    later = at + timedelta(minutes=4)
    measured = _once(lambda: diagnose(at=later, heard=_heard(ids, later), memory=memory))
    _say(Outage.objects.filter(root=None, held=False, ended_at=None).count() == 1, "one root")
    return [_row("diagnosis: turn in which one line of 23 sites falls silent", measured, None, "s")]


def _once(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _say(true: bool, what: str) -> None:
    if not true:
        raise SystemExit(f"not {what}")


def _edges(memory: Memory, ids: Any) -> list[dict[str, Any]]:
    """87 edges with 20,010 sites cut at once, thresholds all equal."""
    at = START + timedelta(minutes=30)
    count = _change("down", at, range(100, 100 + CUT_EDGES))
    later = at + timedelta(minutes=4)
    measured = _once(lambda: diagnose(at=later, heard=_heard(ids, later), memory=memory))
    roots = Outage.objects.filter(root=None, held=False, ended_at=None)
    _say(count == CUT_EDGES * PER_EDGE and roots.filter(object__kind="edge").count() == CUT_EDGES, "87 roots")
    _say(not roots.filter(object__kind="site").exists(), "without a site told")
    return [_row(f"diagnosis: {CUT_EDGES} edges with {count:,} sites cut at once: {CUT_EDGES} roots, 0 sites told", measured, None, "s")]


def _province(memory: Memory, ids: Any) -> list[dict[str, Any]]:
    """All at once, and back. The root is told before its 700,000 children are written."""
    at = START + timedelta(hours=2)
    _change("up", at - timedelta(hours=1), range(0, EDGES))
    diagnose(at=at - timedelta(minutes=50), heard=_heard(ids, at), memory=memory)
    count = _change("down", at, range(0, EDGES))
    later, moments = at + timedelta(minutes=8), _FirstRoot()
    with connection.execute_wrapper(moments):
        measured = _once(lambda: diagnose(at=later, heard=_heard(ids, at), memory=memory))
    _say(Outage.objects.filter(root=None, held=False, ended_at=None).count() == 1, "one root")
    _say(Outage.objects.filter(ended_at=None, root__isnull=False).count() == count, "all explained")
    floor = _plain(count)
    back = at + timedelta(hours=1)
    _change("up", back, range(0, EDGES))
    recovered = _once(lambda: diagnose(at=back + timedelta(minutes=2), heard=_heard(ids, back), memory=memory))
    _say(not Outage.objects.filter(ended_at=None).exists(), "all ended")
    return [
        _row(f"diagnosis: {count:,} sites cut at once, the one root written", moments.after, floor, "s"),
        _row(f"diagnosis: {count:,} sites cut at once, all rows written", measured, floor, "s"),
        _row(f"diagnosis: {count:,} sites back at once, all outages ended", recovered, floor, "s"),
    ]


class _FirstRoot:
    """Notes when the first root's verdict is written."""

    def __init__(self) -> None:
        self.begun, self.after = time.perf_counter(), 0.0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if not self.after and sql.startswith("INSERT") and "outageverdict" in sql:
            self.after = time.perf_counter() - self.begun
        return answer


def _plain(count: int) -> float:
    """As many rows read and as many inserted into a bare table."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_plain (id INTEGER PRIMARY KEY, uid VARCHAR(32), object_id INTEGER, started VARCHAR(30))")
        begun = time.perf_counter()
        cursor.execute(f"SELECT id, object_id, state, CAST(at AS TEXT) FROM {StateChange._meta.db_table} ORDER BY id DESC LIMIT {count}")
        rows = [(uuid4().hex, row[1], row[3]) for row in cursor.fetchall()]
        with transaction.atomic():
            cursor.executemany("INSERT INTO bench_plain (uid, object_id, started) VALUES (%s, %s, %s)", rows)
        return time.perf_counter() - begun
