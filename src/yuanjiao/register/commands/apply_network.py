"""Writing the edges, lines, sites and equipment of a checked file."""

from __future__ import annotations

from datetime import date
from typing import Any

from yuanjiao.assets import commands as assets
from yuanjiao.network.commands import many as network
from yuanjiao.network.commands.many import AssetEntry, ObjectEntry
from yuanjiao.register.checks import Book, Row
from yuanjiao.register.checks.objects import OWN
from yuanjiao.register.checks.phones import phone_digest
from yuanjiao.register.checks.rows import CHANGED, CREATED
from yuanjiao.register.commands.apply_places import good_rows, with_division_key
from yuanjiao.register.commands.record import Ledger, before_and_after
from yuanjiao.register.models import Table
from yuanjiao.register.queries import ASSET

KINDS = (Table.EDGE, Table.LINE, Table.SITE)


def apply_objects(book: Book, ledger: Ledger, on: date) -> None:
    new = [(kind, row) for kind in KINDS for row in good_rows(book, kind, CREATED)]
    uids = network.enter_objects(entries=[_entry(book, kind, row) for kind, row in new], on=on)
    for kind, row in new:
        ledger.created(kind, uids[row.code], row.code, row.values["name"])
    changing = [(kind, row) for kind in KINDS for row in good_rows(book, kind, CHANGED)]
    network.correct_objects(changes={row.code: with_division_key(book, row.changes) for _kind, row in changing}, on=on)
    for kind, row in changing:
        record_change(ledger, kind, row)


def _entry(book: Book, kind: Table, row: Row) -> ObjectEntry:
    details = {key: row.values[key] for key in (*OWN[kind], "phone") if key in row.values}
    return ObjectEntry(
        kind=str(kind),
        code=row.code,
        name=row.values["name"],
        division_id=book.known.divisions[row.values["division"]].pk,
        depends_on=row.get("depends_on"),
        lifecycle=row.get("lifecycle", "in_service"),
        suspension_document=row.get("suspension_document"),
        in_service_on=row.values["in_service_on"],
        details=details,
    )


def record_change(ledger: Ledger, table: Table, row: Row) -> None:
    """Tell the ledger what a row changed; a telephone number is told by its seal and digest, never in the clear."""
    if row.kept is None:
        return
    fields = before_and_after(row.kept.values, {key: value for key, value in row.changes.items() if key != "phone"})
    if "phone" in row.changes:
        fields += phone_fields(row.kept.values, row.changes["phone"])
    ledger.changed(table, row.kept.uid, row.code, row.get("name") or row.code, fields)


def phone_fields(kept: dict[str, Any], number: str) -> list[tuple[str, Any, Any]]:
    sealed = bytes(kept["phone_sealed"]).decode("ascii")  # a seal is URL-safe base64
    return [("phone_sealed", sealed, ""), ("phone_digest", kept["phone_digest"], phone_digest(number))]


def apply_assets(book: Book, ledger: Ledger, on: date) -> None:
    rows = good_rows(book, "asset", CREATED)
    uids = assets.enter_listed(entries=[_asset_entry(row) for row in rows], on=on)
    for row in rows:
        ledger.created(Table.ASSET, uids[row.code], row.code, row.values["kind"])
    changing = good_rows(book, "asset", CHANGED)
    assets.correct_listed(
        changes={row.code: row.changes for row in changing},
        on=on,
        by_name=ledger.batch.actor_name,
        note=f"导入台账 {ledger.batch.file_name}",
    )
    for row in changing:
        record_change(ledger, Table.ASSET, row)


def _asset_entry(row: Row) -> AssetEntry:
    details = {key: row.values[key] for key in ASSET if key in row.values and key not in {"code", "kind", "place"}}
    return AssetEntry(row.code, row.values["kind"], row.values.get("place", ""), details)
