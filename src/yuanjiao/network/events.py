"""Facts of the network and the rows they make: state changes, deaf spans of an observer, play tests, an edge's checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec
from django.db import connection

from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.nodes.queries import require_told_of
from yuanjiao.network.models import EdgeCheck, ListeningGap, Liveness, ManagedObject, PlayTest, Site, State, StateChange

BATCH = 500


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One object's new state from `at` on; `last` and `latest` bound the true beginning of a silence."""

    code: str
    state: str
    at: datetime
    last: datetime | None = None
    latest: datetime | None = None
    reason: str = ""


class StateChanged(Event, frozen=True, kw_only=True):
    """What one sweep of the nearest observer found; an object occurs at most once."""

    KIND: ClassVar[str] = "network.state_changed/1"
    changes: list[Change]


class Deaf(Event, frozen=True, kw_only=True):
    """The recorder did not listen in [start, end): nothing is known of what it observes from `start` until it is heard again."""

    KIND: ClassVar[str] = "network.deaf/1"
    start: datetime
    end: datetime


class PlayTested(Event, frozen=True, kw_only=True):
    """A site tried to play a real item."""

    KIND: ClassVar[str] = "network.play_tested/1"
    uid: UUID
    site: str
    at: datetime
    ok: bool
    step: str = ""
    item: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check's new outcome from `at` on; `subject` is the code of the edge itself or of a line it looked at."""

    subject: str
    check: str
    ok: bool
    at: datetime
    value: float | None = None
    unit: str = ""
    note: str = ""


class EdgeChecked(Event, frozen=True, kw_only=True):
    """What an edge found of itself and its lines that it had not found before; unchanged checks are not told again."""

    KIND: ClassVar[str] = "network.edge_checked/1"
    edge: str
    findings: list[Finding]


def apply_state_changed(event: StateChanged, fact: Fact) -> None:
    """Insert the changes where they belong in each object's story. Objects that left the register are passed over."""
    if StateChange.objects.filter(observer=fact.origin, seq=fact.seq).exists():
        return
    places = _places(change.code for change in event.changes)
    require_told_of(fact.origin, (path for _, path in places.values()))
    ids = {code: pk for code, (pk, _) in places.items()}
    rows = [
        StateChange(
            object_id=ids[change.code],
            state=change.state,
            at=change.at,
            last_heard_at=change.last,
            latest_at=change.latest,
            reason=change.reason,
            observer=fact.origin,
            seq=fact.seq,
        )
        for change in event.changes
        if change.code in ids
    ]
    _insert(rows)


def apply_deaf(event: Deaf, fact: Fact) -> None:
    """Everything this observer had an opinion on becomes unknown from `start` (never before its own last change)."""
    _, new = ListeningGap.objects.get_or_create(observer=fact.origin, seq=fact.seq, defaults={"start": event.start, "end": event.end})
    if not new:
        return
    heard = Liveness.objects.filter(observer=fact.origin).exclude(state=State.UNKNOWN)
    rows = [
        StateChange(
            object_id=row.object_id,
            state=State.UNKNOWN,
            at=max(event.start, row.since),
            last_heard_at=row.last_heard_at,
            reason="deaf",
            observer=fact.origin,
            seq=fact.seq,
        )
        for row in heard
    ]
    _insert(rows)


def apply_play_tested(event: PlayTested, fact: Fact) -> None:
    """One row per test."""
    site = Site.objects.select_related("division").filter(code=event.site).first()
    if site is not None:
        require_told_of(fact.origin, [site.division.path])
        PlayTest.objects.get_or_create(
            uid=event.uid,
            defaults={"site": site, "at": event.at, "ok": event.ok, "step": event.step, "item": event.item, "observer": fact.origin},
        )


def apply_edge_checked(event: EdgeChecked, fact: Fact) -> None:
    """Each finding ends the span before it. A clock set back does not: a span begins where the one before began, at the earliest."""
    if EdgeCheck.objects.filter(observer=fact.origin, seq=fact.seq).exists():
        return
    places = _places([event.edge, *(finding.subject for finding in event.findings)])
    require_told_of(fact.origin, [path for code, (_, path) in places.items() if code == event.edge])
    if event.edge not in places:
        return
    for finding in event.findings:
        if finding.subject in places:
            _next_check(places[event.edge][0], places[finding.subject][0], finding, fact)


def _next_check(edge: int, subject: int, finding: Finding, fact: Fact) -> None:
    before = EdgeCheck.objects.filter(subject=subject, kind=finding.check, until=None).first()
    at = finding.at
    if before is not None:
        at = max(at, before.at)
        before.until = at
        before.save(update_fields=["until"])
    EdgeCheck.objects.create(
        edge_id=edge, subject_id=subject, kind=finding.check, ok=finding.ok, value=finding.value, unit=finding.unit[:10],
        note=finding.note[:200], at=at, observer=fact.origin, seq=fact.seq,
    )  # fmt: skip


def _places(codes: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Key and division path by code."""
    wanted = list(codes)
    found: dict[str, tuple[int, str]] = {}
    for start in range(0, len(wanted), BATCH):
        rows = ManagedObject.objects.filter(code__in=wanted[start : start + BATCH])
        found |= {code: (pk, path) for code, pk, path in rows.values_list("code", "pk", "division__path")}
    return found


def _insert(rows: Sequence[StateChange]) -> None:
    present = _present([row.object_id for row in rows])
    newest = [row for row in rows if row.object_id not in present or row.at >= present[row.object_id]]
    _append(newest)
    for row in rows:
        if row.object_id in present and row.at < present[row.object_id]:
            _insert_between(row)


def _present(ids: Sequence[int]) -> dict[int, datetime]:
    since: dict[int, datetime] = {}
    for start in range(0, len(ids), BATCH):
        since.update(Liveness.objects.filter(object__in=ids[start : start + BATCH]).values_list("object_id", "since"))
    return since


def _append(rows: Sequence[StateChange]) -> None:
    """The ordinary case, in bulk: the open span ends where the new one begins."""
    if not rows:
        return
    table = connection.ops.quote_name(StateChange._meta.db_table)
    ends = [(connection.ops.adapt_datetimefield_value(row.at), row.object_id) for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET until = %s WHERE object_id = %s AND until IS NULL", ends)
    StateChange.objects.bulk_create(rows, batch_size=BATCH)
    Liveness.objects.bulk_create(
        [
            Liveness(
                object_id=row.object_id,
                state=row.state,
                since=row.at,
                last_heard_at=row.last_heard_at,
                observer=row.observer,
                seq=row.seq,
            )
            for row in rows
        ],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["object"],
        update_fields=["state", "since", "last_heard_at", "observer", "seq"],
    )


def _insert_between(row: StateChange) -> None:
    """The rare case: another observer has already told a later part of this object's story."""
    story = StateChange.objects.filter(object=row.object_id)
    after = story.filter(at__gt=row.at).order_by("at", "pk").first()
    before = story.filter(at__lte=row.at).order_by("-at", "-pk").first()
    row.until = after.at if after else None
    if before is not None:
        before.until = row.at
        before.save(update_fields=["until"])
    row.save(force_insert=True)
