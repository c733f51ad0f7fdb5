"""Many edges, lines, sites and assets at once, as the register's spreadsheet brings them, and the way back.

The caller stands inside one transaction and has checked the rows; what the database can hold it still holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.relations import dependants, named
from yuanjiao.lib.seal import digest, phone_digits, seal
from yuanjiao.network.commands.labels import keep_former, said_of
from yuanjiao.network.commands.placements import follow_division, follow_rows, place_new
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.network.models import (
    Asset,
    Edge,
    FormerLabels,
    Line,
    Liveness,
    ManagedObject,
    ObjectKind,
    Placement,
    Site,
    State,
    StateChange,
)
from yuanjiao.network.rules import pinyin_initials
from yuanjiao.places.queries import open_units

__all__ = [
    "AssetEntry",
    "ObjectEntry",
    "correct_assets",
    "correct_objects",
    "enter_assets",
    "enter_objects",
    "follow_division",
    "follow_life",
    "remove_assets",
    "remove_objects",
]
BATCH = 1000
CHILD: dict[str, type[ManagedObject]] = {ObjectKind.EDGE: Edge, ObjectKind.LINE: Line, ObjectKind.SITE: Site}
PINYIN_LENGTH = 60


@dataclass(frozen=True)
class ObjectEntry:
    """One edge, line or site to enter. `depends_on` is a code or empty; `details` are the fields of its own kind, and `phone`."""

    kind: str
    code: str
    name: str
    division_id: int
    depends_on: str
    lifecycle: str
    suspension_document: str
    in_service_on: date
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AssetEntry:
    """One piece of equipment to enter. One of three says where it is: `place`, the code of an edge, line or site; or among the details
    `unit` (issued to) or `store` (kept by), the code of a unit."""

    code: str
    kind: str
    place: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def enter_objects(*, entries: Sequence[ObjectEntry], on: date) -> dict[str, UUID]:
    """Enter objects, whatever their order, each after the one it depends on. Gives the uid of each code.

    Refused when they hang on one another in a circle or on something that is not there.
    """
    wanted = {entry.depends_on for entry in entries if entry.depends_on}
    known = _keys_by_code(wanted)
    uids: dict[str, UUID] = {}
    waiting = list(entries)
    while waiting:
        ready = [entry for entry in waiting if not entry.depends_on or entry.depends_on in known]
        if not ready:
            raise Refused(f"{waiting[0].name} 的上联 {waiting[0].depends_on} 不存在，或互相上联成圈")
        rows = [_parent_row(entry, known, on) for entry in ready]
        ManagedObject.objects.bulk_create(rows, batch_size=BATCH)
        place_new(rows)
        known |= {row.code: row.pk for row in rows}
        uids |= {row.code: row.uid for row in rows}
        _enter_details(ready, known)
        waiting = [entry for entry in waiting if entry.code not in uids]
    return uids


def _keys_by_code(codes: Collection[str]) -> dict[str, int]:
    wanted = sorted(codes)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), BATCH):
        found |= dict(ManagedObject.objects.filter(code__in=wanted[start : start + BATCH]).values_list("code", "pk"))
    return found


def _parent_row(entry: ObjectEntry, known: Mapping[str, int], on: date) -> ManagedObject:
    return ManagedObject(
        kind=entry.kind, code=entry.code, name=entry.name, division_id=entry.division_id, depends_on_id=known.get(entry.depends_on),
        lifecycle=entry.lifecycle, lifecycle_on=on, suspension_document=entry.suspension_document, in_service_on=entry.in_service_on,
    )  # fmt: skip


def _enter_details(entries: Sequence[ObjectEntry], known: Mapping[str, int]) -> None:
    for kind, model in CHILD.items():
        rows = [_child_row(model, entry, known[entry.code]) for entry in entries if entry.kind == kind]
        if rows:
            _insert_child_rows(model, rows)


def _child_row(model: type[ManagedObject], entry: ObjectEntry, key: int) -> Any:
    details = dict(entry.details)
    if model is Site:
        details = {**sealed_phone(str(details.pop("phone", ""))), **details}
        details |= {"pinyin": pinyin_initials(entry.name)[:PINYIN_LENGTH], "beat_key": secrets.token_urlsafe(24)}
    child: Any = model
    return child(managedobject_ptr_id=key, **details)


def _insert_child_rows(model: type[ManagedObject], rows: Sequence[Any]) -> None:
    """The child halves of rows whose parent halves are in: Django's bulk_create refuses inherited tables."""
    fields = model._meta.local_concrete_fields
    quote = connection.ops.quote_name
    columns = ", ".join(quote(one.column) for one in fields)
    places = ", ".join(["%s"] * len(fields))
    values = [[one.get_db_prep_save(getattr(row, one.attname), connection) for one in fields] for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places})", values)


def sealed_phone(phone: str) -> dict[str, Any]:
    """The two fields a site keeps instead of a telephone number."""
    return {
        "phone_sealed": seal(phone, settings.SECRET_KEY),
        "phone_digest": digest(phone_digits(phone), settings.SECRET_KEY),
    }


PLACED = frozenset({"division", "lifecycle", "suspension_document", "in_service_on"})
"""Fields whose change is a change of the dated story."""


@transaction.atomic
def correct_objects(*, changes: Mapping[str, Mapping[str, Any]], on: date) -> None:
    """Set fields of objects by code. `depends_on` is a code or empty, `phone` a number; `phone_sealed`/`phone_digest` put one back.

    A change of `lifecycle` is dated `on`, and so is one of what a site is.
    """
    rows = {row.code: row for model in CHILD.values() for row in _rows_by_code(model, changes)}
    sites = [row for row in rows.values() if isinstance(row, Site)]
    were = {row.pk: said_of(row) for row in sites}
    links = _keys_by_code({str(fields["depends_on"]) for fields in changes.values() if fields.get("depends_on")})
    touched: dict[tuple[type[models.Model], tuple[str, ...]], list[models.Model]] = {}
    for code, fields in changes.items():
        row = rows[code]
        plain = _plain_fields(row, fields, links, on)
        for name, value in plain.items():
            setattr(row, name, value)
        touched.setdefault((type(row), tuple(sorted(plain))), []).append(row)
    for (model, names), group in touched.items():
        model._base_manager.bulk_update(group, [name.removesuffix("_id") for name in names], batch_size=200)
    register_changed([row.pk for row in rows.values()])
    keep_former(were, [row for row in sites if said_of(row) != were[row.pk]], on=on)
    moved = [row for code, row in rows.items() if PLACED & {name.removesuffix("_id") for name in changes[code]}]
    follow_rows(moved, on=on, entered={row.pk: row.in_service_on for row in moved if "in_service_on" in changes[row.code]})


def _rows_by_code(model: type[ManagedObject], codes: Collection[str]) -> list[ManagedObject]:
    wanted = sorted(codes)
    return [row for start in range(0, len(wanted), BATCH) for row in model._base_manager.filter(code__in=wanted[start : start + BATCH])]


def _plain_fields(row: ManagedObject, fields: Mapping[str, Any], links: Mapping[str, int], on: date) -> dict[str, Any]:
    plain = dict(fields)
    if "depends_on" in plain:
        plain["depends_on_id"] = links.get(str(plain.pop("depends_on")))
    if "phone" in plain:
        plain |= sealed_phone(str(plain.pop("phone")))
    if "lifecycle" in plain and plain["lifecycle"] != row.lifecycle:
        plain.setdefault("lifecycle_on", on)
    if "name" in plain and isinstance(row, Site):
        plain["pinyin"] = pinyin_initials(str(plain["name"]))[:PINYIN_LENGTH]
    return plain


STANDINGS = ("place", "unit", "store")
"""Where a piece of equipment can be; exactly one of them names something."""


def enter_assets(*, entries: Sequence[AssetEntry]) -> dict[str, UUID]:
    """Enter equipment; gives the uid of each code."""
    told = [{"place": entry.place, **entry.details} for entry in entries]
    keys = _standing_keys(told)
    rows = [Asset(code=entry.code, kind=entry.kind, **_with_keys(fields, keys)) for entry, fields in zip(entries, told, strict=True)]
    Asset.objects.bulk_create(rows, batch_size=BATCH)
    return {row.code: row.uid for row in rows}


def _standing_keys(changes: Collection[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Code → key, of objects under `place`, of units under `unit` and `store`."""
    places = _keys_by_code({str(fields["place"]) for fields in changes if fields.get("place")})
    named = any(fields.get(name) for fields in changes for name in ("unit", "store"))
    units = dict(open_units().values_list("code", "pk")) if named else {}
    return {"place": places, "unit": units, "store": units}


def _with_keys(fields: Mapping[str, Any], keys: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """The fields as the row takes them: a code of where it is becomes a key, nothing becomes None."""
    plain = {name: value for name, value in fields.items() if name not in STANDINGS}
    return plain | {f"{name}_id": keys[name][fields[name]] if fields[name] else None for name in STANDINGS if name in fields}


@transaction.atomic
def correct_assets(*, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Set fields of assets by code; `place`, `unit` and `store` are codes, "" where it is no more."""
    keys = _standing_keys(list(changes.values()))
    wanted = sorted(changes)
    for start in range(0, len(wanted), BATCH):
        for row in Asset.objects.filter(code__in=wanted[start : start + BATCH]):
            fields = _with_keys(changes[row.code], keys)
            for name, value in fields.items():
                setattr(row, name, value)
            row.save(update_fields=list(fields))


def follow_life(*, kind: str, former: int, years: int) -> int:
    """Give equipment of a kind that had the former expected life another one; returns how many there were."""
    return Asset.objects.filter(kind=kind, life_years=former).update(life_years=years)


@transaction.atomic
def remove_assets(*, uids: Collection[UUID]) -> None:
    """Take equipment out again. Conflict, naming what depends on it, when anything does."""
    keys = list(Asset.objects.filter(uid__in=uids).values_list("pk", flat=True))
    _refuse_dependants(dependants(Asset, keys), "设备")
    Asset.objects.filter(pk__in=keys).delete()


@transaction.atomic
def remove_objects(*, uids: Collection[UUID]) -> None:
    """Take edges, lines and sites out again. Conflict, naming what depends on them, when anything does.

    "Unknown since it was entered" is no history: nothing was ever heard of such an object.
    """
    keys = {kind: list(model._base_manager.filter(uid__in=uids).values_list("pk", flat=True)) for kind, model in CHILD.items()}
    every = [key for group in keys.values() for key in group]
    for kind, model in CHILD.items():
        left = dependants(model, keys[kind], ignoring=(StateChange, Liveness, Placement, FormerLabels), leaving=every)
        _refuse_dependants(left, str(model._meta.verbose_name))
    heard = StateChange.objects.filter(object__uid__in=uids).exclude(state=State.UNKNOWN).count()
    _refuse_dependants({"状态变化": heard} if heard else {}, "站点、线路或服务器")
    ManagedObject.objects.filter(pk__in=every).update(depends_on=None)
    for kind, model in CHILD.items():
        model._base_manager.filter(pk__in=keys[kind]).delete()
    register_changed()


def _refuse_dependants(left: dict[str, int], title: str) -> None:
    if left:
        raise Conflict(f"这次导入的{title}已被依赖：{named(left)}。请先处理这些记录")
