"""Outages as spans for the rooms that count them: without verdicts, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Count, Max, Q, QuerySet
from numpy.typing import NDArray

from yuanjiao.network.models import Instability, ManagedObject, Outage
from yuanjiao.network.rules.rates import Ints
from yuanjiao.people.queries import within
from yuanjiao.places.queries import is_wide


@dataclass(frozen=True)
class OutageSpan:
    """One outage: whose, where, from when to when (None: still), and the outage that explains it (itself, if it is a root)."""

    outage_id: int
    code: str
    path: str
    started_at: datetime
    ended_at: datetime | None
    root_id: int


@dataclass(frozen=True)
class Trouble:
    """An object that broke `times` times; `last` is the latest beginning, or since when it comes and goes."""

    name: str
    code: str
    kind: str
    path: str
    times: int
    last: datetime


def _spans(rows: QuerySet[Outage]) -> Iterator[OutageSpan]:
    fields = ("pk", "object__code", "object__division__path", "started_at", "ended_at", "root")
    for pk, code, path, started, ended, root in rows.values_list(*fields).iterator():
        yield OutageSpan(pk, code, path, started, ended, pk if root is None else root)


def outage_spans(ids: Sequence[int]) -> list[OutageSpan]:
    """The outages with these ids; at most some hundreds at once."""
    return list(_spans(Outage.objects.filter(pk__in=ids)))


def spans_of(codes: Iterable[str], *, ended_from: datetime, started_to: datetime) -> list[OutageSpan]:
    """Outages of the named objects that ended at or after `ended_from` (or last) and began at or before `started_to`."""
    alive = Q(ended_at=None) | Q(ended_at__gte=ended_from)
    return list(_spans(Outage.objects.filter(alive, object__code__in=list(codes), started_at__lte=started_to)))


def root_spans(paths: Iterable[str], start: datetime, end: datetime) -> Iterator[OutageSpan]:
    """The same roots as `detected_outages` lists: those that began in [start, end) under any of the paths."""
    return _spans(_roots(paths, start, end))


def _roots(paths: Iterable[str], start: datetime, end: datetime) -> QuerySet[Outage]:
    return _between_moments(start, end).filter(within("object__division__path", paths))


def _between_moments(start: datetime, end: datetime) -> QuerySet[Outage]:
    return Outage.objects.filter(root=None, started_at__gte=start, started_at__lt=end)


@dataclass(frozen=True, eq=False)
class RootTally:
    """Roots of two spans of time that follow one another, counted by place: as many numbers as places were asked for."""

    before: Ints
    recent: Ints


def root_tally(paths: Iterable[str], places: Sequence[str], start: datetime, turn: datetime, end: datetime) -> RootTally:
    """How many of the roots under `paths` that began in [start, turn) and [turn, end) lie under each place; a root counts in each."""
    wanted, found = list(paths), []
    for first, last in ((start, turn), (turn, end)):
        rows = _roots(wanted, first, last).order_by().values_list("object__division__path", flat=True)
        found.append(np.sort(np.array([path.encode() for path in rows.iterator(chunk_size=20_000)], np.bytes_)))
    below = [np.array([place.encode() + more for place in places], np.bytes_) for more in (b"", b"\x7f")]
    return RootTally(*(_between(ordered, *below) for ordered in found))


def _between(ordered: NDArray[np.bytes_], low: NDArray[np.bytes_], high: NDArray[np.bytes_]) -> Ints:
    """How many of the ordered texts lie in each [low, high)."""
    return np.searchsorted(ordered, high) - np.searchsorted(ordered, low)


def repeated_roots(paths: Iterable[str], start: datetime, end: datetime, *, least: int, limit: int) -> list[Trouble]:
    """Objects with at least so many root outages in [start, end), the most first."""
    wanted = list(paths)
    rows = _between_moments(start, end) if any(is_wide(path) for path in wanted) else _roots(wanted, start, end)
    counted = rows.order_by().values("object").annotate(times=Count("pk"), last=Max("started_at")).filter(times__gte=least)
    times = {row["object"]: (row["times"], row["last"]) for row in counted}
    found: list[Trouble] = []
    for keys in _parts(sorted(times)):
        objects = ManagedObject.objects.filter(within("division__path", wanted), pk__in=keys)
        for pk, name, code, kind, path in objects.values_list("pk", "name", "code", "kind", "division__path"):
            found.append(Trouble(name, code, kind, path, *times[pk]))
    return sorted(found, key=lambda row: (-row.times, row.code))[:limit]


def _parts(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    return (keys[start : start + 500] for start in range(0, len(keys), 500))


def unstable_now(paths: Iterable[str], *, limit: int) -> list[Trouble]:
    """Objects that come and go now, those with the most drops first."""
    rows = Instability.objects.filter(within("object__division__path", paths), ended_at=None).order_by("-drops", "pk")
    fields = ("object__name", "object__code", "object__kind", "object__division__path", "drops", "started_at")
    return [Trouble(*row) for row in rows.values_list(*fields)[:limit]]
