"""What sites and edges find out about themselves: play tests, an edge's checks; and the rows these make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from yuanjiao.flow.journal.event import Event, Fact, InBulk
from yuanjiao.flow.nodes.queries import require_each_told_of
from yuanjiao.lib.errors import Refused
from yuanjiao.lib.parts import in_parts
from yuanjiao.lib.rows import insert, update
from yuanjiao.network.models import Edge, EdgeCheck, ManagedObject, PlayTest, Site

PLAYED = ("uid", "site_id", "at", "ok", "step", "item", "observer")
FOUND = ("edge_id", "subject_id", "kind", "ok", "value", "unit", "note", "at", "until", "observer", "seq")
Places = dict[str, tuple[int, str]]
"""Key and division path by code."""


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


def apply_play_tests(pairs: Sequence[tuple[PlayTested, Fact]]) -> None:
    """One row per test; told again, the first stands. Sites that left the register are passed over."""
    sites = _places({event.site for event, _ in pairs}, among=Site)
    known = [(event, fact) for event, fact in pairs if event.site in sites]
    require_each_told_of((fact, sites[event.site][1]) for event, fact in known)
    there = {uid for part in in_parts(event.uid for event, _ in known) for uid in _uids_there(part)}
    rows: dict[UUID, tuple[object, ...]] = {}
    for event, fact in known:
        if event.uid not in there:
            rows.setdefault(event.uid, (event.uid, sites[event.site][0], event.at, event.ok, event.step, event.item, fact.origin))
    insert(PlayTest, PLAYED, rows.values())


def _uids_there(uids: Sequence[UUID]) -> Iterable[UUID]:
    return PlayTest.objects.filter(uid__in=uids).values_list("uid", flat=True)


def apply_edge_checks(pairs: Sequence[tuple[EdgeChecked, Fact]]) -> None:
    """Each finding ends the span before it. A clock set back does not: a span begins where the one before began, at the earliest."""
    places = _places({code for event, _ in pairs for code in (event.edge, *(finding.subject for finding in event.findings))})
    above = _above(places[event.edge][0] for event, _ in pairs if event.edge in places)
    fresh = _fresh([(event, fact) for event, fact in pairs if event.edge in places])
    require_each_told_of(told for event, fact in fresh for told in _told_of(event, fact, places, above))
    edges = _places({event.edge for event, _ in fresh}, Edge)
    if strange := next((event.edge for event, _ in fresh if event.edge not in edges), None):
        raise Refused(f"{strange} 不是边缘服务器，不能自查")  # else the row would break the whole segment at its commit
    spans = _Spans({pk for pk, _ in places.values()})
    for event, fact in fresh:
        for finding in event.findings:
            if finding.subject in places:
                spans.go_on(places[event.edge][0], places[finding.subject][0], finding, fact)
    spans.keep()


apply_play_tested = InBulk(apply_play_tests, commutes=True)
apply_edge_checked = InBulk(apply_edge_checks, commutes=True)


def _fresh(pairs: Sequence[tuple[EdgeChecked, Fact]]) -> list[tuple[EdgeChecked, Fact]]:
    """Without what was kept before."""
    by_origin: dict[UUID, list[int]] = {}
    for _, fact in pairs:
        by_origin.setdefault(fact.origin, []).append(fact.seq)
    kept = {
        (origin, seq)
        for origin, seqs in by_origin.items()
        for part in in_parts(seqs)
        for seq in EdgeCheck.objects.filter(observer=origin, seq__in=part).values_list("seq", flat=True)
    }
    once: dict[tuple[UUID, int], tuple[EdgeChecked, Fact]] = {}
    for event, fact in pairs:
        if (fact.origin, fact.seq) not in kept:
            once.setdefault((fact.origin, fact.seq), (event, fact))
    return list(once.values())


def _told_of(event: EdgeChecked, fact: Fact, places: Places, above: dict[int, str]) -> Iterator[tuple[Fact, str]]:
    """Of which places an edge speaks; what it hangs on may stand in the city."""
    for code in (event.edge, *(finding.subject for finding in event.findings)):
        if code in places and code != above.get(places[event.edge][0]):
            yield fact, places[code][1]


class _Spans:
    """The last span of each check of some objects, and what becomes of them; nothing is written before `keep`."""

    def __init__(self, subjects: Iterable[int]) -> None:
        rows = [row for part in in_parts(subjects) for row in EdgeCheck.objects.filter(subject__in=part, until=None)]
        self._last = {(row.subject_id, row.kind): row for row in rows}
        self._ended: list[EdgeCheck] = []
        self._new: list[EdgeCheck] = []

    def go_on(self, edge: int, subject: int, finding: Finding, fact: Fact) -> None:
        """End the span of this check and begin the next one."""
        at, before = finding.at, self._last.get((subject, finding.check))
        if before is not None:
            at = before.until = max(at, before.at)
            if before.pk is not None:
                self._ended.append(before)
        row = EdgeCheck(
            edge_id=edge, subject_id=subject, kind=finding.check, ok=finding.ok, value=finding.value, unit=finding.unit[:10],
            note=finding.note[:200], at=at, observer=fact.origin, seq=fact.seq,
        )  # fmt: skip
        self._last[subject, finding.check] = row
        self._new.append(row)

    def keep(self) -> None:
        update(EdgeCheck, ("until",), [(row.pk, row.until) for row in self._ended])  # first: one span of a check is open at a time
        insert(EdgeCheck, FOUND, ([getattr(row, column) for column in FOUND] for row in self._new))


def _places(codes: Iterable[str], among: type[ManagedObject] = ManagedObject) -> Places:
    rows = (among._default_manager.filter(code__in=part).values_list("code", "pk", "division__path") for part in in_parts(codes))
    return {code: (pk, path) for part in rows for code, pk, path in part}


def _above(edges: Iterable[int]) -> dict[int, str]:
    """The code of what each edge hangs on."""
    rows = (ManagedObject.objects.filter(pk__in=part).values_list("pk", "depends_on__code") for part in in_parts(set(edges)))
    return {pk: code for part in rows for pk, code in part if code is not None}
