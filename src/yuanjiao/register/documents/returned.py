"""The file that goes back (退回): the very workbook somebody brought, with the reasons in a last column and the rows coloured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.styles import Alignment, Font, PatternFill

from yuanjiao.register import rules
from yuanjiao.register.documents.columns import REASONS

ROW_FILL = PatternFill("solid", start_color="FFF2CC")
HEAD_FILL = PatternFill("solid", start_color="F4B084")
REASON_FONT = Font(color="C00000")


def write_returned(source: Path, target: Path, reasons: Mapping[str, Mapping[int, str]]) -> None:
    """Copy `source` to `target` with reasons[sheet][row number] in the column 错误原因 of each sheet. The rest stays as it was."""
    book = load_workbook(source)
    for name, by_row in reasons.items():
        if name in book.sheetnames:
            _mark_sheet(book[name], by_row)
    first = next((name for name in reasons if name in book.sheetnames and reasons[name]), None)
    if first is not None:
        book.active = book.sheetnames.index(first)
    book.save(target)


def _mark_sheet(page: Any, by_row: Mapping[int, str]) -> None:
    head_at, column = _reason_column(page)
    if not by_row and page.cell(head_at, column).value is None:
        return
    head = page.cell(head_at, column, REASONS)
    head.fill, head.font = HEAD_FILL, Font(bold=True)
    page.column_dimensions[head.column_letter].width = 60
    for number in range(head_at + 1, page.max_row + 1):
        _clear_old(page, number, column)
    for number, reason in by_row.items():
        for cell in page[number][: column - 1]:
            cell.fill = ROW_FILL
        mark = page.cell(number, column, reason)
        mark.fill, mark.font, mark.alignment = ROW_FILL, REASON_FONT, Alignment(wrap_text=True, vertical="top")


def _clear_old(page: Any, number: int, column: int) -> None:
    """Take away what an earlier return wrote, so that a corrected row looks corrected."""
    mark = page.cell(number, column)
    if mark.value:
        mark.value = None
        for cell in page[number][:column]:
            if cell.fill == ROW_FILL:
                cell.fill = PatternFill()


def _reason_column(page: Any) -> tuple[int, int]:
    """(head row, column) of an earlier 错误原因, else the first column right of everything, in the row that looks like the head."""
    fullest = (1, 0)
    for number, row in enumerate(page.iter_rows(min_row=1, max_row=min(5, page.max_row), values_only=True), 1):
        words = [rules.plain_text(cell) for cell in row]
        if REASONS in words:
            return number, words.index(REASONS) + 1
        if sum(map(bool, words)) > fullest[1]:
            fullest = (number, sum(map(bool, words)))
    return fullest[0], page.max_column + 1
