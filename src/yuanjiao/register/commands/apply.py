"""Applying a checked import: all of it or nothing, in the order in which the tables stand on one another."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.weigh import weigh_all
from yuanjiao.people.commands import write_audit, write_audits
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.register.checks import Book
from yuanjiao.register.checks.named import named_in
from yuanjiao.register.commands.apply_network import apply_assets, apply_objects
from yuanjiao.register.commands.apply_people import apply_people
from yuanjiao.register.commands.apply_places import apply_divisions, apply_units
from yuanjiao.register.commands.check import check_sheets, record_counts
from yuanjiao.register.commands.record import Ledger
from yuanjiao.register.documents import files
from yuanjiao.register.documents.workbook import read_workbook
from yuanjiao.register.models import Import, ImportState
from yuanjiao.register.queries import known_register

STEPS = (apply_divisions, apply_units, apply_objects, apply_assets, apply_people)


def apply_import(*, batch: Import, by: Actor, at: datetime) -> None:
    """Write what the file says, after checking it once more against the register as it stands now.

    Refused, and nothing written, when the register has changed so that rows are now wrong and only a clean file was agreed to.
    The check runs before the transaction, so that others wait for the writing only; inside, what the file names is read again and, if
    it moved meanwhile, the rows are checked again.
    """
    by.require(Permission.IMPORT_REGISTER)
    sheets = read_workbook(files.original(batch.uid))
    named = named_in(sheets)
    known = known_register(named)
    book = check_sheets(batch, sheets, known, by=by, at=at)
    try:
        with transaction.atomic():
            if not Import.objects.select_for_update().filter(pk=batch.pk, state=ImportState.APPLYING).exists():
                raise Conflict("这次导入已经办完")
            now = known_register(named)
            if now != known:
                book = check_sheets(batch, sheets, now, by=by, at=at)
            if book.bad_count and not batch.good_rows_only:
                raise Refused(f"检查之后台账有了变化，现有 {book.bad_count} 行不能导入；请重新上传检查")
            _write(batch, book, by, local_day(at), at)
    except IntegrityError as error:
        raise Conflict(f"导入时台账正好被别人改动，没有写入任何内容；请重新上传（{error}）") from None
    files.forget(batch.uid)
    weigh_all()


def _write(batch: Import, book: Book, by: Actor, on: date, at: datetime) -> None:
    ledger = Ledger(batch)
    for number, step in enumerate(STEPS, 1):
        step(book, ledger, on)
        files.write_progress(batch.uid, 0.9 + 0.1 * number / len(STEPS))
    ledger.write()
    record_counts(batch, book)
    created = sum(change.created for change in ledger.changes)
    detail = f"{batch.file_name}：新增 {created}，变更 {len(ledger.changes) - created}"
    write_audit(by=by, action="导入台账", subject=f"导入 {batch.uid}", at=at, detail=detail)
    write_audits(by=by, action="导入变更", subjects=ledger.audit_lines(), at=at)
    Import.objects.filter(pk=batch.pk).update(state=ImportState.APPLIED, finished_at=at, message="")
