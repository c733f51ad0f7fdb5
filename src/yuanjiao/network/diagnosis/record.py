"""Outages into rows, in bulk: a storm's 700,000 children are written as one statement a piece, never one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

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
    adapt = connection.ops.adapt_datetimefield_value
    times: dict[float | None, Any] = {None: None}
    for row in rows:
        for seconds in row[1:5]:
            if seconds not in times:
                times[seconds] = adapt(moment(seconds))  # type: ignore[arg-type]
    detected, uid = adapt(at), Outage._meta.get_field("uid")
    values = [
        (
            uid.get_db_prep_value(new_uid(), connection),
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


def _names() -> tuple[str, str]:
    quote = connection.ops.quote_name
    return quote(Outage._meta.db_table), ", ".join(quote(name) for name in FIELDS)


def end_outages(ends: Iterable[tuple[int, float]]) -> None:
    """Key and moment of each end."""
    table = connection.ops.quote_name(Outage._meta.db_table)
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET ended_at = %s WHERE id = %s", [(adapt(moment(at)), pk) for pk, at in ends])


def change(keys: Iterable[int], **values: Any) -> None:
    """The same change of many rows."""
    for part in batches(keys):
        Outage.objects.filter(pk__in=part).update(**values)
