"""Reads of hand-over sheets: in scope, of a person, and what waits for somebody's own signature."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from yuanjiao.duties.models import Handover, HandoverLine
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission


def _rows() -> QuerySet[Handover]:
    disputed = HandoverLine.objects.filter(sheet=OuterRef("pk")).exclude(dispute="")
    rows = Handover.objects.select_related("tenure__person", "tenure__unit", "tenure__division", "taker__unit", "following__unit")
    return rows.annotate(disputed=Exists(disputed))


def sheets_seen_by(actor: Actor) -> QuerySet[Handover]:
    """Sheets of places inside the actor's subtree, the newest first."""
    return _rows().filter(within("tenure__division__path", actor.paths(Permission.SEE_PEOPLE)))


def sheets_of_person(person_uid: UUID | None) -> QuerySet[Handover]:
    """Sheets this person gives or takes, whatever they may do by now: they sign in person (SUP40)."""
    return _rows().filter(Q(tenure__person__uid=person_uid) | Q(taker__uid=person_uid)) if person_uid else _rows().none()


def waiting_for(person_uid: UUID | None) -> QuerySet[Handover]:
    """Sheets that this person has still to sign."""
    gives = Q(tenure__person__uid=person_uid, given_at=None)
    return sheets_of_person(person_uid).filter(gives | Q(taker__uid=person_uid, taken_at=None))


def sheet_seen_by(actor: Actor, uid: UUID) -> Handover:
    """One sheet, for who signs it or sees its place; NotFound for anybody else."""
    row = sheets_of_person(actor.person_uid).filter(uid=uid).first() or sheets_seen_by(actor).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这张交接单，或不在您负责的范围内")
    return row


def lines_of(sheet: Handover) -> list[HandoverLine]:
    """The lines in their order."""
    return list(sheet.lines.all())
