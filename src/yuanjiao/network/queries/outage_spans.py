"""Outages as spans for the rooms that count them: without verdicts, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet

from yuanjiao.network.models import Instability, Outage
from yuanjiao.people.queries import within


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
    return Outage.objects.filter(within("object__division__path", paths), root=None, started_at__gte=start, started_at__lt=end)


def repeated_roots(paths: Iterable[str], start: datetime, end: datetime, *, least: int, limit: int) -> list[Trouble]:
    """Objects with at least so many root outages in [start, end), the most first."""
    rows = _roots(paths, start, end).order_by().values("object").annotate(times=Count("pk"), last=Max("started_at"))
    named = rows.filter(times__gte=least).order_by("-times", "object__code")
    fields = ("object__name", "object__code", "object__kind", "object__division__path", "times", "last")
    return [Trouble(*row) for row in named.values_list(*fields)[:limit]]


def unstable_now(paths: Iterable[str], *, limit: int) -> list[Trouble]:
    """Objects that come and go now, those with the most drops first."""
    rows = Instability.objects.filter(within("object__division__path", paths), ended_at=None).order_by("-drops", "pk")
    fields = ("object__name", "object__code", "object__kind", "object__division__path", "drops", "started_at")
    return [Trouble(*row) for row in rows.values_list(*fields)[:limit]]
