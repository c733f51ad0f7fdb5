"""Who answers: the owner proposed for a problem, and the responsible persons of counties by both chains (GOV01, story 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from yuanjiao.people.queries import tenures_on
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.supervision.rules import OF_OPERATOR, on_operators_side

RANKS = {"direct": 0, "site_manager": 1, "first": 2}
"""Whom a problem is given to, of those who answer for one place: who does the work before who bears it."""


@dataclass(frozen=True)
class Owner:
    """A unit and the person of it who answers."""

    unit: OrgUnit
    person_uid: UUID
    name: str


def proposed_owner(division: Division, kind: str, *, code: str, on: date, never: int) -> Owner | None:
    """Who answers on the side this kind of problem belongs to, for the object itself, else for the nearest place; None when nobody does.

    `never` is the key of a unit that may not own it: whoever gives it out also verifies it.
    """
    codes = [one for one in division.path.split("/") if one]
    rows = tenures_on(on).filter(division__code__in=codes, object_code__in=("", code), kind__in=RANKS).exclude(unit=never)
    side = [row for row in rows if on_operators_side(row.chain) == (kind in OF_OPERATOR)]
    if not side:
        return None
    best = min(side, key=lambda row: (row.object_code == "", -row.division.level, RANKS[row.kind], row.valid_from, row.pk))
    return Owner(best.unit, best.person.uid, best.person.name)


def answering_by_county(codes: Collection[str], on: date) -> dict[tuple[str, bool], list[str]]:
    """(county code, on the operator's side) → names of the first and direct responsible persons."""
    found: dict[tuple[str, bool], list[str]] = defaultdict(list)
    rows = tenures_on(on).filter(division__code__in=list(codes), object_code="", kind__in=("first", "direct")).order_by("-kind", "pk")
    for row in rows:
        names = found[row.division.code, on_operators_side(row.chain)]
        if row.person.name not in names:
            names.append(row.person.name)
    return found
