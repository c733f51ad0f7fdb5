"""Writing the people of a checked file: persons, what they answer for, their accounts and posts."""

from __future__ import annotations

from datetime import date
from typing import Any

from yuanjiao.people import commands as people
from yuanjiao.people.commands import PersonEntry
from yuanjiao.people.models import Person, ResponsibilityKind
from yuanjiao.people.queries import memberships_open, people_rows, responsibilities_open
from yuanjiao.people.rules import Role
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import open_divisions, open_units
from yuanjiao.register.checks import Book, Row
from yuanjiao.register.checks.rows import CREATED
from yuanjiao.register.commands.apply_network import phone_fields
from yuanjiao.register.commands.record import Ledger, before_and_after
from yuanjiao.register.models import Table

PersonKey = tuple[str, str]


def apply_people(book: Book, ledger: Ledger, on: date) -> None:
    rows = [row for row in book.rows.get("person", []) if row.is_good and row.action != "unchanged"]
    if not rows:
        return
    units = {unit.code: unit for unit in open_units()}
    persons = _enter_new(book, ledger, rows, units)
    persons |= _change_kept(ledger, rows)
    divisions = {
        row.code: row for row in open_divisions().filter(code__in={row.values["division"] for row in rows if "division" in row.values})
    }
    _open_accounts(ledger, rows, persons)
    for row in rows:
        person = persons[_key(row)]
        unit = units[row.values.get("duty_unit") or row.values["unit"]]
        if "duty" in row.changes:
            _apply_duty(ledger, row, person, unit, divisions[row.values["division"]], on)
        if "membership" in row.changes:
            _apply_membership(ledger, row, person, unit, on)


def _key(row: Row) -> PersonKey:
    return row.values["unit"], row.values["name"]


def _enter_new(book: Book, ledger: Ledger, rows: list[Row], units: dict[str, OrgUnit]) -> dict[PersonKey, Person]:
    """People who stand in no row of the register yet; post and phone may be in any of their rows."""
    del book
    told: dict[PersonKey, dict[str, str]] = {}
    for row in rows:
        if row.kept is None:
            one = told.setdefault(_key(row), {"phone": "", "post": ""})
            one |= {key: row.values[key] for key in ("phone", "post") if row.values.get(key)}
    entries = [PersonEntry(name, units[unit], one["phone"], one["post"]) for (unit, name), one in told.items()]
    made = dict(zip(told, people.enter_people(entries=entries), strict=True))
    for (unit, name), person in made.items():
        ledger.created(Table.PERSON, person.uid, unit, name)
    return made


def _change_kept(ledger: Ledger, rows: list[Row]) -> dict[PersonKey, Person]:
    kept = {_key(row): row.kept for row in rows if row.kept is not None}
    found = {person.pk: person for person in people_rows().filter(pk__in=[one.pk for one in kept.values()])}
    changes: dict[PersonKey, dict[str, str]] = {}
    for row in rows:
        if row.kept is not None:
            changes.setdefault(_key(row), {}).update({key: row.changes[key] for key in ("post", "phone") if key in row.changes})
    for key, fields in changes.items():
        if fields:
            one = kept[key]
            people.correct_person(person=found[one.pk], fields=fields)
            told = before_and_after(one.values, {name: value for name, value in fields.items() if name != "phone"})
            told += phone_fields(one.values, fields["phone"]) if "phone" in fields else []
            ledger.changed(Table.PERSON, one.uid, key[0], key[1], told)
    return {key: found[one.pk] for key, one in kept.items()}


def _open_accounts(ledger: Ledger, rows: list[Row], persons: dict[PersonKey, Person]) -> None:
    wanted = {row.changes["account"]: persons[_key(row)] for row in rows if "account" in row.changes}
    for account in people.open_accounts(people=[(person, username) for username, person in wanted.items()]):
        ledger.created(Table.ACCOUNT, account.uid, account.username, wanted[account.username].name)


def _apply_duty(ledger: Ledger, row: Row, person: Person, unit: OrgUnit, division: Division, on: date) -> None:
    code = f"{division.code} {row.values['kind']}"
    what: Any = row.changes["duty"]
    if what == CREATED:
        made = people.make_responsible(
            person=person, unit=unit, division=division, kind=ResponsibilityKind(row.values["kind"]),
            on=row.values.get("valid_from", on), document=row.values.get("document", ""),
        )  # fmt: skip
        ledger.created(Table.RESPONSIBILITY, made.uid, code, person.name)
        return
    duty = responsibilities_open().get(person=person, unit=unit, division__code=division.code, kind=row.values["kind"])
    before = [(key, getattr(duty, key), value) for key, value in what.items()]
    people.correct_responsibility(responsibility=duty, fields=what)
    ledger.changed(Table.RESPONSIBILITY, duty.uid, code, person.name, before)


def _apply_membership(ledger: Ledger, row: Row, person: Person, unit: OrgUnit, on: date) -> None:
    code = f"{unit.code} {row.values['role']}"
    what: Any = row.changes["membership"]
    if what == CREATED:
        made = people.appoint(person=person, unit=unit, role=Role(row.values["role"]), on=row.values.get("valid_from", on))
        ledger.created(Table.MEMBERSHIP, made.uid, code, person.name)
        return
    post = memberships_open().get(person=person, unit=unit, role=row.values["role"])
    before = [(key, getattr(post, key), value) for key, value in what.items()]
    people.change_membership_start(membership=post, fields=what)
    ledger.changed(Table.MEMBERSHIP, post.uid, code, person.name, before)
