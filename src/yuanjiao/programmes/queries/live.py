"""Live programmes as faces show them and as those who arrange them see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from yuanjiao.courseware.queries import released_uids
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import memberships_open, people_rows, within
from yuanjiao.people.rules import Actor, Permission, Role
from yuanjiao.programmes.models import LiveProgramme, LiveSignal, SignalState
from yuanjiao.programmes.queries.scopes import shown_at
from yuanjiao.programmes.rules.live import Phase, phase

AHEAD = timedelta(days=7)
"""So early a live programme stands on the first page."""
TOLD = frozenset({SignalState.OPENING, SignalState.LOST, SignalState.FULL})
"""What viewers are told of the signal."""


@dataclass(frozen=True)
class LiveNow:
    """One live programme at a moment. `here` says that this machine takes its signal in; else the one above passes it on.

    `item` is its recording once that is released; `words` what viewers should know now.
    """

    uid: UUID
    title: str
    lead: str
    unit_name: str
    starts_at: datetime
    ends_at: datetime
    phase: Phase
    today: bool
    here: bool
    item: UUID | None
    words: str = ""

    @property
    def on_air(self) -> bool:
        return self.phase == Phase.ON_AIR


def phase_of(row: LiveProgramme, at: datetime) -> Phase:
    return phase(starts_at=row.starts_at, ends_at=row.ends_at, ended_at=row.ended_at, cancelled_at=row.cancelled_at, at=at)


def lives_now(*, at: datetime, path: str | None = None) -> list[LiveNow]:
    """Live programmes of a place that are on air, then those of the next seven days."""
    rows = LiveProgramme.objects.filter(shown_at("audience", path), cancelled_at=None, ended_at=None, ends_at__gt=at)
    return [_now(row, at) for row in rows.filter(starts_at__lte=at + AHEAD).select_related("unit").order_by("starts_at", "pk")]


def live_now(uid: UUID, *, at: datetime, path: str | None = None) -> LiveNow:
    """One live programme of a place, also when it is over; NotFound when cancelled."""
    row = LiveProgramme.objects.filter(shown_at("audience", path), uid=uid, cancelled_at=None).select_related("unit").first()
    if row is None:
        raise NotFound("没有这场直播，或已经取消")
    return _now(row, at)


AROUND = timedelta(minutes=15)
"""So long before its beginning and after its end a programme is asked for above: clocks differ, and players come late to the end."""


def comes_from_above(uid: UUID, *, at: datetime) -> bool:
    """Whether this machine knows the programme, another one takes its signal in, and it is on or nearly so."""
    rows = LiveProgramme.objects.filter(uid=uid, cancelled_at=None, signal=None, starts_at__lte=at + AROUND, ends_at__gt=at - AROUND)
    return rows.filter(Q(ended_at=None) | Q(ended_at__gt=at - AROUND)).exists()


def _now(row: LiveProgramme, at: datetime) -> LiveNow:
    where = phase_of(row, at)
    item = row.item_uid if where == Phase.OVER and row.item_uid and released_uids([row.item_uid]) else None
    signal = LiveSignal.objects.filter(programme=row).only("state").first() if where == Phase.ON_AIR else None
    words = signal.get_state_display() if signal is not None and signal.state in TOLD else ""
    return LiveNow(
        row.uid, row.title, row.lead, row.unit.name, row.starts_at, row.ends_at, where, local_day(row.starts_at) == local_day(at),
        signal is not None, item, words,
    )  # fmt: skip


def lives_managed_by(by: Actor) -> QuerySet[LiveProgramme]:
    """Live programmes of units in the subtrees where the person manages columns, the newest first."""
    rows = LiveProgramme.objects.filter(within("unit__division__path", by.paths(Permission.MANAGE_COLUMNS)))
    return rows.select_related("unit__division", "signal").order_by("-starts_at", "-pk")


def recorders(by: Actor) -> list[tuple[UUID, str]]:
    """Producers to whom a recording may be handed: of the person's subtrees, and of the places above them."""
    paths = by.paths(Permission.MANAGE_COLUMNS)
    rows = memberships_open().filter(role=Role.PRODUCER).select_related("person", "unit__division").order_by("unit__code", "person__name")
    near = [
        row for row in rows if any(row.unit.division.path.startswith(path) or path.startswith(row.unit.division.path) for path in paths)
    ]
    return [(row.person.uid, f"{row.person.name}（{row.unit.name}）") for row in near]


def recorder_name(uid: UUID) -> str:
    """The producer of a recording by name and unit; empty when the person is not known here any more."""
    row = people_rows().filter(uid=uid).first()
    return f"{row.name}（{row.unit.name}）" if row is not None else ""
