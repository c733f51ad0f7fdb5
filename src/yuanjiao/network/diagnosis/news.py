"""State changes not yet judged, read as columns: a storm of 700,000 rows must be seen whole before the first root is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import sqlite_version_info
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
BOUNDS = ("last_heard_at", "latest_at")


@dataclass(frozen=True)
class News:
    """Rows by object and time. `until` is NaN for what is so now; `place` is -1 for what is not in service.

    `last` and `latest` are NaN where they are not known, or are `at` itself.
    """

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


JOIN = {"sqlite": "GROUP_CONCAT({}, ' ')", "postgresql": "STRING_AGG(({})::text, ' ')"}
SECONDS = {
    "sqlite": "unixepoch({})" if sqlite_version_info >= (3, 38) else "strftime('%s', {})",
    "postgresql": "FLOOR(EXTRACT(EPOCH FROM {}))::bigint",
}
STATE = "CASE state " + " ".join(f"WHEN '{name}' THEN {number}" for name, number in STATES.items()) + " END"
NONE = -1


def _columns() -> list[str]:
    """Each column of the new rows as one text, joined in the database: to take 700,000 rows over one by one costs more than all the rest.

    One pass joins all columns, so that they have one order. A bound that is the beginning itself says nothing more, and is left out.
    """
    quote, join, seconds = connection.ops.quote_name, JOIN[connection.vendor], SECONDS[connection.vendor]
    table, at = quote(StateChange._meta.db_table), quote("at")
    bounds = [f"CASE WHEN {name} = {at} THEN {NONE} ELSE COALESCE({seconds.format(name)}, {NONE}) END" for name in BOUNDS]
    wanted = ["id", "object_id", STATE, "observer", seconds.format(at), f"COALESCE({seconds.format(quote('until'))}, {NONE})", *bounds]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} WHERE NOT judged ORDER BY id LIMIT 1 OFFSET {MOST}")
        beyond = cursor.fetchone()
        before = f"AND id < {beyond[0]}" if beyond else ""
        cursor.execute(f"SELECT {', '.join(map(join.format, wanted))} FROM {table} WHERE NOT judged {before}")
        return [text or "" for text in cursor.fetchone()]


def _numbers(text: str) -> NDArray[np.int64]:
    """Whole numbers with a blank between them."""
    return np.fromstring(text, np.int64, sep=" ") if text else np.zeros(0, np.int64)


def _seconds(text: str) -> Seconds:
    """As `_numbers`, NaN where there is none."""
    found = _numbers(text)
    return np.where(found == NONE, np.nan, found)


def _observers(text: str, count: int) -> NDArray[np.int32]:
    """The observers' numbers in this process. Their names are all of one length; what came together mostly has one of them."""
    if not count:
        return np.zeros(0, np.int32)
    names = np.frombuffer(f"{text} ".encode("ascii"), f"S{(len(text) + 1) // count}")
    begins = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    numbers = {name: number_of(UUID(name.decode().strip())) for name in set(names[begins].tolist())}
    runs = np.array([numbers[name] for name in names[begins].tolist()], np.int32)
    return np.repeat(runs, np.diff(np.r_[begins, count]))


def read_news(forest: Forest) -> News:
    """Everything new, ordered by object, time and row."""
    texts = _columns()
    ids, objects, states = map(_numbers, texts[:3])
    at, until, last, latest = map(_seconds, texts[4:])
    order = np.lexsort((ids, at, objects))
    return News(
        ids=ids[order],
        objects=objects[order],
        place=forest.places(objects[order]),
        state=states[order].astype(np.int8),
        at=at[order],
        until=until[order],
        last=last[order],
        latest=latest[order],
        observer=_observers(texts[3], len(ids))[order],
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
