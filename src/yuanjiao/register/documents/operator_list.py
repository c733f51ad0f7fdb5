"""The operator's list of boxes (运营商平台在线清单), xlsx or csv as their platform writes it, and the same file back with reasons."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from yuanjiao.lib.errors import Refused
from yuanjiao.register import rules
from yuanjiao.register.documents.columns import REASONS
from yuanjiao.register.documents.workbook import MAX_FILE_BYTES, MAX_ROWS, inspect

TITLES = {
    "code": ("站点编号", "站点代码", "编号", "代码"),
    "name": ("站点名称", "站点", "名称"),
    "seen": ("最后在线时间", "最近在线时间", "最后见到时间", "最后上报时间", "最后通信时间", "最近上线时间"),
    "online": ("是否在线", "在线状态", "在线", "状态"),
}
"""What their columns are called; the first title found counts."""
HEAD_WITHIN = 10


@dataclass(frozen=True)
class OperatorList:
    """The rows of a list by (row number in the file, cell by key); `sheet` is empty for csv."""

    sheet: str
    head_at: int
    rows: list[tuple[int, dict[str, Any]]]


def read_list(path: Path, name: str) -> OperatorList:
    """The first sheet (or the csv) that has the columns. Refused, with the reason, for anything else."""
    if name.lower().endswith(".csv"):
        return _listed("", _csv_rows(path))
    inspect(path)
    try:
        book = CalamineWorkbook.from_path(path)
        sheets = [(title, book.get_sheet_by_name(title).to_python(skip_empty_area=False)) for title in book.sheet_names[:5]]
    except (CalamineError, OSError, ValueError) as error:
        raise Refused(f"读不出表格内容，文件可能已损坏；请用 Excel 或 WPS 打开后另存为 .xlsx 再上传（{error}）") from None
    chosen = next((pair for pair in sheets if _head(pair[1]) is not None), sheets[0])
    return _listed(*chosen)


def csv_text(path: Path) -> str:
    """The text of a csv in UTF-8 or in GB 18030, which old platforms write."""
    content = path.read_bytes()
    if len(content) > MAX_FILE_BYTES:
        raise Refused(f"文件超过 {MAX_FILE_BYTES // 1_000_000} MB，请分成几个文件导入")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("csv 文件的文字编码看不懂，请另存为 .xlsx 再上传")


def _csv_rows(path: Path) -> list[list[Any]]:
    try:
        return [list(row) for row in csv.reader(io.StringIO(csv_text(path)), strict=True)]
    except csv.Error as error:
        raise Refused(f"csv 文件读不出来（{error}），请另存为 .xlsx 再上传") from None


def _head(grid: list[list[Any]]) -> tuple[int, dict[str, int]] | None:
    """Index of the head row and the place of each known column; None when no row among the first has them."""
    for number, line in enumerate(grid[:HEAD_WITHIN]):
        words = [rules.plain_text(cell).rstrip("*＊").strip() for cell in line]
        found = {key: words.index(title) for key, titles in TITLES.items() for title in reversed(titles) if title in words}
        if {"seen", "online"} <= found.keys() and ("code" in found or "name" in found):
            return number, found
    return None


def _listed(sheet: str, grid: list[list[Any]]) -> OperatorList:
    head = _head(grid)
    if head is None:
        expected = "、".join(titles[0] for titles in TITLES.values())
        raise Refused(f"没有找到表头。应有这些列：{expected}（编号与名称有一个即可）")
    head_at, places = head
    if len(grid) - head_at > MAX_ROWS:
        raise Refused(f"文件超过 {MAX_ROWS} 行，请分成几个文件依次导入")
    rows = [
        (number, {key: line[place] if place < len(line) else "" for key, place in places.items()})
        for number, line in enumerate(grid[head_at + 1 :], head_at + 2)
        if any(rules.plain_text(cell) for cell in line)
    ]
    return OperatorList(sheet, head_at + 1, rows)


def return_list(source: Path, target: Path, read: OperatorList, reasons: Mapping[int, str]) -> None:
    """Copy the file to `target` with the reasons in a last column 错误原因; the rest stays as it was."""
    if read.sheet:
        from yuanjiao.register.documents.returned import write_returned  # openpyxl is not loaded at every start

        write_returned(source, target, {read.sheet: reasons})
        return
    lines = _with_reasons(csv.reader(io.StringIO(csv_text(source))), read.head_at, reasons)
    with target.open("w", encoding="utf-8-sig", newline="") as file:  # the mark lets old spreadsheets read it
        csv.writer(file).writerows(lines)


def _with_reasons(lines: Iterable[list[str]], head_at: int, reasons: Mapping[int, str]) -> Iterable[list[str]]:
    column: int | None = None
    for number, line in enumerate(lines, 1):
        if number == head_at and REASONS in line:
            column = line.index(REASONS)  # an earlier return
        told = REASONS if number == head_at else reasons.get(number, "")
        yield [*line, told] if column is None or number < head_at else [*line[:column], told, *line[column + 1 :]]
