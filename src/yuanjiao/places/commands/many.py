"""Many places and units at once, as the register's spreadsheet brings them, and the way back.

The caller stands inside one transaction and has checked the rows; what the database can hold it still holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.relations import dependants, named
from yuanjiao.places.commands.single import rename_division
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.rules import is_code, level_of, path_of

BATCH = 1000


@dataclass(frozen=True)
class DivisionEntry:
    """One division to enter; `parent` is the code of the one above, empty at the top."""

    code: str
    name: str
    parent: str
    urban_rural: str
    valid_from: date


@dataclass(frozen=True)
class UnitEntry:
    """One unit to enter; `parent` is a unit's code or empty, `division_id` the key of its division."""

    code: str
    name: str
    chain: str
    parent: str
    division_id: int
    temporary: bool
    valid_from: date


@transaction.atomic
def enter_divisions(*, entries: Sequence[DivisionEntry]) -> dict[str, Division]:
    """Open divisions, upper levels first. Refused for a wrong code or an upper division that is not there."""
    wrong = next((entry.code for entry in entries if not is_code(entry.code)), None)
    if wrong is not None:
        raise Refused(f"区划代码应为 12 位数字：{wrong}")
    above = {row.code: row for row in Division.objects.filter(valid_to=None, code__in={entry.parent for entry in entries if entry.parent})}
    entered: dict[str, Division] = {}
    for level in sorted({level_of(entry.code) for entry in entries}):
        rows = [_division(entry, {**above, **entered}) for entry in entries if level_of(entry.code) == level]
        entered |= {row.code: row for row in Division.objects.bulk_create(rows, batch_size=BATCH)}
    return entered


def _division(entry: DivisionEntry, known: Mapping[str, Division]) -> Division:
    parent = known.get(entry.parent)
    if entry.parent and parent is None:
        raise Refused(f"{entry.name} 的上级区划 {entry.parent} 不存在")
    path = path_of(parent.path if parent else "/", entry.code)
    return Division(
        code=entry.code, name=entry.name, level=level_of(entry.code), parent=parent, path=path, urban_rural=entry.urban_rural,
        valid_from=entry.valid_from,
    )  # fmt: skip


@transaction.atomic
def correct_division(*, division: Division, name: str, urban_rural: str, on: date) -> Division:
    """Change the name or the class of a division; gives the row now in force.

    Another name, or town instead of country (the first digit of the class), is a dated new row (story 3): earlier days keep theirs.
    A class that was not said before, or a finer one, is put into the row.

    A division that began on `on` itself is corrected in place: no earlier day knew it otherwise. What lies in the old row
    in force (divisions and units below) moves to the new one.
    """
    other_land = "" not in {division.urban_rural, urban_rural} and division.urban_rural[0] != urban_rural[0]
    if (name != division.name or other_land) and division.valid_from < on:
        renamed = rename_division(division=division, name=name, on=on)
        Division.objects.filter(parent=division, valid_to=None).update(parent=renamed)
        OrgUnit.objects.filter(division=division, valid_to=None).update(division=renamed)
        division = renamed
    division.name, division.urban_rural = name, urban_rural
    division.save(update_fields=["name", "urban_rural"])
    return division


@transaction.atomic
def restore_division(*, division: Division, ended: Division) -> None:
    """Take a renaming back: `division`, the row it opened, goes; `ended`, the row it ended, is in force again."""
    Division.objects.filter(parent=division).update(parent=ended)
    OrgUnit.objects.filter(division=division).update(division=ended)
    left = dependants(Division, [division.pk])
    if left:
        raise Conflict(f"区划 {division.name} 更名后已有新的记录依赖它（{named(left)}），不能撤销")
    division.delete()
    ended.valid_to = None
    ended.save(update_fields=["valid_to"])


@transaction.atomic
def enter_units(*, entries: Sequence[UnitEntry]) -> dict[str, OrgUnit]:
    """Open units, upper ones first, whatever their order."""
    above = {row.code: row for row in OrgUnit.objects.filter(code__in={entry.parent for entry in entries if entry.parent})}
    entered: dict[str, OrgUnit] = {}
    waiting = list(entries)
    while waiting:
        known = {**above, **entered}
        ready = [entry for entry in waiting if not entry.parent or entry.parent in known]
        if not ready:
            raise Refused(f"单位 {waiting[0].name} 的上级单位 {waiting[0].parent} 不存在，或互为上下级")
        rows = [
            OrgUnit(
                code=entry.code, name=entry.name, chain=entry.chain, parent=known.get(entry.parent), division_id=entry.division_id,
                temporary=entry.temporary, valid_from=entry.valid_from,
            )
            for entry in ready
        ]  # fmt: skip
        entered |= {row.code: row for row in OrgUnit.objects.bulk_create(rows, batch_size=BATCH)}
        waiting = [entry for entry in waiting if entry.code not in entered]
    return entered


@transaction.atomic
def correct_unit(*, code: str, fields: Mapping[str, Any]) -> OrgUnit:
    """Set name, parent, division_id or temporary of one unit. `parent` is a unit's code or empty."""
    unit = OrgUnit.objects.get(code=code)
    for name, value in fields.items():
        if name == "parent":
            unit.parent = OrgUnit.objects.get(code=value) if value else None
        else:
            setattr(unit, name, value)
    unit.save(update_fields=list(fields))
    return unit


def remove_divisions(*, uids: Collection[UUID]) -> int:
    """Take divisions out again. Conflict, naming what depends on them, when anything does."""
    return _remove(Division, uids, "区划")


def remove_units(*, uids: Collection[UUID]) -> int:
    """Take units out again. Conflict, naming what depends on them, when anything does."""
    return _remove(OrgUnit, uids, "单位")


@transaction.atomic
def _remove(model: type[Division] | type[OrgUnit], uids: Collection[UUID], title: str) -> int:
    keys = list(model._base_manager.filter(uid__in=uids).values_list("pk", flat=True))
    left = dependants(model, keys, leaving=keys)
    if left:
        raise Conflict(f"这次导入的{title}已被依赖：{named(left)}。请先处理这些记录")
    model._base_manager.filter(pk__in=keys).update(parent=None)  # they stand on one another
    return model._base_manager.filter(pk__in=keys).delete()[0]
