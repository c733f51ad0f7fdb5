"""Writing many rows that are new, without making an object of each: for what comes by the thousand.

A database server takes the lines of a COPY, an embedded database the driver's executemany; the ORM costs several times as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows in their order, inside the caller's transaction. `columns` are those of the table, all but a key it makes by itself.

    Values are text, bytes, numbers, booleans, uuids, aware times and dates. A constraint that is broken raises IntegrityError.
    """
    quote = connection.ops.quote_name
    target = f"{quote(model._meta.db_table)} ({', '.join(map(quote, columns))})"
    if connection.vendor == "postgresql":
        _copy(target, rows)
        return
    moments = _Moments()
    with connection.cursor() as cursor:
        statement = f"INSERT INTO {target} VALUES ({', '.join(['%s'] * len(columns))})"
        cursor.executemany(statement, [_plain(row, moments) for row in rows])


def _copy(target: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
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
