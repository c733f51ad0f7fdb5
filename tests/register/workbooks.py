"""Workbooks for the tests, made the way people make them: titles in the first row, cells of any kind below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from openpyxl import load_workbook

from yuanjiao.people.rules import Actor
from yuanjiao.register import commands
from yuanjiao.register.documents import files
from yuanjiao.register.documents.columns import BY_NAME, REASONS
from yuanjiao.register.models import Import, ImportState

Rows = Sequence[Mapping[str, Any]]


def write_book(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """Write rows given as {column title: cell}. Titles are those of the template, so a row names only the cells it fills."""
    book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        page = book.add_worksheet(name)
        titles = [column.title for column in BY_NAME[name].columns]
        page.write_row(0, 0, titles)
        for number, row in enumerate(rows, 1):
            for title, cell in row.items():
                if isinstance(cell, str):
                    page.write_string(number, titles.index(title), cell)
                else:
                    page.write(number, titles.index(title), cell)
    book.close()
    return path


def bring(path: Path, *, by: Actor, at: datetime, name: str = "台账.xlsx") -> Import:
    """Receive and check a file."""
    content = path.read_bytes()
    batch = commands.receive_file(name=name, chunks=[content], size_bytes=len(content), by=by, at=at)
    commands.check_import(batch=batch, by=by, at=at)
    return Import.objects.get(pk=batch.pk)


def bring_and_apply(path: Path, *, by: Actor, at: datetime, good_rows_only: bool = False) -> Import:
    """Receive, check and apply a file; it must be applicable."""
    batch = bring(path, by=by, at=at)
    commands.request_apply(batch=batch, good_rows_only=good_rows_only, by=by)
    batch.refresh_from_db()
    commands.apply_import(batch=batch, by=by, at=at)
    batch.refresh_from_db()
    assert batch.state == ImportState.APPLIED
    return batch


def reasons(batch: Import) -> list[str]:
    """What the page shows: sheet, row, column, reason."""
    return [f"{one.sheet}{one.row} {one.column} {one.reason}" for one in batch.problems.all()]


def counts(batch: Import) -> dict[str, tuple[int, int, int]]:
    """Sheet → created, changed, unchanged."""
    return {one.name: (one.created_count, one.changed_count, one.unchanged_count) for one in batch.sheets.all()}


def returned_reasons(batch: Import) -> dict[str, dict[int, str]]:
    """Sheet → row → the text in the last column of the file that goes back."""
    book = load_workbook(files.returned(batch.uid))
    found: dict[str, dict[int, str]] = {}
    for page in book:
        for row in page.iter_rows(min_row=1, max_row=1):
            marks = [cell.column for cell in row if cell.value == REASONS]
        for column in marks:
            found[page.title] = {
                number: str(page.cell(number, column).value) for number in range(2, page.max_row + 1) if page.cell(number, column).value
            }
    return found


def division(code: str, name: str, **more: Any) -> dict[str, Any]:
    return {"区划代码": code, "区划名称": name, **more}


def site(code: str, name: str, place: str = "990101100200", link: str = "L-990101100", **more: Any) -> dict[str, Any]:
    return {"站点编号": code, "站点名称": name, "所在区划代码": place, "上联编号": link, **more}
