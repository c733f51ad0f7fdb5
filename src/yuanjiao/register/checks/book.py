"""The order of checking: cells, keys that occur twice, each table against what it stands on, then what leans on wrong rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from yuanjiao.register.checks import assets, objects, people, places
from yuanjiao.register.checks.rows import Book, read_sheet
from yuanjiao.register.documents.columns import PEOPLE
from yuanjiao.register.documents.workbook import SheetCells
from yuanjiao.register.queries import Known

SHARED_CODES = {"edge": "object", "line": "object", "site": "object"}
CHECKS: tuple[tuple[str, Callable[[Book], None]], ...] = (
    ("division", places.check_divisions),
    ("unit", places.check_units),
    ("object", objects.check_objects),
    ("asset", assets.check_assets),
    ("person", people.check_people),
)
OUTSIDE = "没有找到，或不在您负责的范围内"


def check_book(
    sheets: Sequence[SheetCells],
    known: Known,
    *,
    scopes: tuple[str, ...],
    on: date,
    report: Callable[[int, int], None] = lambda _d, _t: None,
) -> Book:
    """Every row of every sheet with its problems, or what it would do. `report(done, total)` is told of the progress in rows."""
    book = Book(known, scopes, on)
    total, done = sum(len(sheet.rows) for sheet in sheets) or 1, 0
    for sheet in sheets:
        book.rows[sheet.plan.table] = read_sheet(sheet)
        done += len(sheet.rows)
        report(done // 2, total)
    _index(book)
    for _name, check in CHECKS:
        check(book)
        report(total // 2 + done // 2, total)
    _spread_blame(book)
    return book


def _index(book: Book) -> None:
    """Rows by code; a code that occurs twice makes every later row wrong."""
    for table, rows in book.rows.items():
        if table == PEOPLE.table:
            continue
        index = book.by_code.setdefault(SHARED_CODES.get(table, table), {})
        for row in rows:
            first = index.setdefault(row.code, row) if row.code else row
            if first is not row:
                where = f"“{first.plan.name}”表" if first.plan is not row.plan else ""
                row.problems.append((row.plan.columns[0].title, f"与{where}第 {first.number} 行重复：{row.code}"))


def _spread_blame(book: Book) -> None:
    """A row that leans on a wrong row which would have created what it needs is wrong too, however long the chain."""
    waiting = True
    while waiting:
        waiting = False
        for row in book.every_row():
            if not row.is_good:
                continue
            wrong = next((other for other in row.leans_on if not other.is_good), None)
            if wrong is not None:
                row.blame("", f"依赖的“{wrong.plan.name}”表第 {wrong.number} 行（{wrong.code}）有错误")
                waiting = True
