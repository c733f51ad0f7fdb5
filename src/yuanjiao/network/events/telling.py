"""Told changes laid out for the database, as a table `network_told` of this connection: one row per change, in the order told.

In a storm a few moments stand for 700,000 changes. The distinct words (state, times, reason) are therefore written once, and each change
is its object's code and two small numbers: for an embedded database in one JSON object that it takes apart itself (a row bound value by
value costs four times as much), for a database server as lines of a COPY. All of that is made of the changes alone, so that another
thread can make it while the database writes what came before (`lay_ahead`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import accumulate, count, islice
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from yuanjiao.lib.errors import Refused
from yuanjiao.lib.rows import copy_in

CHUNK = 20_000
ENTRY_BITS = 32
ENTRY_MASK = (1 << ENTRY_BITS) - 1
BOUND = 1000


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One object's new state from `at` on; `last` and `latest` bound the true beginning of a silence."""

    code: str
    state: str
    at: datetime
    last: datetime | None = None
    latest: datetime | None = None
    reason: str = ""


Entry = tuple[UUID, int, Sequence[Change]]
"""observer, seq, its changes."""
TOLD = (
    "SELECT s.ord, s.code, w.state, w.at, w.last_heard_at, w.latest_at, w.reason, e.observer, e.seq "
    "FROM network_said s CROSS JOIN network_word w CROSS JOIN network_entry e WHERE w.id = s.word AND e.id = s.entry"
)
"""For SQLite CROSS JOIN keeps to the order told."""
TABLES = ("network_said", "network_word", "network_entry")
MADE = {
    "sqlite": (
        "CREATE TEMPORARY TABLE IF NOT EXISTS network_said (ord integer primary key, code text, word integer, entry integer)",
        "CREATE TEMPORARY TABLE IF NOT EXISTS network_word "
        "(id integer primary key, state text, at text, last_heard_at text, latest_at text, reason text)",
        "CREATE TEMPORARY TABLE IF NOT EXISTS network_entry (id integer primary key, observer text, seq integer, first integer)",
        f"CREATE TEMPORARY VIEW IF NOT EXISTS network_told AS {TOLD}",
    ),
    "postgresql": (
        "CREATE TEMPORARY TABLE network_said (ord integer, code text, word integer, entry integer)",
        "CREATE TEMPORARY TABLE network_word (id integer primary key, state text, at timestamptz, last_heard_at timestamptz, "
        "latest_at timestamptz, reason text)",
        "CREATE TEMPORARY TABLE network_entry (id integer primary key, observer uuid, seq bigint, first integer)",
        f"CREATE TEMPORARY VIEW network_told AS {TOLD}",
    ),
}
KINDS = {
    "network_word": ("integer", "text", "timestamptz", "timestamptz", "timestamptz", "text"),
    "network_entry": ("integer", "uuid", "bigint", "integer"),
}
"""Of the columns as a database server has them."""
CLEARED = {"sqlite": tuple(f"DELETE FROM {table}" for table in TABLES), "postgresql": (f"TRUNCATE {', '.join(TABLES)}",)}


class Laid(msgspec.Struct, frozen=True):
    """Changes of some entries in the form the database takes: codes with their numbers, the distinct words, and whether no object
    occurs twice."""

    parts: list[str]
    words: list[tuple[Any, ...]]
    once: bool


Changes = Sequence[Sequence[Change]]
"""Of each entry."""
_AHEAD: deque[tuple[Changes, Laid]] = deque(maxlen=2)
"""What was laid out ahead and not yet asked for: one part is written, the next one waits."""


def lay_ahead(changes: Changes) -> None:
    """Lay out what will be told next, in any thread: whoever tells of just these objects in memory finds it done."""
    _AHEAD.append((changes, laid(changes)))


def lay_out(entries: Sequence[Entry]) -> bool:
    """Lay out what is told; what was laid out before is gone. True when no object is told of twice.

    Refused when one entry tells of an object twice.
    """
    done = _done_ahead(entries) or laid([changes for *_, changes in entries])
    clear()
    (_say if connection.vendor == "sqlite" else _copy)(done, entries)
    return done.once


def clear() -> None:
    """Nothing is told; the tables are made at the first use of a connection."""
    vendor = connection.vendor
    with connection.cursor() as cursor:
        if vendor == "sqlite" or not is_made(cursor, "network_told"):
            for statement in MADE[vendor]:
                cursor.execute(statement)
        for statement in CLEARED[vendor]:
            cursor.execute(statement)


def is_made(cursor: Any, name: str) -> bool:
    """Whether a database server knows a table of this connection's own; to make it if it does not exist would say so each time."""
    cursor.execute("SELECT to_regclass(%s)", [f"pg_temp.{name}"])
    return cursor.fetchone()[0] is not None


def laid(changes: Changes) -> Laid:
    """Asks no database. Refused when one entry tells of an object twice."""
    words = _Numbered()
    said = [
        {one.code: words[one.state, one.at, one.last, one.latest, one.reason] << ENTRY_BITS | number for one in told}
        for number, told in enumerate(changes)
    ]
    told_of = sum(map(len, changes))
    if sum(map(len, said)) < told_of:
        raise Refused("一条状态记录中同一对象出现了两次")
    once = len(set().union(*said)) == told_of
    embedded = connection.vendor == "sqlite"
    parts = [msgspec.json.encode(part).decode() for part in _apart(said)] if embedded else [_lines(said)]
    return Laid(parts, list(words), once)


def _done_ahead(entries: Sequence[Entry]) -> Laid | None:
    for waiting in list(_AHEAD):
        changes, done = waiting
        if len(changes) == len(entries) and all(one is other for one, (*_, other) in zip(changes, entries, strict=True)):
            with suppress(ValueError):
                _AHEAD.remove(waiting)
            return done
    return None


def _apart(said: Sequence[dict[str, int]]) -> Iterator[dict[str, int]]:
    """As few objects as can be; a code that comes again, or a great many, begin a new one."""
    part: dict[str, int] = {}
    for told in said:
        if part and (len(part) >= CHUNK or not part.keys().isdisjoint(told)):
            yield part
            part = {}
        part |= told
    if part:
        yield part


def _lines(said: Sequence[dict[str, int]]) -> str:
    """As COPY reads them: place, code, word, entry."""
    order = count(1)
    return "".join(
        f"{next(order)}\t{code.translate(ESCAPED)}\t{both >> ENTRY_BITS}\t{both & ENTRY_MASK}\n"
        for told in said
        for code, both in told.items()
    )


ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _say(done: Laid, entries: Sequence[Entry]) -> None:
    with connection.cursor() as cursor:
        for part in done.parts:
            cursor.execute(
                f"INSERT INTO network_said SELECT NULL, key, value >> {ENTRY_BITS}, value & {ENTRY_MASK} FROM json_each(%s)", [part]
            )
    moments = _Made(connection.ops.adapt_datetimefield_value)
    rows = ((number, state, *(moments[time] for time in times), reason) for number, (state, *times, reason) in enumerate(done.words))
    _insert("network_word", rows, 6)
    _insert("network_entry", ((number, observer.hex, seq, first) for number, observer, seq, first in _entry_rows(entries)), 4)


def _copy(done: Laid, entries: Sequence[Entry]) -> None:
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy("COPY network_said FROM STDIN") as copy:
        for part in done.parts:
            copy.write(part)
    copy_in("network_word", KINDS["network_word"], ((number, *word) for number, word in enumerate(done.words)))
    copy_in("network_entry", KINDS["network_entry"], _entry_rows(entries))


def _entry_rows(entries: Sequence[Entry]) -> Iterator[tuple[int, UUID, int, int]]:
    """Number, observer, seq, and the place of its first change."""
    firsts = accumulate((len(changes) for *_, changes in entries), initial=1)
    return ((number, observer, seq, first) for (number, (observer, seq, _)), first in zip(enumerate(entries), firsts, strict=False))


def _insert(table: str, rows: Iterator[tuple[Any, ...]], width: int) -> None:
    statement = f"INSERT INTO {table} VALUES ({', '.join(['%s'] * width)})"
    with connection.cursor() as cursor:
        while part := list(islice(rows, BOUND)):
            cursor.executemany(statement, part)


class _Made(dict[Any, Any]):
    """What was made of each value, once. The same few come again and again: in a storm 700,000 times."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__({None: None})
        self.make = make

    def __missing__(self, value: Any) -> Any:
        found = self[value] = self.make(value)
        return found


class _Numbered(dict[Any, int]):
    """Each distinct value has a number, in the order of first use."""

    def __missing__(self, value: Any) -> int:
        number = self[value] = len(self)
        return number
