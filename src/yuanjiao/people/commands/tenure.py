"""Tenures: who answers for a place or an object from when to when, and the posts that end with a tenure.

A tenure is never deleted and never given to somebody else: it ends, and another begins. So every past day keeps its answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Q

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.models import Membership, Person, Responsibility, ResponsibilityKind
from yuanjiao.people.queries import posts_of_tenure
from yuanjiao.people.rules import Role
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import lock_division

TAKEN = "已有第一责任人，请先办理交接"
HELD = "该人员已担任这项责任"


@transaction.atomic
def make_responsible(
    *,
    person: Person,
    unit: OrgUnit,
    division: Division,
    kind: ResponsibilityKind,
    on: date,
    document: str = "",
    object_code: str = "",
) -> Responsibility:
    """Make a person answer for a place, or for one object there, from a day on.

    Refused when the chain has another first responsible person there on any day from `on`, be it one that ends later. Conflict when
    this very person answers for it already.
    """
    row = Responsibility(
        person=person, unit=unit, division=division, chain=unit.chain, kind=kind, valid_from=on, document=document, object_code=object_code
    )
    _require_room(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Refused(f"{division.name} 在该系统{TAKEN}") from None
    return row


def _require_room(row: Responsibility) -> None:
    """No two first tenures of a place share a day, nor two of one person for the same. The division's row is the lock: of two who come
    at once only one finds room."""
    lock_division(row.division_id)
    rows = Responsibility.objects.filter(
        kind=row.kind, chain=row.chain, subject=row.subject, object_code=row.object_code, division__code=row.division.code
    )
    until = Q() if row.valid_to is None else Q(valid_from__lt=row.valid_to)
    beside = rows.filter(until, Q(valid_to=None) | Q(valid_to__gt=row.valid_from)).exclude(pk=row.pk)
    if beside.filter(person=row.person_id).exists():
        raise Conflict(HELD)
    if row.kind == ResponsibilityKind.FIRST and beside.exists():
        raise Refused(f"{row.division.name} 在该系统{TAKEN}")


@transaction.atomic
def correct_responsibility(*, responsibility: Responsibility, fields: Mapping[str, object]) -> None:
    """Set valid_from or document of a responsibility in force. Refused where that would reach into another first tenure."""
    for name, value in fields.items():
        setattr(responsibility, name, value)
    if "valid_from" in fields:
        _require_room(responsibility)
    responsibility.save(update_fields=list(fields))


@transaction.atomic
def end_responsibility(*, responsibility: Responsibility, on: date, roles: Collection[Role] = ()) -> list[Membership]:
    """End a tenure: `on` is the first day on which the person does not answer any more. History keeps who answered before.

    The posts it gave end on the same day, and with them what they allow: the site manager's always (when other tenures in the unit still
    give it, with the last of them), of the person's other posts in that unit those in `roles`. Returns the posts that end.
    """
    row = Responsibility.objects.select_for_update(of=("self",)).select_related("person", "unit").get(pk=responsibility.pk)
    if row.valid_to is not None:
        raise Conflict("该责任已经终止")
    if on <= row.valid_from:
        raise Refused("终止日期应晚于起始日期")
    row.valid_to = responsibility.valid_to = on
    row.save(update_fields=["valid_to"])
    ending = posts_of_tenure(row, on=on, roles=roles)
    for post, end in ending:
        post.valid_to = max(end, post.valid_from)
        post.save(update_fields=["valid_to"])
    return [post for post, _end in ending]
