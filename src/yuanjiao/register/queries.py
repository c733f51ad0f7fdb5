"""Reads of the register room: the register as it stands, by the keys people know rows by, and the history of imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from yuanjiao.lib.errors import NotFound
from yuanjiao.network.queries import entries as network
from yuanjiao.people import queries as people
from yuanjiao.people.rules import Actor
from yuanjiao.places import queries as places
from yuanjiao.places.rules import Level
from yuanjiao.register.models import Import, ImportChange


@dataclass(slots=True)
class Kept:
    """One row the register has: its keys, the division path it lies under, its values by column key (links as codes)."""

    pk: int
    uid: UUID
    path: str
    values: dict[str, Any]
    kind: str = ""


ResponsibilityKey = tuple[int, str, str, str]
MembershipKey = tuple[int, str, str]


@dataclass(slots=True)
class Known:
    """The whole register in memory; a city of 20,000 sites is some 30 MB. Telephone numbers stay sealed."""

    divisions: dict[str, Kept] = field(default_factory=dict)
    division_ends: dict[str, date] = field(default_factory=dict)
    units: dict[str, Kept] = field(default_factory=dict)
    unit_codes: set[str] = field(default_factory=set)
    objects: dict[str, Kept] = field(default_factory=dict)
    assets: dict[str, Kept] = field(default_factory=dict)
    people: dict[tuple[str, str], list[Kept]] = field(default_factory=dict)
    responsibilities: dict[ResponsibilityKey, Kept] = field(default_factory=dict)
    firsts: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)  # (chain, division) → (person, name)
    accounts: dict[str, Kept] = field(default_factory=dict)
    username_of: dict[int, str] = field(default_factory=dict)
    memberships: dict[MembershipKey, Kept] = field(default_factory=dict)


def known_register() -> Known:
    """Everything in force, of all subtrees: whoever checks a row against it also checks the row's path against the actor's."""
    known = Known(division_ends=places.division_ends(), unit_codes=places.unit_codes())
    _load_places(known)
    _load_network(known)
    _load_people(known)
    return known


def _load_places(known: Known) -> None:
    rows = places.open_divisions().values_list("pk", "uid", "path", "code", "name", "parent__code", "urban_rural", "valid_from")
    for pk, uid, path, code, name, parent, urban_rural, valid_from in rows:
        values = {"code": code, "name": name, "parent": parent or "", "urban_rural": urban_rural, "valid_from": valid_from}
        known.divisions[code] = Kept(pk, uid, path, values)
    keys = ("code", "name", "chain", "parent__code", "division__code", "temporary", "valid_from")
    for pk, uid, path, *values in places.open_units().values_list("pk", "uid", "division__path", *keys):
        named = dict(zip(("code", "name", "chain", "parent", "division", "temporary", "valid_from"), values, strict=True))
        known.units[named["code"]] = Kept(pk, uid, path, named | {"parent": named["parent"] or ""})


BASE = ("code", "name", "division", "depends_on", "lifecycle", "suspension_document", "in_service_on")
EDGE = ("address",)
LINE = ("is_uplink", "medium", "bandwidth_mbps", "circuit_number")
SITE = ("site_kind", "access_mode", "programmes", "capabilities", "road", "phone_digest", "phone_sealed")


def _load_network(known: Known) -> None:
    paths = {"division": "division__code", "depends_on": "depends_on__code"}
    for kind, rows, own in (("edge", network.edges(), EDGE), ("line", network.lines(), LINE), ("site", network.sites(), SITE)):
        names = (*BASE, *own)
        fields = [paths.get(name, name) for name in names]
        for pk, uid, path, *values in rows.values_list("pk", "uid", "division__path", *fields):
            named = dict(zip(names, values, strict=True))
            named["depends_on"] = named["depends_on"] or ""
            known.objects[named["code"]] = Kept(pk, uid, path, named, kind)
    names = ("code", "kind", "model", "serial_number", "place", "purchased_on", "life_years")
    fields = [{"place": "place__code"}.get(name, name) for name in names]
    for pk, uid, path, *values in network.assets().values_list("pk", "uid", "place__division__path", *fields):
        named = dict(zip(names, values, strict=True))
        known.assets[named["code"]] = Kept(pk, uid, path, named)


def _load_people(known: Known) -> None:
    fields = ("pk", "uid", "unit__division__path", "name", "unit__code", "post", "phone_digest", "phone_sealed")
    for pk, uid, path, name, unit, post, phone_digest, phone_sealed in people.people_rows().values_list(*fields):
        values = {"name": name, "unit": unit, "post": post, "phone_digest": phone_digest, "phone_sealed": phone_sealed}
        known.people.setdefault((unit, name), []).append(Kept(pk, uid, path, values))
    for duty in people.responsibilities_open():
        values = {"kind": duty.kind, "division": duty.division.code, "valid_from": duty.valid_from, "document": duty.document}
        key = (duty.person_id, duty.unit.code, duty.division.code, duty.kind)
        known.responsibilities[key] = Kept(duty.pk, duty.uid, duty.division.path, values | {"duty_unit": duty.unit.code})
        if duty.kind == "first":
            known.firsts[duty.chain, duty.division.code] = (duty.person_id, duty.person.name)
    for pk, uid, username, person in people.accounts().values_list("pk", "uid", "username", "person_id"):
        known.accounts[username] = Kept(pk, uid, "", {"username": username, "person": person})
        known.username_of[person] = username
    for post in people.memberships_open():
        values = {"role": post.role, "duty_unit": post.unit.code, "valid_from": post.valid_from}
        known.memberships[post.person_id, post.unit.code, post.role] = Kept(post.pk, post.uid, "", values)


def imports_of(actor: Actor) -> QuerySet[Import]:
    """The imports this person brought, newest first. Others' imports may hold rows of other subtrees."""
    return Import.objects.filter(actor_uid=actor.person_uid or UUID(int=0)).order_by("-received_at")


def import_by_uid(uid: UUID, *, actor: Actor) -> Import:
    """One of the person's own imports; NotFound otherwise."""
    row = imports_of(actor).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这次导入")
    return row


def changes_of(batch: Import) -> QuerySet[ImportChange]:
    """What an import created and changed, in the order it was done."""
    return ImportChange.objects.filter(batch=batch).prefetch_related("fields").order_by("pk")


def place_names(codes: set[str], *, on: date) -> dict[str, str]:
    """Code → the name in force on the day, of all codes in one query."""
    return dict(places.divisions(on=on).filter(code__in=codes).values_list("code", "name"))


@dataclass(frozen=True)
class Branch:
    """One place in the tree beside a list: counties, and the towns of the chosen county."""

    code: str
    name: str
    depth: int
    is_chosen: bool


def tree(actor_paths: tuple[str, ...], *, chosen: str, on: date) -> list[Branch]:
    """Counties under the paths, and the towns of the county in which `chosen` (a division path or '') lies."""
    rows = places.divisions(on=on).filter(people.within("path", actor_paths), level__in=[Level.COUNTY, Level.TOWN])
    branches = []
    for code, name, level, path, above in rows.values_list("code", "name", "level", "path", "parent__path"):
        if level == Level.COUNTY or chosen.startswith(path) or (above and chosen.startswith(above)):
            branches.append(Branch(code, name, 0 if level == Level.COUNTY else 1, path == chosen))
    return branches


def path_under(actor_paths: tuple[str, ...], code: str, *, on: date) -> str:
    """The path of a division inside the actor's subtrees; '' for anything else."""
    row = places.divisions(on=on).filter(people.within("path", actor_paths), code=code).first()
    return row.path if row is not None else ""
