"""Writing many rows without making an object of each: for what comes by the thousand.

A database server takes a COPY in its own binary form, an embedded database the driver's executemany; the ORM costs several times as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write new rows in their order, inside the caller's transaction. `columns` are those of the table; the key may be left out.

    Values are text, bytes, numbers, booleans, uuids, aware times and dates, each of its column's type. A constraint that is broken
    raises IntegrityError.
    """
    target = f"{_table(model)} ({', '.join(map(connection.ops.quote_name, columns))})"
    if connection.vendor == "postgresql":
        copy_in(target, _kinds(model, tuple(columns)), rows)
        return
    moments = _Moments()
    with connection.cursor() as cursor:
        statement = f"INSERT INTO {target} VALUES ({', '.join(['%s'] * len(columns))})"
        cursor.executemany(statement, [_plain(row, moments) for row in rows])


def reserve_keys(model: type[Model], count: int) -> Sequence[int]:
    """Keys for `count` new rows, in order, nobody else's: for whoever must know them before the rows are written.

    To be written inside the same transaction: an embedded database only promises them to its one writer.
    """
    if not count:
        return ()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sequence = f"SELECT nextval(pg_get_serial_sequence('{_table(model)}', 'id')) FROM generate_series(1, %s)"
            cursor.execute(sequence, [count])
            return [key for (key,) in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        last = (cursor.fetchone() or (0,))[0]
    return range(last + 1, last + 1 + count)


def update(model: type[Model], columns: Sequence[str], rows: Iterable[tuple[int, *tuple[Any, ...]]]) -> None:
    """Give rows other values: each is its key and what belongs into `columns`. As `insert` in all else."""
    moments, quote = _Moments(), connection.ops.quote_name
    values = [(*more, key) for key, *more in (row if connection.vendor == "postgresql" else _plain(row, moments) for row in rows)]
    if values:
        settings = ", ".join(f"{quote(column)} = %s" for column in columns)
        with connection.cursor() as cursor:
            cursor.executemany(f"UPDATE {_table(model)} SET {settings} WHERE id = %s", values)


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


@cache
def _kinds(model: type[Model], columns: tuple[str, ...]) -> list[str]:
    """What a database server calls the types of these columns, without their lengths."""
    types = {field.column: field.db_type(connection) or "" for field in model._meta.concrete_fields}
    return [types[column].partition("(")[0] for column in columns]


def copy_in(target: str, kinds: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """The same into a table of a database server that has no model: its name (with its columns, quoted) and what the server calls
    their types."""
    statement = f"COPY {target} FROM STDIN (FORMAT BINARY)"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(kinds)
        for row in rows:
            copy.write_row(row)


def _plain(row: Sequence[Any], moments: _Moments) -> list[Any]:
    """What an embedded database keeps in place of a value."""
    return [value.hex if type(value) is UUID else moments[value] if type(value) in (datetime, date) else value for value in row]


class _Moments(dict[Any, Any]):
    """Each moment and day as it is kept, made once: some of them stand in every row."""

    def __missing__(self, value: Any) -> Any:
        make = connection.ops.adapt_datetimefield_value if type(value) is datetime else connection.ops.adapt_datefield_value
        found = self[value] = make(value)
        return found
