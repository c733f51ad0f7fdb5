"""Checking an import: nothing is written but the findings and the file that goes back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.register.checks import Book, check_book
from yuanjiao.register.checks.named import named_in
from yuanjiao.register.checks.rows import CHANGED, CREATED, UNCHANGED
from yuanjiao.register.documents import files
from yuanjiao.register.documents.columns import SHEETS
from yuanjiao.register.documents.workbook import SheetCells, read_workbook
from yuanjiao.register.models import Import, ImportProblem, ImportSheet, ImportState
from yuanjiao.register.queries import Known, known_register

SHOWN_PROBLEMS = 200
SHARE_OF_READING, SHARE_OF_CHECKING = 0.2, 0.7


def check_import(*, batch: Import, by: Actor, at: datetime) -> None:
    """Check all rows of all sheets. The import ends `ready`, or `refused` with its problems and a returned file."""
    by.require(Permission.IMPORT_REGISTER)
    moved = Import.objects.filter(pk=batch.pk, state=ImportState.RECEIVED).update(state=ImportState.CHECKING)
    if not moved:
        raise Conflict("这次导入已经检查过")
    files.write_progress(batch.uid, 0.02)
    try:
        sheets = read_workbook(files.original(batch.uid))
    except Refused as error:
        Import.objects.filter(pk=batch.pk).update(state=ImportState.FAILED, message=error.message[:400], finished_at=at)
        files.forget(batch.uid)
        return
    book = check_sheets(batch, sheets, known_register(named_in(sheets)), by=by, at=at)
    if book.bad_count:
        reasons = {
            plan.name: {row.number: row.reason for row in book.rows[plan.table] if not row.is_good}
            for plan in SHEETS
            if plan.table in book.rows
        }
        from yuanjiao.register.documents.returned import write_returned  # openpyxl is not loaded at every start

        write_returned(files.original(batch.uid), files.returned(batch.uid), reasons)
    _record_findings(batch, book, sheets)


def check_sheets(batch: Import, sheets: list[SheetCells], known: Known, *, by: Actor, at: datetime) -> Book:
    """The rows beside the register, within the person's subtrees."""
    files.write_progress(batch.uid, SHARE_OF_READING)

    def report(done: int, total: int) -> None:
        files.write_progress(batch.uid, SHARE_OF_READING + SHARE_OF_CHECKING * done / total)

    return check_book(sheets, known, scopes=by.paths(Permission.IMPORT_REGISTER), on=local_day(at), report=report)


@transaction.atomic
def _record_findings(batch: Import, book: Book, sheets: list[SheetCells]) -> None:
    record_counts(batch, book)
    wrong = [row for row in book.every_row() if not row.is_good]
    ImportProblem.objects.filter(batch=batch).delete()
    ImportProblem.objects.bulk_create(
        [
            ImportProblem(batch=batch, sheet=row.plan.name, row=row.number, column=title, reason=reason[:300])
            for row in wrong[:SHOWN_PROBLEMS]
            for title, reason in row.problems
        ]
    )
    state = ImportState.REFUSED if wrong else ImportState.READY
    Import.objects.filter(pk=batch.pk).update(state=state, message=_remark(book, sheets))


def _remark(book: Book, sheets: list[SheetCells]) -> str:
    ignored = [f"“{sheet.plan.name}”表的“{'”“'.join(sheet.unknown_columns[:5])}”" for sheet in sheets if sheet.unknown_columns]
    remark = f"不认识的列没有读取：{'、'.join(ignored)}。" if ignored else ""
    if not book.every_row():
        remark = f"文件里没有可导入的行（示例行不算）。{remark}"
    return remark[:400]


def record_counts(batch: Import, book: Book) -> None:
    """How many rows of each sheet are wrong, and how many would be, or were, created, changed and left as they are."""
    ImportSheet.objects.filter(batch=batch).delete()
    sheets = []
    for position, plan in enumerate(SHEETS):
        rows = book.rows.get(plan.table)
        if rows is None:
            continue
        counts = {action: sum(row.is_good and row.action == action for row in rows) for action in (CREATED, CHANGED, UNCHANGED)}
        sheets.append(
            ImportSheet(
                batch=batch, name=plan.name, position=position, row_count=len(rows), bad_count=sum(not row.is_good for row in rows),
                created_count=counts[CREATED], changed_count=counts[CHANGED], unchanged_count=counts[UNCHANGED],
            )
        )  # fmt: skip
    ImportSheet.objects.bulk_create(sheets)
