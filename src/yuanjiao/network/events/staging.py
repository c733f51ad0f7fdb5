"""From told changes to the stories of objects, in a handful of statements whatever their number.

A story is in order of (at, order of arrival), each span ends where the next begins, and `Liveness` copies the last one. The ordinary
change is newer than what is known and ends the open span; one that comes late (another observer has told a later part) makes the
stories of its objects be chained anew. What was told before (observer, seq) is passed over. Everything happens inside the caller's
transaction; the two temporary tables are this connection's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from yuanjiao.network.events import telling
from yuanjiao.network.models import Liveness, ManagedObject, StateChange
from yuanjiao.places.models import Division

DEEPEST = 10
STAGED = (
    "ord",
    "object_id",
    "state",
    "at",
    "until",
    "last_heard_at",
    "latest_at",
    "reason",
    "observer",
    "seq",
    "since",
    "known_observer",
    "open_id",
)


@contextmanager
def by_key() -> Iterator[None]:
    """Inside, a database server finds each row by its key. It knows nothing of the temporary tables and would rather read all changes there
    ever were, once for every part of a storm, to join them at once."""
    _plan(PLAIN)
    yield
    _plan(USUAL)


def _plan(settings: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(settings)


_CHOICES = ("enable_hashjoin", "enable_mergejoin", "jit")
PLAIN = "; ".join(f"SET LOCAL {name} = off" for name in _CHOICES)
USUAL = "; ".join(f"SET LOCAL {name} TO DEFAULT" for name in _CHOICES)


def paths_told_of(observer: UUID) -> list[str]:
    """The division paths of the objects one observer tells of."""
    return [
        path
        for (path,) in _rows(
            "SELECT d.path FROM {division} d WHERE d.id IN "
            "(SELECT o.division_id FROM network_told t JOIN {object} o ON o.code = t.code WHERE t.observer = %s)",
            [_uuid(observer)],
        )
    ]


def stage_told(*, once: bool) -> None:
    """Give every told change its object, what follows it among the told (nothing, when every object is told of `once`), and what is known.

    Entries that were kept before are passed over: the first change of an entry speaks for all of it (after a gap, that of an object
    which left the register, the next one is asked as well: that is cheaper than to look for the very first).
    """
    _clear()
    following = "NULL" if once else "LEAD(t.at) OVER (PARTITION BY o.id ORDER BY t.at, t.ord)"
    _run(
        f"""
        INSERT INTO network_staged
        SELECT t.ord, o.id, t.state, t.at, {following}, t.last_heard_at, t.latest_at, t.reason, t.observer, t.seq, l.since, l.observer,
               {_OPEN.format(object="o.id")}
        FROM network_told t {{cross}} JOIN {{object}} o ON o.code = t.code LEFT JOIN {{liveness}} l ON l.object_id = o.id
        """
    )
    if next(_rows(f"{_KEPT} LIMIT 1"), None):
        _run(f"DELETE FROM network_staged WHERE (observer, seq) IN ({_KEPT})")
    telling.clear()


def stage_unknown(*, observer: UUID, seq: int, start: datetime, edges: Sequence[str]) -> None:
    """Everything the observer has an opinion on (on these edges and below, if any are named) is unknown from `start`."""
    _clear()
    begun, who = _moment(start), _uuid(observer)
    marks = ", ".join(["%s"] * len(edges))
    below = (
        f"AND l.object_id IN (WITH RECURSIVE below(id, depth) AS ({_BELOW.format(marks=marks, depth=DEEPEST)}) SELECT id FROM below)"
        if edges
        else ""
    )
    _run(
        f"""
        INSERT INTO network_staged
        SELECT l.object_id, l.object_id, 'unknown', CASE WHEN l.since > %s THEN l.since ELSE %s END, NULL,
               l.last_heard_at, NULL, 'deaf', l.observer, %s, l.since, l.observer,
               {_OPEN.format(object="l.object_id")}
        FROM {{liveness}} l WHERE l.observer = %s AND l.state <> 'unknown' {below}
        """,
        [begun, begun, seq, who, *edges],
    )


def keep(*, once: bool) -> None:
    """Write what is staged: end the open spans, add the new ones, chain anew where something came late, and copy the last ones.

    `once`: no object is staged twice, so that the first change of each need not be looked for.
    """
    first = (
        "network_staged"
        if once
        else "(SELECT open_id, MIN(at) AS at, MIN(since) AS since FROM network_staged WHERE at >= since GROUP BY open_id)"
    )
    _run(f"UPDATE {{change}} SET until = f.at FROM {first} f WHERE {{change}}.id = f.open_id AND f.at >= f.since")
    _run(
        """
        INSERT INTO {change} (object_id, state, at, until, last_heard_at, latest_at, reason, observer, seq, judged)
        SELECT object_id, state, at, until, last_heard_at, latest_at, reason, observer, seq, {false} FROM network_staged ORDER BY ord
        """
    )
    if next(_rows("SELECT 1 FROM network_staged WHERE at < since LIMIT 1"), None):
        _chain_anew()
    _run(
        """
        INSERT INTO {liveness} (object_id, state, since, last_heard_at, observer, seq)
        SELECT object_id, state, at, last_heard_at, observer, seq FROM network_staged
        WHERE until IS NULL AND (since IS NULL OR at >= since) ORDER BY {locking}
        ON CONFLICT (object_id)
        DO UPDATE SET state = excluded.state, since = excluded.since, last_heard_at = excluded.last_heard_at, seq = excluded.seq
        """
    )
    _run(  # apart, because it seldom changes and its index is spared
        """
        UPDATE {liveness} SET observer = s.observer FROM network_staged s
        WHERE s.known_observer <> s.observer AND {liveness}.object_id = s.object_id AND {liveness}.seq = s.seq AND {liveness}.since = s.at
        """
    )
    _clear()


def _chain_anew() -> None:
    _run(
        """
        UPDATE {change} SET until = f.following
        FROM (
            SELECT id, LEAD(at) OVER (PARTITION BY object_id ORDER BY at, id) AS following FROM {change}
            WHERE object_id IN (SELECT object_id FROM network_staged WHERE at < since)
        ) f
        WHERE {change}.id = f.id AND ({change}.until IS NULL OR f.following IS NULL OR {change}.until <> f.following)
        """
    )


_OPEN = "(SELECT c.id FROM {{change}} c WHERE c.object_id = {object} AND c.at = l.since AND c.observer = l.observer AND c.seq = l.seq)"
"""The key of the span that `Liveness` copies, which is the one that lasts."""
_KEPT = """
    SELECT s.observer, s.seq FROM network_staged s
    JOIN {change} c ON c.object_id = s.object_id AND c.at = s.at AND c.observer = s.observer AND c.seq = s.seq
    WHERE s.ord IN ({firsts})
"""
_FIRSTS = {
    "sqlite": "SELECT (SELECT MIN(f.ord) FROM network_staged f WHERE f.ord >= e.first) FROM network_entry e",
    "postgresql": "SELECT MIN(ord) FROM network_staged GROUP BY observer, seq",
}
_BELOW = """
    SELECT id, 0 FROM {{object}} WHERE code IN ({marks})
    UNION SELECT o.id, b.depth + 1 FROM {{object}} o JOIN below b ON o.depends_on_id = b.id WHERE b.depth < {depth}
"""


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _sql(statement: str) -> str:
    postgresql = connection.vendor == "postgresql"
    false = "false" if postgresql else "0"
    cross = "" if postgresql else "CROSS"  # in the order told, each object by its code
    locking = "object_id" if postgresql else "ord"  # two writers at once take rows in one order; an embedded database has one writer
    names = {"change": StateChange, "liveness": Liveness, "object": ManagedObject, "division": Division}
    tables = {name: _table(model) for name, model in names.items()}
    return statement.format(false=false, cross=cross, locking=locking, firsts=_FIRSTS[connection.vendor], **tables)


def _run(statement: str, parameters: Sequence[Any] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_sql(statement), parameters)


def _rows(statement: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_sql(statement), parameters)
        yield from cursor.fetchall()


def _clear() -> None:
    """Nothing is staged; the table is made at the first use of a connection."""
    kinds = _KINDS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS network_staged ({', '.join(f'{name} {kinds[name]}' for name in STAGED)})")
        cursor.execute(_EMPTY[connection.vendor])


_EMPTY = {"sqlite": "DELETE FROM network_staged", "postgresql": "TRUNCATE network_staged"}
"""A server keeps deleted rows of a temporary table until the connection ends: the parts of a storm would become slower and slower."""
_MOMENTS = ("at", "until", "last_heard_at", "latest_at", "since")
_KINDS: dict[str, dict[str, str]] = {
    "sqlite": dict.fromkeys(("object_id", "seq", "open_id"), "integer")
    | {"ord": "integer primary key"}  # the rows lie in this order, so that nothing is sorted
    | dict.fromkeys(("state", "reason", "observer", "known_observer", *_MOMENTS), "text"),
    "postgresql": dict.fromkeys(("ord", "object_id", "seq", "open_id"), "bigint")
    | dict.fromkeys(("state", "reason"), "text")
    | dict.fromkeys(_MOMENTS, "timestamptz")
    | {"observer": "uuid", "known_observer": "uuid"},
}


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def _uuid(uid: UUID) -> Any:
    return uid.hex if connection.vendor == "sqlite" else uid
