"""What sites and edges find out about themselves: play tests, an edge's checks; and the rows these make."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.nodes.queries import require_told_of
from yuanjiao.network.models import EdgeCheck, ManagedObject, PlayTest, Site

BATCH = 500


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
    if event.edge not in places:
        return
    above = ManagedObject.objects.filter(dependants=places[event.edge][0]).values_list("code", flat=True).first()  # may stand in the city
    require_told_of(fact.origin, [path for code, (_, path) in places.items() if code != above])
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
