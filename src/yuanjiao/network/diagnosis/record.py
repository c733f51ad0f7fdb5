"""Outages into rows, in bulk: a storm's 700,000 children are written as one statement a piece, never one by one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from yuanjiao.lib.rows import insert, reserve_keys, update
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.diagnosis.picture import batches
from yuanjiao.network.models import Outage, Sign

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


@dataclass(frozen=True)
class Root:
    """One row of a root that is to be written; moments in seconds since 1970."""

    subject: int
    started: float
    lo: float
    hi: float
    ended: float | None = None
    held_for: str = ""
    sign: str = Sign.SILENCE.value
    affected: int = 1


def insert_roots(rows: Sequence[Root], at: datetime) -> Sequence[int]:
    """Rows of outages that nothing explains; returns their keys."""
    keys, make = reserve_keys(Outage, len(rows)), _Made(at, len(rows))
    insert(Outage, ("id", *FIELDS), [(key, *make.root(row)) for key, row in zip(keys, rows, strict=True)])
    return keys


def insert_children(rows: Sequence[tuple[int, float, float, float, float | None, int, str, str]], at: datetime) -> None:
    """Rows of outages that another explains: object, started, lo, hi, ended, root, class, sign."""
    if rows:
        make = _Made(at, len(rows))
        insert(Outage, FIELDS, [make.child(*row) for row in rows])


class _Made:
    """Rows as `FIELDS` names their columns. Moments and chance are drawn once for all of them."""

    def __init__(self, at: datetime, count: int) -> None:
        self._times, self._uids = _Times({None: None}), _uids(count)
        self._detected = connection.ops.adapt_datetimefield_value(at)

    def root(self, row: Root) -> Row:
        seen = self._seen(row.subject, row.started, row.lo, row.hi, row.ended)
        return (*seen, None, bool(row.held_for), row.held_for, row.sign, "", row.affected)

    def child(self, subject: int, started: float, lo: float, hi: float, ended: float | None, root: int, fault: str, sign: str) -> Row:
        return (*self._seen(subject, started, lo, hi, ended), root, False, "", sign, fault, 1)

    def _seen(self, subject: int, started: float, lo: float, hi: float, ended: float | None) -> Row:
        times = self._times
        return (next(self._uids), subject, times[started], times[lo], times[hi], self._detected, times[ended])


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


def end_outages(ends: Iterable[tuple[int, float]]) -> None:
    """Key and moment of each end."""
    times = _Times()
    update(Outage, ("ended_at",), ((pk, times[at]) for pk, at in ends))


def change(keys: Iterable[int], **values: Any) -> None:
    """The same change of many rows."""
    for part in batches(keys):
        Outage.objects.filter(pk__in=part).update(**values)
