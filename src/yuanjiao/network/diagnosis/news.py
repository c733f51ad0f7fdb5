"""State changes not yet judged, read as columns: a storm of 700,000 rows must be seen whole before the first root is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import F, TextField
from django.db.models.functions import Cast
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


def read_news(forest: Forest) -> News:
    """Everything new, ordered by object, time and row."""
    times = [Epoch(F(name)) for name in ("at", "until", "last_heard_at", "latest_at")]
    rows = StateChange.objects.filter(judged=False).order_by("id")[:MOST]
    fields = rows.values_list("id", "object_id", "state", Cast("observer", TextField()), *times)
    columns = list(zip(*fields.iterator(chunk_size=50_000), strict=True)) or [()] * 8
    ids, objects = (np.array(column, np.int64) for column in columns[:2])
    at, until, last, latest = (np.array(column, np.float64) for column in columns[4:])
    order = np.lexsort((ids, at, objects))
    numbers = {who: number_of(UUID(who)) for who in set(columns[3])}
    return News(
        ids=ids[order],
        objects=objects[order],
        place=forest.places(objects[order]),
        state=np.array([STATES[state] for state in columns[2]], np.int8)[order],
        at=at[order],
        until=until[order],
        last=last[order],
        latest=latest[order],
        observer=np.array([numbers[who] for who in columns[3]], np.int32)[order],
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
