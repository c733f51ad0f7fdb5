"""Writing the divisions and units of a checked file."""

from __future__ import annotations

from datetime import date
from typing import Any

from yuanjiao.network.commands import many as network
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.people import commands as people
from yuanjiao.places import commands as places
from yuanjiao.places.commands import DivisionEntry, UnitEntry
from yuanjiao.places.queries import open_divisions
from yuanjiao.register.checks import Book, Row
from yuanjiao.register.checks.rows import CHANGED, CREATED
from yuanjiao.register.commands.record import Ledger, before_and_after
from yuanjiao.register.models import Table
from yuanjiao.register.queries import Kept


def good_rows(book: Book, table: str, action: str) -> list[Row]:
    return [row for row in book.rows.get(table, []) if row.is_good and row.action == action]


def apply_divisions(book: Book, ledger: Ledger, on: date) -> None:
    rows = good_rows(book, "division", CREATED)
    entries = [
        DivisionEntry(row.code, row.values["name"], row.values["parent"], row.get("urban_rural"), row.values["valid_from"]) for row in rows
    ]
    entered = places.enter_divisions(entries=entries)
    for row in rows:
        made = entered[row.code]
        book.known.divisions[row.code] = Kept(made.pk, made.uid, made.path, row.values)
        ledger.created(Table.DIVISION, made.uid, row.code, made.name)
    changing = good_rows(book, "division", CHANGED)
    present = {row.code: row for row in open_divisions().filter(code__in=[row.code for row in changing])} if changing else {}
    for row in changing:
        _change_division(book, ledger, row, present[row.code], on)
    if changing:
        register_changed()  # a corrected place has the same key: whoever keeps places in memory must read them again


def _change_division(book: Book, ledger: Ledger, row: Row, present: Any, on: date) -> None:
    kept = row.kept
    assert kept is not None
    present.refresh_from_db()  # a parent renamed before it in this file moved it to the parent's new row
    if present.valid_from > on:
        on = present.valid_from
    now = places.correct_division(division=present, name=row.get("name"), urban_rural=row.get("urban_rural"), on=on)
    fields = before_and_after(kept.values, row.changes)
    if now.pk != kept.pk:
        network.follow_division(old=present, new=now)
        people.follow_division(old=present, new=now)
        fields.append(("row", kept.uid, now.uid))
    ledger.changed(Table.DIVISION, now.uid, row.code, now.name, fields)
    book.known.divisions[row.code] = Kept(now.pk, now.uid, now.path, kept.values | row.changes)


def apply_units(book: Book, ledger: Ledger, on: date) -> None:
    del on  # units say themselves since when they are
    rows = good_rows(book, "unit", CREATED)
    entries = [
        UnitEntry(
            row.code, row.values["name"], row.values["chain"], row.get("parent"), book.known.divisions[row.values["division"]].pk,
            bool(row.get("temporary", False)), row.values["valid_from"],
        )
        for row in rows
    ]  # fmt: skip
    entered = places.enter_units(entries=entries)
    for row in rows:
        made = entered[row.code]
        book.known.units[row.code] = Kept(made.pk, made.uid, "", row.values)
        ledger.created(Table.UNIT, made.uid, row.code, made.name)
    for row in good_rows(book, "unit", CHANGED):
        unit = places.correct_unit(code=row.code, fields=with_division_key(book, row.changes))
        kept = row.kept.values if row.kept is not None else {}
        ledger.changed(Table.UNIT, unit.uid, row.code, unit.name, before_and_after(kept, row.changes))


def with_division_key(book: Book, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes as commands take them: the division by its key instead of its code."""
    fields = dict(changes)
    if "division" in fields:
        fields["division_id"] = book.known.divisions[fields.pop("division")].pk
    return fields
