"""Two made-up events and their table, so that the tests of the journal need no room above it.

`Happened` writes one audit row each time it is applied, on purpose without asking whether it is there: what is applied twice shows.
"""

from __future__ import annotations

from typing import ClassVar

from yuanjiao.flow.journal import forks, membership
from yuanjiao.flow.journal.event import Event, EventTable, Fact, InBulk
from yuanjiao.people.models import AuditRow

POISON = "这一条生效时出错"
cured: set[str] = set()
"""Texts whose apply no longer fails, as after an upgrade."""


class Happened(Event, frozen=True, kw_only=True):
    """Something happened."""

    KIND: ClassVar[str] = "tests.happened/1"

    text: str


class Counted(Event, frozen=True, kw_only=True):
    """Something was counted; comes by the thousand."""

    KIND: ClassVar[str] = "tests.counted/1"

    number: int


class Strange(Event, frozen=True, kw_only=True):
    """A kind that is recorded nowhere but in the future."""

    KIND: ClassVar[str] = "tests.strange/1"


def apply_happened(event: Happened, fact: Fact) -> None:
    if event.text.startswith(POISON) and event.text not in cured:
        raise LookupError(event.text)
    AuditRow.objects.create(at=fact.at, actor_name=str(fact.origin), action="happened", subject=event.text)


def apply_counts(run: list[tuple[Counted, Fact]]) -> None:
    AuditRow.objects.bulk_create(
        AuditRow(at=fact.at, actor_name=str(fact.origin), action="counted", subject=str(event.number)) for event, fact in run
    )


EVENTS: EventTable = {
    Happened.KIND: (Happened, apply_happened),
    Counted.KIND: (Counted, InBulk(apply_counts)),
    membership.NodeEnrolled.KIND: (membership.NodeEnrolled, membership.apply_enrolled),
    membership.NodeRevoked.KIND: (membership.NodeRevoked, membership.apply_revoked),
    membership.NodeMoved.KIND: (membership.NodeMoved, membership.apply_moved),
    forks.BranchRetold.KIND: (forks.BranchRetold, forks.apply_retold),
}
NEWER: EventTable = {**EVENTS, Strange.KIND: (Strange, lambda event, fact: None)}


def told(action: str = "happened") -> list[str]:
    """What was applied on this machine, in order."""
    return list(AuditRow.objects.filter(action=action).order_by("pk").values_list("subject", flat=True))
