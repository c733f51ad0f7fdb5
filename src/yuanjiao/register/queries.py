"""Reads of the register room: the register as it stands, by the keys people know rows by, and the history of imports."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
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


@dataclass(frozen=True)
class Named:
    """What a file names by code, with all that stands above a named place. None in place of this: everything."""

    divisions: frozenset[str]
    objects: frozenset[str]
    assets: frozenset[str]
    units: frozenset[str] | None
    """Units of the persons it names; None: everybody. The units themselves are few and all read."""
    usernames: frozenset[str]


AT_ONCE = 500
"""Keys in one query."""


def known_register(named: Named | None = None) -> Known:
    """Everything in force, of all subtrees: whoever checks a row against it also checks the row's path against the actor's.

    With `named` of the large tables only what a file names and what that hangs on: a city's file of 5,000 rows goes into a register of
    700,000 sites without reading those.
    """
    known = Known(division_ends=places.division_ends(), unit_codes=places.unit_codes())
    _load_places(known, named)
    _load_network(known, named)
    _load_people(known, named)
    return known


def _rows(rows: QuerySet[Any, Any], field: str, wanted: Collection[Any] | None) -> Iterator[Any]:
    """The rows whose field is among those wanted, in lists that a database takes as parameters; None: all rows."""
    if wanted is None:
        yield from rows.iterator(chunk_size=5_000)
        return
    keys = sorted(wanted)
    for start in range(0, len(keys), AT_ONCE):
        yield from rows.filter(**{f"{field}__in": keys[start : start + AT_ONCE]})


def _load_places(known: Known, named: Named | None) -> None:
    rows = places.open_divisions().values_list("pk", "uid", "path", "code", "name", "parent__code", "urban_rural", "valid_from")
    for pk, uid, path, code, name, parent, urban_rural, valid_from in _rows(rows, "code", named.divisions if named else None):
        values = {"code": code, "name": name, "parent": parent or "", "urban_rural": urban_rural, "valid_from": valid_from}
        known.divisions[code] = Kept(pk, uid, path, values)
    keys = ("code", "name", "chain", "parent__code", "division__code", "temporary", "valid_from")
    for pk, uid, path, *values in places.open_units().values_list("pk", "uid", "division__path", *keys):
        unit = dict(zip(("code", "name", "chain", "parent", "division", "temporary", "valid_from"), values, strict=True))
        known.units[unit["code"]] = Kept(pk, uid, path, unit | {"parent": unit["parent"] or ""})


BASE = ("code", "name", "division", "depends_on", "lifecycle", "suspension_document", "in_service_on")
EDGE = ("address",)
LINE = ("is_uplink", "medium", "bandwidth_mbps", "circuit_number")
SITE = ("site_kind", "access_mode", "programmes", "capabilities", "road", "phone_digest", "phone_sealed")
STANDINGS = ("place", "unit", "store")
"""Where equipment is: exactly one of them."""
ASSET = (
    "code", "kind", "model", "serial_number", *STANDINGS, "purchased_on", "life_years", "specification", "condition", "price_fen",
    "warranty_ends_on", "paid_from", "handled_by",
)  # fmt: skip
LONGEST_CHAIN = 20


def _load_network(known: Known, named: Named | None) -> None:
    wanted = None if named is None else set(named.objects)
    for _ in range(LONGEST_CHAIN):
        _load_objects(known, wanted)
        if wanted is None:
            break
        wanted = {one.values["depends_on"] for one in known.objects.values()} - {"", *known.objects}
        if not wanted:
            break
    fields = [f"{name}__code" if name in STANDINGS else name for name in ASSET]
    paths = [f"{name}__division__path" for name in STANDINGS]
    rows = network.assets().values_list("pk", "uid", *paths, *fields)
    for pk, uid, place, unit, store, *values in _rows(rows, "code", named.assets if named else None):
        asset = dict(zip(ASSET, values, strict=True))
        asset |= {name: asset[name] or "" for name in STANDINGS}
        known.assets[asset["code"]] = Kept(pk, uid, place or unit or store, asset)


def _load_objects(known: Known, wanted: Collection[str] | None) -> None:
    paths = {"division": "division__code", "depends_on": "depends_on__code"}
    for kind, rows, own in (("edge", network.edges(), EDGE), ("line", network.lines(), LINE), ("site", network.sites(), SITE)):
        names = (*BASE, *own)
        fields = [paths.get(name, name) for name in names]
        for pk, uid, path, *values in _rows(rows.values_list("pk", "uid", "division__path", *fields), "code", wanted):
            one = dict(zip(names, values, strict=True))
            one["depends_on"] = one["depends_on"] or ""
            known.objects[one["code"]] = Kept(pk, uid, path, one, kind)


def _load_people(known: Known, named: Named | None) -> None:
    fields = ("pk", "uid", "unit__division__path", "name", "unit__code", "post", "phone_digest", "phone_sealed")
    persons = None if named is None or named.units is None else set[int]()
    rows = people.people_rows().values_list(*fields)
    for pk, uid, path, name, unit, post, phone_digest, phone_sealed in _rows(rows, "unit__code", named.units if named else None):
        values = {"name": name, "unit": unit, "post": post, "phone_digest": phone_digest, "phone_sealed": phone_sealed}
        known.people.setdefault((unit, name), []).append(Kept(pk, uid, path, values))
        if persons is not None:
            persons.add(pk)
    for duty in _rows(people.responsibilities_open(), "person", persons):
        values = {"kind": duty.kind, "division": duty.division.code, "valid_from": duty.valid_from, "document": duty.document}
        key = (duty.person_id, duty.unit.code, duty.division.code, duty.kind)
        known.responsibilities[key] = Kept(duty.pk, duty.uid, duty.division.path, values | {"duty_unit": duty.unit.code})
    for duty in _rows(people.responsibilities_open().filter(kind="first"), "division__code", named.divisions if named else None):
        known.firsts[duty.chain, duty.division.code] = (duty.person_id, duty.person.name)
    _load_accounts(known, named, persons)


def _load_accounts(known: Known, named: Named | None, persons: set[int] | None) -> None:
    rows = people.accounts().values_list("pk", "uid", "username", "person_id")
    for pk, uid, username, person in chain(
        _rows(rows, "username", named.usernames if named else None), () if persons is None else _rows(rows, "person", persons)
    ):
        known.accounts[username] = Kept(pk, uid, "", {"username": username, "person": person})
        known.username_of[person] = username
    for post in _rows(people.memberships_open(), "person", persons):
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
