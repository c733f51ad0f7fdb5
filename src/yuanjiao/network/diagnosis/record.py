"""Outages into rows, in bulk: a storm's 700,000 children are written as one statement a piece, never one by one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from yuanjiao.lib.uid import new_uid
from yuanjiao.network.diagnosis.picture import batches
from yuanjiao.network.models import Outage

FIELDS = (
    "uid",
    "object_id",
    "started_at",
    "started_lo",
    "started_hi",
    "detected_at",
    "ended_at",
    "root_id",
    "held",
    "held_for",
    "sign",
    "fault_class",
    "affected_count",
)
Row = tuple[Any, ...]


def moment(seconds: float) -> datetime:
    """The aware moment of a second; derived rows keep whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC)


def insert_children(rows: Sequence[tuple[int, float, float, float, float | None, int, str, str]], at: datetime) -> None:
    """Rows of outages that another explains: object, started, lo, hi, ended, root, class, sign."""
    if not rows:
        return
    table, columns = _names()
    times, uids = _Times({None: None}), _uids(len(rows))
    detected = connection.ops.adapt_datetimefield_value(at)
    values = [
        (
            next(uids),
            subject,
            times[started],
            times[lo],
            times[hi],
            detected,
            times[ended],
            root,
            False,
            "",
            sign,
            fault,
            1,
        )
        for subject, started, lo, hi, ended, root, fault, sign in rows
    ]
    marks = ", ".join(["%s"] * len(FIELDS))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)


def _uids(count: int) -> Iterator[Any]:
    """As `lib.uid.new_uid`, for very many at once and as the database takes them: one moment, one draw of chance."""
    stamp, chance = new_uid().int >> 80 << 80, os.urandom(10 * count)
    native = connection.features.has_native_uuid_field
    for start in range(0, 10 * count, 10):
        rand = int.from_bytes(chance[start : start + 10], "big")
        value = stamp | 0x7 << 76 | (rand >> 62 & 0xFFF) << 64 | 0b10 << 62 | rand & (1 << 62) - 1
        yield UUID(int=value) if native else f"{value:032x}"


class _Times(dict[Any, Any]):
    """Seconds since 1970 → the moment as the database takes it."""

    def __missing__(self, seconds: float) -> Any:
        self[seconds] = value = connection.ops.adapt_datetimefield_value(moment(seconds))
        return value


def _names() -> tuple[str, str]:
    quote = connection.ops.quote_name
    return quote(Outage._meta.db_table), ", ".join(quote(name) for name in FIELDS)


def end_outages(ends: Iterable[tuple[int, float]]) -> None:
    """Key and moment of each end."""
    table = connection.ops.quote_name(Outage._meta.db_table)
    times, values = _Times(), []
    for pk, at in ends:
        values.append((times[at], pk))
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(f"UPDATE {table} SET ended_at = %s WHERE id = %s", values)


def change(keys: Iterable[int], **values: Any) -> None:
    """The same change of many rows."""
    for part in batches(keys):
        Outage.objects.filter(pk__in=part).update(**values)
