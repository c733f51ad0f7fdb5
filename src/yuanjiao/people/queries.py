"""Reads about people: who somebody is, what they may see, who answers for a place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db.models import Q, QuerySet

from yuanjiao.lib.seal import digest, mask_phone, phone_digits, unseal
from yuanjiao.people.models import Account, Membership, Person, Responsibility, ResponsibilityKind
from yuanjiao.people.rules import Actor, Grant, Role
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors, valid_on


def actor_of(account: Account, *, on: date) -> Actor:
    """The account's person with the memberships in force on that day; leaving ends access the same day."""
    rows = Membership.objects.filter(valid_on(on), person=account.person_id).select_related("unit__division")
    grants = tuple(Grant(Role(row.role), row.unit.division.path, row.unit_id) for row in rows)
    return Actor(name=account.person.name, person_uid=account.person.uid, grants=grants)


def within(field: str, paths: Iterable[str]) -> Q:
    """A filter for rows whose division path `field` lies under any of `paths`; nothing when there are none."""
    wanted = Q(pk__in=[])
    for path in paths:
        wanted |= Q(**{f"{field}__startswith": path})
    return wanted


def phone_of(person: Person) -> str:
    """The whole telephone number. Show `masked_phone` unless the reader's work needs to dial."""
    return unseal(bytes(person.phone_sealed), settings.SECRET_KEY)


def masked_phone(person: Person) -> str:
    return mask_phone(phone_of(person))


def people_by_phone(number: str) -> QuerySet[Person]:
    """People with exactly this number, however it is written."""
    return Person.objects.filter(phone_digest=digest(phone_digits(number), settings.SECRET_KEY)).exclude(phone_digest="")


@dataclass(frozen=True)
class Responsible:
    """One person who answers for a place, as pages and orders show it."""

    person: Person
    unit_name: str
    chain: str
    kind: str
    kind_name: str
    division_name: str
    level: int


def responsible_for(division: Division, *, on: date, subject: str = "distance_education") -> list[Responsible]:
    """Everyone who answers for the place or a place above it on that day, nearest place first, then chain and kind."""
    codes = [row.code for row in ancestors(division)]
    rows = (
        Responsibility.objects.filter(valid_on(on), division__code__in=codes, subject=subject)
        .select_related("person", "unit", "division")
        .order_by("-division__level", "chain", "kind")
    )
    return [
        Responsible(
            person=row.person,
            unit_name=row.unit.name,
            chain=row.chain,
            kind=row.kind,
            kind_name=ResponsibilityKind(row.kind).label,
            division_name=row.division.name,
            level=row.division.level,
        )
        for row in rows
    ]
