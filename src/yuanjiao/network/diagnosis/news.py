"""State changes not yet judged, read as columns: a storm of 700,000 rows must be seen whole before the first root is named."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import F
from numpy.typing import NDArray

from yuanjiao.network.counting.reading import Epoch, number_of
from yuanjiao.network.diagnosis.picture import STATES, batches
from yuanjiao.network.models import StateChange
from yuanjiao.network.rules.causes import Forest, Places, Seconds

MOST = 1_500_000
"""So many rows are judged at once at the most: memory has an end."""


@dataclass(frozen=True)
class News:
    """Rows by object and time. `until` is NaN for what is so now; `place` is -1 for what is not in service."""

    ids: Places
    objects: Places
    place: Places
    state: NDArray[np.int8]
    at: Seconds
    until: Seconds
    last: Seconds
    latest: Seconds
    observer: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)


class _Seconds(dict[str | None, float]):
    """Moment as text of the database → whole seconds since 1970. In a storm there are few different ones among very many rows."""

    def __missing__(self, key: str) -> float:
        at = datetime.fromisoformat(key)
        self[key] = seconds = float(math.floor((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()))
        return seconds


class _Numbers(dict[Any, int]):
    """Observer as the database gives it → its number in this process."""

    def __missing__(self, key: Any) -> int:
        self[key] = number = number_of(UUID(str(key)))
        return number


FIELDS = ("id", "object_id", "state", "observer")
TIMES = ("at", "until", "last_heard_at", "latest_at")


def _columns() -> list[tuple[Any, ...]]:
    """Read past the ORM, times as text: to convert 700,000 rows field by field would take longer than all the rest."""
    quote = connection.ops.quote_name
    wanted = ", ".join([*map(quote, FIELDS), *(f"CAST({quote(name)} AS TEXT)" for name in TIMES)])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {wanted} FROM {quote(StateChange._meta.db_table)} WHERE NOT judged ORDER BY id LIMIT {MOST}")
        return list(zip(*cursor.fetchall(), strict=True)) or [()] * (len(FIELDS) + len(TIMES))


def read_news(forest: Forest) -> News:
    """Everything new, ordered by object, time and row."""
    columns = _columns()
    ids, objects = (np.array(column, np.int64) for column in columns[:2])
    seconds, numbers = _Seconds({None: np.nan}), _Numbers()
    at, until, last, latest = (np.array(list(map(seconds.__getitem__, column)), np.float64) for column in columns[4:])
    order = np.lexsort((ids, at, objects))
    return News(
        ids=ids[order],
        objects=objects[order],
        place=forest.places(objects[order]),
        state=np.array(list(map(STATES.__getitem__, columns[2])), np.int8)[order],
        at=at[order],
        until=until[order],
        last=last[order],
        latest=latest[order],
        observer=np.array(list(map(numbers.__getitem__, columns[3])), np.int32)[order],
    )


def mark_judged(ids: Places) -> None:
    """These rows are in outages now. Rows that came together have numbers in a row, which one statement covers."""
    ordered = np.sort(ids)
    if not len(ordered):
        return
    cuts = np.flatnonzero(np.diff(ordered) > 1)
    firsts, lasts = ordered[np.r_[0, cuts + 1]], ordered[np.r_[cuts, len(ordered) - 1]]
    for first, last in zip(firsts[lasts > firsts].tolist(), lasts[lasts > firsts].tolist(), strict=True):
        StateChange.objects.filter(pk__range=(first, last), judged=False).update(judged=True)
    for part in batches(firsts[lasts == firsts].tolist()):
        StateChange.objects.filter(pk__in=part).update(judged=True)


def stories(objects: Iterable[int]) -> dict[int, list[tuple[int, float, float | None, float | None, float | None]]]:
    """Every span of these objects, oldest first: state, from, to, last heard, latest beginning."""
    found: dict[int, list[tuple[int, float, float | None, float | None, float | None]]] = {}
    for part in batches(objects):
        rows = StateChange.objects.filter(object__in=part).order_by("object_id", "at", "id")
        times = [Epoch(F(name)) for name in ("at", "until", "last_heard_at", "latest_at")]
        for pk, state, *span in rows.values_list("object_id", "state", *times):
            found.setdefault(pk, []).append((STATES[state], *span))
    return found
