"""Checking equipment: it stands in exactly one place that exists."""

from __future__ import annotations

from yuanjiao.register.checks.places import NOT_FOUND
from yuanjiao.register.checks.rows import Book, Row, settle


def check_assets(book: Book) -> None:
    for row in book.rows.get("asset", []):
        row.kept = book.known.assets.get(row.code)
        if row.kept is not None and not book.covers(row.kept.path):
            row.blame("code", f"资产编号 {row.code} 已被占用，或不在您负责的范围内")
        if row.values.get("place"):
            _check_place(book, row)
        settle(row, ("kind", "model", "serial_number", "place", "purchased_on", "life_years"))


def _check_place(book: Book, row: Row) -> None:
    code = row.values["place"]
    kept, made = book.known.objects.get(code), book.by_code.get("object", {}).get(code)
    if kept is None and made is not None:
        row.leans_on.append(made)
        row.path = made.path
    elif kept is None or not book.covers(kept.path):
        row.blame("place", f"对象编号 {code} {NOT_FOUND}")
    else:
        row.path = kept.path
