"""Divisions and units go down to everybody, whole: they are published by the state, and plans and orders of any place name them.

A row the document does not have any more was taken back above (an import undone): it is removed here too or, when something
hangs on it, ended on the day after it began, so that no present day knows it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

import msgspec

from yuanjiao.flow.catalogue.copying import Link, Table, copy_tables
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.places.models import Division, OrgUnit

name = "places"


class DivisionRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dated row of a division; `parent` is a uid."""

    uid: UUID
    code: str
    name: str
    level: int
    path: str
    valid_from: date
    parent: UUID | None = None
    urban_rural: str = ""
    valid_to: date | None = None


class UnitRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One unit; `parent` and `division` are uids."""

    uid: UUID
    code: str
    name: str
    chain: str
    division: UUID
    valid_from: date
    parent: UUID | None = None
    temporary: bool = False
    valid_to: date | None = None


class Places(msgspec.Struct, frozen=True):
    """The document of this shelf."""

    divisions: tuple[DivisionRow, ...]
    units: tuple[UnitRow, ...]


def offer(scope: str) -> Offer:
    """Every division and unit for everybody; nothing more for a subtree."""
    if scope != ALL:
        return Offer()
    divisions = Division.objects.order_by("code", "valid_from").values_list(
        "uid", "code", "name", "level", "path", "valid_from", "parent__uid", "urban_rural", "valid_to"
    )
    units = OrgUnit.objects.order_by("code").values_list(
        "uid", "code", "name", "chain", "division__uid", "valid_from", "parent__uid", "temporary", "valid_to"
    )
    places = Places(divisions=tuple(DivisionRow(*row) for row in divisions), units=tuple(UnitRow(*row) for row in units))
    return Offer(to_document(places))


def accept(document: bytes, missing: Collection[str] = ()) -> None:
    """Make the divisions and units of this machine equal to the document's."""
    places = from_document(document, Places)
    copy_tables((DIVISIONS, places.divisions), (UNITS, places.units))


def _end(row: Division | OrgUnit) -> None:
    row.valid_to = row.valid_from + timedelta(days=1)
    row.save(update_fields=["valid_to"])


DIVISIONS = Table(Division, natural=("code", "valid_from"), links={"parent": Link(Division)}, ends="valid_to", rest=_end)
UNITS = Table(OrgUnit, natural=("code",), links={"parent": Link(OrgUnit), "division": Link(Division)}, ends="valid_to", rest=_end)
