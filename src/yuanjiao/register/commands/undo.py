"""Taking an applied import back, as long as nothing that came later depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from yuanjiao.assets import commands as assets
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.commands import many as network
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.people import commands as people
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import memberships_open, people_rows, responsibilities_open
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places import commands as places
from yuanjiao.places.queries import divisions_by_uid, open_divisions, open_units
from yuanjiao.register.checks.rows import as_kept
from yuanjiao.register.documents.columns import CLEARED, SHEETS
from yuanjiao.register.models import Import, ImportChange, ImportState, Table
from yuanjiao.register.queries import Kept, Known, Named, changes_of, known_register

OBJECTS = (Table.EDGE, Table.LINE, Table.SITE)
PLANS = {plan.table: plan for plan in SHEETS}


@transaction.atomic
def undo_import(*, batch: Import, by: Actor, at: datetime) -> None:
    """Remove what the import created and put back what it changed. Conflict, naming what stands in the way, otherwise."""
    by.require(Permission.IMPORT_REGISTER)
    moved = Import.objects.filter(pk=batch.pk, state=ImportState.APPLIED).update(state=ImportState.UNDONE, finished_at=at)
    if not moved:
        raise Conflict("只有已导入的内容可以撤销，或这次导入已经撤销")
    changes = list(changes_of(batch))
    changed = [change for change in changes if not change.created]
    known = known_register(_named(changed))
    _check_unchanged_since(known, changed)
    created = {table: [change.subject_uid for change in changes if change.created and change.table == table] for table in Table}
    _undo_people(created, [change for change in changed if change.table in {Table.PERSON, Table.RESPONSIBILITY, Table.MEMBERSHIP}])
    _undo_assets([change for change in changed if change.table == Table.ASSET], by, at)
    assets.remove_listed(uids=created[Table.ASSET])
    _undo_objects(known, [change for change in changed if change.table in OBJECTS], at)
    network.remove_objects(uids=[uid for table in OBJECTS for uid in created[table]])
    _undo_units(known, [change for change in changed if change.table == Table.UNIT])
    places.remove_units(uids=created[Table.UNIT])
    for change in reversed([change for change in changed if change.table == Table.DIVISION]):
        _undo_division(change)
    places.remove_divisions(uids=created[Table.DIVISION])
    write_audit(by=by, action="撤销导入", subject=f"导入 {batch.uid}", at=at, detail=f"{batch.file_name}：{len(changes)} 项")


def _named(changed: Sequence[ImportChange]) -> Named:
    """What the changes to take back name, and the places to which they lead back."""

    def codes(*tables: Table) -> frozenset[str]:
        return frozenset(change.code for change in changed if change.table in tables)

    former = {one.before for change in changed for one in change.fields.all() if one.field == "division"}
    people = codes(Table.PERSON, Table.RESPONSIBILITY, Table.MEMBERSHIP)
    return Named(
        divisions=codes(Table.DIVISION) | former,
        objects=codes(*OBJECTS),
        assets=codes(Table.ASSET),
        units=None if people else frozenset(),
        usernames=frozenset(),
    )


def _check_unchanged_since(known: Known, changes: Iterable[ImportChange]) -> None:
    """Refuse when a field was changed again after the import: putting the older value back would lose that."""
    kept = {one.uid: one for one in _every_kept(known)}
    for change in changes:
        now = kept.get(change.subject_uid)
        if now is None:
            raise Conflict(f"{change.get_table_display()} {change.code} {change.name} 之后已更名或停用，不能撤销")
        for one in change.fields.all():
            if one.field not in {"row", "phone_sealed"} and as_kept(now.values.get(one.field)) != one.after:
                raise Conflict(f"{change.get_table_display()} {change.code} {change.name} 之后又有变更，不能撤销")


def _every_kept(known: Known) -> list[Kept]:
    people_kept = [one for group in known.people.values() for one in group]
    tables = (known.divisions, known.units, known.objects, known.assets, known.responsibilities, known.memberships)
    return people_kept + [one for table in tables for one in table.values()]


def _before(change: ImportChange) -> dict[str, Any]:
    """The former values of a change, as commands take them."""
    columns = {column.key: column for column in PLANS[change.table].columns} if change.table in PLANS else {}
    former: dict[str, Any] = {}
    for one in change.fields.all():
        column = columns.get(one.field)
        if column is None or not one.before:
            former[one.field] = CLEARED.get(one.field, one.before) if not one.before else one.before
        else:
            former[one.field] = (column.noted or column.read)(one.before)
    return former


def _undo_people(created: dict[Table, list[UUID]], changed: Iterable[ImportChange]) -> None:
    columns = {column.key: column for column in PLANS["person"].columns}
    for change in changed:
        former = {one.field: one.before for one in change.fields.all()}
        if change.table == Table.PERSON:
            person = people_rows().get(uid=change.subject_uid)
            people.restore_person(
                person=person, post=former.get("post", person.post),
                phone_sealed=former["phone_sealed"].encode() if "phone_sealed" in former else bytes(person.phone_sealed),
                phone_digest=former.get("phone_digest", person.phone_digest),
            )  # fmt: skip
            continue
        fields = {key: columns[key].read(value) if value else value for key, value in former.items()}
        if change.table == Table.RESPONSIBILITY:
            people.correct_responsibility(responsibility=responsibilities_open().get(uid=change.subject_uid), fields=fields)
        else:
            people.change_membership_start(membership=memberships_open().get(uid=change.subject_uid), fields=fields)
    people.remove_people(
        people=created[Table.PERSON], responsibilities=created[Table.RESPONSIBILITY], accounts=created[Table.ACCOUNT],
        memberships=created[Table.MEMBERSHIP],
    )  # fmt: skip


def _undo_assets(changed: Iterable[ImportChange], by: Actor, at: datetime) -> None:
    former = {change.code: _before(change) for change in changed}
    assets.correct_listed(changes=former, on=local_day(at), by_name=by.name, note="撤销导入", undoing=True)


def _undo_objects(known: Known, changed: Iterable[ImportChange], at: datetime) -> None:
    former = {change.code: _with_division_key(known, _before(change)) for change in changed}
    for fields in former.values():
        if "phone_sealed" in fields:
            fields["phone_sealed"] = str(fields["phone_sealed"]).encode()
    network.correct_objects(changes=former, on=local_day(at))


def _undo_units(known: Known, changed: Iterable[ImportChange]) -> None:
    for change in changed:
        places.correct_unit(code=open_units().get(uid=change.subject_uid).code, fields=_with_division_key(known, _before(change)))


def _with_division_key(known: Known, fields: dict[str, Any]) -> dict[str, Any]:
    code = fields.pop("division", None)
    if code is not None:
        if code not in known.divisions:
            raise Refused(f"原来的区划 {code} 已经停用，不能撤销")
        fields["division_id"] = known.divisions[code].pk
    return fields


def _undo_division(change: ImportChange) -> None:
    former = {one.field: one.before for one in change.fields.all()}
    present = open_divisions().get(uid=change.subject_uid)
    if "row" in former:
        ended = divisions_by_uid([UUID(former["row"])])[0]
        network.follow_division(old=present, new=ended)
        people.follow_division(old=present, new=ended)
        places.restore_division(division=present, ended=ended)
        return
    name, urban_rural = former.get("name", present.name), former.get("urban_rural", present.urban_rural)
    places.correct_division(division=present, name=name, urban_rural=urban_rural, on=present.valid_from)
    register_changed()
