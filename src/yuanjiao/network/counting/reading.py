"""State changes and play tests as columns of whole numbers, and how far each observer's record reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from uuid import UUID

import numpy as np
from django.db.models import BigIntegerField, F, Func, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast

from yuanjiao.lib import clock
from yuanjiao.network.models import ListeningMark, ManagedObject, PlayTest, StateChange, Watermark, begun_from
from yuanjiao.network.rules.days import Day, day_of
from yuanjiao.network.rules.rates import DOWN, FOREVER, UP, Ints, RateRule, SiteSpans

CODES = {"up": UP, "down": DOWN, "unknown": 0}
BATCH = 500
OBSERVERS: dict[UUID, int] = {}
"""Observers seen by this process, numbered, so that a span's observer fits into an integer column."""


class Epoch(Func):
    """Whole seconds since 1970 UTC, made in the database: Python datetimes of a month of rows would cost more than the sums."""

    output_field = BigIntegerField()

    def as_sqlite(self, compiler, connection, **extra):  # type: ignore[no-untyped-def]  # Django's own signature is untyped
        return super().as_sql(compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)", **extra)

    def as_postgresql(self, compiler, connection, **extra):  # type: ignore[no-untyped-def]  # as above
        return super().as_sql(compiler, connection, template="FLOOR(EXTRACT(EPOCH FROM %(expressions)s))::bigint", **extra)


def moment(seconds: int) -> datetime:
    """The aware moment of a whole second."""
    return datetime.fromtimestamp(seconds, clock.CHINA)


def number_of(observer: UUID) -> int:
    """The observer's number in this process."""
    return OBSERVERS.setdefault(observer, len(OBSERVERS))


def span_rows(rows: QuerySet[StateChange]) -> Iterable[tuple[int, ...]]:
    """(site, state, at, until, last heard, observer's number, key) of each row; FOREVER for an open end, 0 where no beat is known."""
    at, until, heard, observer = Epoch(F("at")), Epoch(F("until")), Epoch(F("last_heard_at")), Cast("observer", TextField())
    numbers: dict[str, int] = {}
    columns = rows.values_list("object_id", "state", at, until, heard, observer, "pk")
    for pk, state, begin, end_, last, who, key in columns.iterator(chunk_size=20_000):
        if who not in numbers:
            numbers[who] = number_of(UUID(who))
        yield pk, CODES[state], begin, FOREVER if end_ is None else end_, last or 0, numbers[who], key


def overlapping(start: int, end: int) -> Q:
    """State spans that overlap [start, end), for questions about some objects: their own stories are read. Of all: `spans_of_all`."""
    return Q(at__lt=moment(end)) & (Q(until=None) | Q(until__gt=moment(start)))


def spans_of_all(start: int, end: int) -> Ints:
    """State spans of all objects that overlap [start, end), as they came: what began in it, and what each object was in when it began.

    No index holds the ends of spans. What an object was in is the last of its story that began before.
    """
    return _as_they_came(_begun(start, end), _standing(start, ManagedObject.objects.all()))


def ended_of_all(start: int, end: int) -> Ints:
    """The same without those that last: of what stood at `start`, only objects that have changed since are asked for."""
    begun = StateChange.objects.filter(begun_from(moment(start)))
    changed = _standing(start, ManagedObject.objects.filter(pk__in=begun.values("object")))
    return _as_they_came(_begun(start, end).exclude(until=None), changed.exclude(until=None))


def _begun(start: int, end: int) -> QuerySet[StateChange]:
    return StateChange.objects.filter(begun_from(moment(start)), overlapping(start, end))


def _standing(start: int, objects: QuerySet[ManagedObject]) -> QuerySet[StateChange]:
    story = StateChange.objects.filter(overlapping(start, start), object=OuterRef("pk")).order_by("-at")
    return StateChange.objects.filter(pk__in=objects.order_by().values_list(Subquery(story.values("pk")[:1])))


def _as_they_came(*rows: QuerySet[StateChange]) -> Ints:
    spans = np.concatenate([table(span_rows(some), 7) for some in rows])
    return spans[np.argsort(spans[:, 6], kind="stable")]


def test_rows(rows: QuerySet[PlayTest]) -> Iterable[tuple[int, ...]]:
    """(site, at, whether it went well, key) of each row, in the order they came: of two in one second the later counts."""
    return rows.order_by("id").values_list("site_id", Epoch(F("at")), "ok", "pk").iterator(chunk_size=5000)


def table(rows: Iterable[tuple[int, ...]], width: int) -> Ints:
    """Rows of whole numbers as one array, without keeping the rows."""
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64).reshape(-1, width)


def record_ends(grace_s: int) -> dict[int, int]:
    """Observer's number → the second up to which its record is complete here, plus `grace_s`."""
    ends: dict[int, int] = {}
    for observer, through in Watermark.objects.values_list("observer", "held_through"):
        ends[number_of(observer)] = int(through.timestamp()) + grace_s if through else 0
    for observer, at in ListeningMark.objects.values_list("observer", "at"):
        ends[number_of(observer)] = int(at.timestamp()) + grace_s
    return ends


def ends_of(numbers: Ints, ends: Mapping[int, int]) -> Ints:
    """The record end of each span's observer; FOREVER where nothing limits it."""
    limits = np.full(max(len(OBSERVERS), 1), FOREVER, dtype=np.int64)
    for number, end in ends.items():
        limits[number] = end
    return limits[numbers]


@dataclass(frozen=True)
class Scope:
    """Whose rows are read: conditions on state changes and on play tests. Empty ones mean everybody's."""

    changes: Q = field(default_factory=Q)
    tests: Q = field(default_factory=Q)


def scopes_of(sites: Ints) -> list[Scope]:
    """Conditions that name single objects, few enough at a time for any database."""
    parts = (sites[start : start + BATCH].tolist() for start in range(0, len(sites), BATCH))
    return [Scope(Q(object__in=part), Q(site__in=part)) for part in parts]


def read(scopes: Iterable[Scope], start: int, end: int, rule: RateRule) -> tuple[Ints, Ints]:
    """State spans that overlap [start, end) and the play tests that may speak in it, as `span_rows` and `test_rows` give them."""
    since, spans, tests = moment(start - rule.play_days * 86_400), [], []
    for scope in scopes:
        own = StateChange.objects.filter(overlapping(start, end), scope.changes).order_by("id")
        spans.append(table(span_rows(own), 7) if scope.changes else spans_of_all(start, end))
        tests.append(table(test_rows(PlayTest.objects.filter(scope.tests, at__gt=since, at__lt=moment(end))), 4))
    return np.concatenate([table([], 7), *spans]), np.concatenate([table([], 4), *tests])


def day_from(spans: Ints, tests: Ints, ends: Mapping[int, int], start: int, length: int) -> Day:
    """The rows as one day (or any other stretch of time), believed as far as each observer's record reaches."""
    until, none = np.minimum(spans[:, 3], ends_of(spans[:, 5], ends)), np.zeros(0, np.int64)
    rows = SiteSpans(
        spans[:, 0], spans[:, 1], spans[:, 2], until, spans[:, 4], tests[:, 0], tests[:, 1], tests[:, 2], none, none, none
    )  # fmt: skip
    return day_of(rows, start=start, length=length)
