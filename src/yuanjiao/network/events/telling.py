"""Told changes laid out for the database, as a table `network_told` of this connection: one row per change, in the order told.

In a storm a few moments stand for 700,000 changes. For an embedded database the distinct words (state, times, reason) are therefore
written once, and each change is its object's code and two small numbers in one JSON object that the database takes apart itself: a row
bound value by value costs four times as much. A database server takes the rows by COPY.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import count, islice
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from yuanjiao.lib.errors import Refused

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
ONE_TABLE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS network_told (ord bigint, code text, state text, at timestamptz, "
    "last_heard_at timestamptz, latest_at timestamptz, reason text, observer uuid, seq bigint)",
    "TRUNCATE network_told",
)
TABLES = ("network_said", "network_word", "network_entry")
VIEW = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS network_said (ord integer primary key, code text, word integer, entry integer)",
    "CREATE TEMPORARY TABLE IF NOT EXISTS network_word "
    "(id integer primary key, state text, at text, last_heard_at text, latest_at text, reason text)",
    "CREATE TEMPORARY TABLE IF NOT EXISTS network_entry (id integer primary key, observer text, seq integer, first integer)",
    "CREATE TEMPORARY VIEW IF NOT EXISTS network_told AS "
    "SELECT s.ord, s.code, w.state, w.at, w.last_heard_at, w.latest_at, w.reason, e.observer, e.seq "
    "FROM network_said s CROSS JOIN network_word w ON w.id = s.word CROSS JOIN network_entry e ON e.id = s.entry",
    *(f"DELETE FROM {table}" for table in TABLES),
)  # CROSS JOIN: in the order told


def lay_out(entries: Sequence[Entry]) -> bool:
    """Lay out what is told; what was laid out before is gone. True when no object is told of twice.

    Refused when one entry tells of an object twice.
    """
    embedded = connection.vendor == "sqlite"
    clear()
    seen: set[str] = set()
    for _, _, changes in entries:
        codes = {change.code for change in changes}
        if len(codes) < len(changes):
            raise Refused("一条状态记录中同一对象出现了两次")
        seen |= codes
    (_say if embedded else _copy)(entries)
    return len(seen) == sum(len(changes) for _, _, changes in entries)


def clear() -> None:
    """Nothing is told; the tables are made at the first use of a connection."""
    with connection.cursor() as cursor:
        for statement in VIEW if connection.vendor == "sqlite" else ONE_TABLE:
            cursor.execute(statement)


def _say(entries: Sequence[Entry]) -> None:
    words = _Numbered()
    for part in _apart(entries, words):
        text = msgspec.json.encode(part).decode()
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO network_said SELECT NULL, key, value >> {ENTRY_BITS}, value & {ENTRY_MASK} FROM json_each(%s)", [text]
            )
    moments = _Made(connection.ops.adapt_datetimefield_value)
    rows = ((number, state, *(moments[time] for time in times), reason) for (state, *times, reason), number in words.items())
    _insert("network_word", rows, 6)
    _insert("network_entry", _entry_rows(entries), 4)


def _apart(entries: Sequence[Entry], words: dict[Any, int]) -> Iterator[dict[str, int]]:
    """Code → number of its word and of its entry; a code that comes again, or a great many, begin a new part."""
    part: dict[str, int] = {}
    for number, (_, _, changes) in enumerate(entries):
        told = {one.code: words[one.state, one.at, one.last, one.latest, one.reason] << ENTRY_BITS | number for one in changes}
        if part and (len(part) >= CHUNK or not part.keys().isdisjoint(told)):
            yield part
            part = {}
        part |= told
    if part:
        yield part


def _entry_rows(entries: Sequence[Entry]) -> Iterator[tuple[int, str, int, int]]:
    first = 1
    for number, (observer, seq, changes) in enumerate(entries):
        yield number, observer.hex, seq, first
        first += len(changes)


def _insert(table: str, rows: Iterator[tuple[Any, ...]], width: int) -> None:
    statement = f"INSERT INTO {table} VALUES ({', '.join(['%s'] * width)})"
    with connection.cursor() as cursor:
        while part := list(islice(rows, BOUND)):
            cursor.executemany(statement, part)


def _copy(entries: Sequence[Entry]) -> None:
    order = count(1)
    with connection.cursor() as cursor, cursor.copy("COPY network_told FROM STDIN") as copy:
        for observer, seq, changes in entries:
            for one in changes:
                copy.write_row((next(order), one.code, one.state, one.at, one.last, one.latest, one.reason, observer, seq))


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
