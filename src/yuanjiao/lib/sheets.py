"""台账: registers as offices keep them in xlsx (requirements c12), written with XlsxWriter in constant memory.

A merged title, a line with unit and date, numbered rows, text codes, frozen head, A4 landscape, repeated print head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from yuanjiao.lib.clock import CHINA

Cell = str | int | float | Decimal | bool | date | datetime | None


@dataclass(frozen=True)
class SheetColumn:
    """One column: its head and its width in characters."""

    title: str
    width: float = 14


@dataclass(frozen=True)
class RegisterSheet:
    """One sheet of a register. `rows` is read once."""

    name: str
    title: str
    unit: str
    as_of: str
    columns: Sequence[SheetColumn]
    rows: Iterable[Sequence[Cell]]
    notes: Sequence[str] = ()


STEP = 1000
"""Rows between two words of how far the writing is."""


def write_registers(target: str | Path | IO[bytes], sheets: Sequence[RegisterSheet]) -> int:
    """Write the sheets into one workbook and return the number of data rows."""
    *_so_far, total = writing(target, sheets)
    return total


def writing(target: str | Path | IO[bytes], sheets: Sequence[RegisterSheet]) -> Iterator[int]:
    """Write the sheets into one workbook, telling after every STEP rows how many there are; the last word comes when it is whole."""
    import xlsxwriter  # not loaded at every start

    book = xlsxwriter.Workbook(target, {"constant_memory": True, "in_memory": False})
    formats = {
        "title": book.add_format({"bold": True, "font_size": 18, "font_name": "宋体", "align": "center", "valign": "vcenter"}),
        "line": book.add_format({"font_size": 11, "font_name": "宋体", "valign": "vcenter"}),
        "head": book.add_format(
            {
                "bold": True,
                "font_name": "宋体",
                "border": 1,
                "align": "center",
                "valign": "vcenter",
                "bg_color": "#DCE6F1",
                "text_wrap": True,
            }
        ),
        "text": book.add_format({"num_format": "@", "border": 1, "font_name": "宋体", "valign": "vcenter"}),
        "number": book.add_format({"border": 1, "font_name": "宋体", "valign": "vcenter"}),
        "note": book.add_format({"font_size": 10, "font_name": "宋体", "italic": True}),
    }
    total = 0
    try:
        for sheet in sheets:
            count = 0
            for count in _write_sheet(book, formats, sheet):
                if count % STEP == 0:
                    yield total + count
            total += count
    finally:
        book.close()  # also when nobody listens any more: its rows lie in files of their own until then
    yield total


def _write_sheet(book: Any, formats: dict[str, Any], sheet: RegisterSheet) -> Iterator[int]:
    """Number the rows as they are written."""
    page = book.add_worksheet(sheet.name[:31])
    last = len(sheet.columns)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(2)
    page.freeze_panes(3, 0)
    page.set_row(0, 32)
    page.set_column(0, 0, 6)
    for number, column in enumerate(sheet.columns, 1):
        page.set_column(number, number, column.width)
    page.merge_range(0, 0, 0, last, sheet.title, formats["title"])
    page.write_string(1, 0, f"填报单位：{sheet.unit}", formats["line"])
    page.write_string(1, max(last - 1, 1), f"截止时间：{sheet.as_of}", formats["line"])
    for number, title in enumerate(["序号", *(column.title for column in sheet.columns)]):
        page.write_string(2, number, title, formats["head"])
    count = 0
    for count, row in enumerate(sheet.rows, 1):
        page.write_number(2 + count, 0, count, formats["number"])
        for number, cell in enumerate(row, 1):
            _write_cell(page, 2 + count, number, cell, formats)
        yield count
    for offset, note in enumerate(sheet.notes):
        page.write_string(4 + count + offset, 0, note, formats["note"])
    page.print_area(0, 0, 3 + count + len(sheet.notes), last)


def _write_cell(page: Any, row: int, column: int, cell: Cell, formats: dict[str, Any]) -> None:
    if isinstance(cell, bool):
        page.write_string(row, column, "是" if cell else "否", formats["text"])
    elif isinstance(cell, int | float | Decimal):
        page.write_number(row, column, float(cell), formats["number"])
    else:
        page.write_string(row, column, cell_text(cell), formats["text"])


def cell_text(cell: Cell) -> str:
    """A value as a reader writes it: local time to the minute, days as 2026-11-03, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, bool):
        return "是" if cell else "否"
    return str(cell)
