"""Reading a workbook somebody brought, without trusting it: what it is, how big it unpacks, then its cells.

Every part is unpacked once, counted, before a reader that keeps cells in memory sees it; so a bomb, a sheet that claims a
million columns and a hundred thousand rows are refused by name while they are still bytes on disk.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from yuanjiao.lib.errors import Refused
from yuanjiao.register import rules
from yuanjiao.register.documents.columns import BY_NAME, REASONS, SheetPlan

MAX_FILE_BYTES = 20_000_000
MAX_UNPACKED_BYTES = 300_000_000
MAX_PARTS = 500
MAX_ROWS = 50_000
MAX_COLUMNS = 200
_CHUNK = 1 << 20
_CELL = re.compile(rb'\sr="([A-Z]{1,3})(\d{1,7})"')
_BARE_FORMULA = re.compile(rb'<c\s[^>]*?r="([A-Z]{1,3}\d{1,7})"[^>]*>\s*<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>')
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass
class SheetCells:
    """The rows of one known sheet: (row number in the sheet, cell by column key), and what stands in the way of reading it."""

    plan: SheetPlan
    keys: tuple[str, ...]
    rows: list[tuple[int, dict[str, Any]]]
    merged_rows: dict[int, str] = field(default_factory=dict)
    bare_formulas: dict[int, list[str]] = field(default_factory=dict)
    unknown_columns: tuple[str, ...] = ()


def read_workbook(path: Path) -> list[SheetCells]:
    """The known sheets of a workbook in the order of columns.SHEETS. Refused, with the reason, for anything that is not one."""
    formulas = inspect(path)
    try:
        book = CalamineWorkbook.from_path(path)
        sheets = [
            _read_sheet(book.get_sheet_by_name(name), BY_NAME[name], formulas.get(name, [])) for name in book.sheet_names if name in BY_NAME
        ]
    except (CalamineError, OSError, ValueError) as error:
        raise Refused(f"读不出表格内容，文件可能已损坏；请用 Excel 或 WPS 打开后另存为 .xlsx 再上传（{error}）") from None
    if not sheets:
        raise Refused(
            f"没有找到可导入的工作表。工作表名应为：{'、'.join(BY_NAME)}；文件里是：{'、'.join(book.sheet_names)[:80]}。请用下载的模板填写。"
        )
    order = list(BY_NAME)
    return sorted(sheets, key=lambda sheet: order.index(sheet.plan.name))


def inspect(path: Path) -> dict[str, list[str]]:
    """Check the container and return, per known sheet, the cells that hold a formula without a result. Refused for what is no workbook."""
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise Refused(f"文件有 {size / 1e6:.0f} MB，超过 {MAX_FILE_BYTES // 1_000_000} MB；请删去图片和多余的工作表，或分成几个文件导入")
    with path.open("rb") as source:
        head = source.read(_CHUNK)
    if head.startswith(_OLE):
        locked = "EncryptedPackage".encode("utf-16-le") in path.read_bytes()
        raise Refused("文件设了打开密码，请去掉密码后再上传" if locked else "这是旧版 .xls 文件，请另存为 .xlsx 再上传")
    if not head.startswith(b"PK"):
        raise Refused("这不是 Excel 表格（.xlsx）：文件内容与扩展名不符或是别的文件")
    try:
        with zipfile.ZipFile(path) as archive:
            return _inspect_parts(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ElementTree.ParseError, KeyError, RuntimeError) as error:
        raise Refused(f"文件不完整或已损坏，请重新保存后再上传（{error}）") from None


def _inspect_parts(archive: zipfile.ZipFile) -> dict[str, list[str]]:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        raise Refused("这不是 Excel 表格（.xlsx）：压缩包里没有工作簿")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Refused("文件带有宏，为安全起见不接收；请另存为不带宏的 .xlsx 再上传")
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise Refused("文件解压后过大，不予接收；请用模板重新整理后上传")
    sheet_names = _sheet_names(archive)
    rows = 0
    formulas: dict[str, list[str]] = {}
    for part in parts:
        if part.filename in sheet_names and sheet_names[part.filename] in BY_NAME:
            count, bare = _scan_sheet(archive, part, sheet_names[part.filename])
            rows += count
            formulas[sheet_names[part.filename]] = bare
        else:
            for _chunk in _chunks(archive, part):
                pass  # unpacking proves the checksum and the declared size
    if rows > MAX_ROWS:
        raise Refused(f"文件共有 {rows} 行，一次最多导入 {MAX_ROWS} 行；请按县分成几个文件依次导入")
    return formulas


def _chunks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(part) as source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _sheet_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """Part name → sheet name, as the workbook links them."""
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    named = {}
    for sheet in book.iter(f"{_MAIN}sheet"):
        target = targets.get(sheet.get(_LINK), "")
        part = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
        named[part] = sheet.get("name", "")
    return named


def _scan_sheet(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> tuple[int, list[str]]:
    """The number of the last row and the formulas without a result. Refuses a sheet too tall or too wide."""
    last_row, tail = 0, b""
    bare: list[str] = []
    for chunk in _chunks(archive, part):
        text = tail + chunk
        cut = text.rfind(b"</row>")
        if cut < 0 and len(text) < 8 * _CHUNK:
            tail = text  # one long row: wait for its end
            continue
        text, tail = (text[:cut], text[cut:]) if cut > 0 else (text, b"")
        last_row = max(last_row, _last_row(text, name))
        bare += _formulas_without_result(text)
    return max(last_row, _last_row(tail, name)), bare + _formulas_without_result(tail)


def _formulas_without_result(text: bytes) -> list[str]:
    return [found.decode() for found in _BARE_FORMULA.findall(text)] if b"<f" in text else []


def _last_row(text: bytes, name: str) -> int:
    """The largest row number among the cells in a piece of a sheet; Refused beyond the limits."""
    cells = _CELL.findall(text)
    if not cells:
        return 0
    if any(_column_number(letters) > MAX_COLUMNS for letters in {letters for letters, _row in cells}):
        raise Refused(f"“{name}”表超过 {MAX_COLUMNS} 列，请删去右侧多余的列")
    last = max(int(row) for _letters, row in cells)
    if last > MAX_ROWS + 10:
        raise Refused(f"“{name}”表写到了第 {last} 行，一次最多导入 {MAX_ROWS} 行；请删去下方多余的空行，或按县分成几个文件依次导入")
    return last


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _read_sheet(sheet: CalamineSheet, plan: SheetPlan, bare: list[str]) -> SheetCells:
    grid = sheet.to_python(skip_empty_area=False)
    head_at, positions, unknown = _find_head(grid, plan)
    keys = tuple(positions)
    rows = []
    for number, line in enumerate(grid[head_at + 1 :], head_at + 2):
        cells = {key: line[at] for key, at in positions.items() if at < len(line) and not _blank(line[at])}
        if cells and not _is_sample(line):
            rows.append((number, cells))
    seen = {number for number, _cells in rows}
    formulas = {number: cells for number, cells in _by_row(bare).items() if number > head_at + 1}
    rows += [(number, {}) for number in formulas if number not in seen]  # nothing but formulas without results: still a row
    return SheetCells(plan, keys, sorted(rows, key=lambda row: row[0]), _merged(sheet, head_at), formulas, unknown)


def _find_head(grid: list[list[Any]], plan: SheetPlan) -> tuple[int, dict[str, int], tuple[str, ...]]:
    """The head row (among the first five), the position of each known column, and titles nobody knows."""
    titles = {column.title: column.key for column in plan.columns}
    best: tuple[int, dict[str, int], list[str]] = (0, {}, [])
    for number, line in enumerate(grid[:5]):
        words = [rules.plain_text(cell).rstrip("*＊").strip() for cell in line]
        found: dict[str, int] = {}
        for at, word in enumerate(words):
            if word in titles:
                found.setdefault(titles[word], at)
        if len(found) > len(best[1]):
            best = (number, found, [word for word in words if word and word not in titles and word not in {REASONS, "序号"}])
    missing = [column.title for column in plan.columns if column.required and column.key not in best[1]]
    if missing:
        raise Refused(f"“{plan.name}”表缺少列：{'、'.join(missing)}。表头应与模板一致，请用下载的模板填写。")
    return best[0], best[1], tuple(best[2])


def _blank(cell: Any) -> bool:
    return cell is None or cell == "" or (isinstance(cell, str) and not rules.plain_text(cell))


def _is_sample(line: list[Any]) -> bool:
    first = next((cell for cell in line if not _blank(cell)), "")
    return isinstance(first, str) and first.strip().startswith(rules.SAMPLE)


def _merged(sheet: CalamineSheet, head_at: int) -> dict[int, str]:
    """Row → range, for rows below the head that lie in a merged range: its hidden cells would be lost."""
    from openpyxl.utils import get_column_letter  # not loaded at every start

    found = {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        span = f"{get_column_letter(left + 1)}{top + 1}:{get_column_letter(right + 1)}{bottom + 1}"
        for number in range(max(top, head_at + 1), min(bottom, MAX_ROWS) + 1):
            found[number + 1] = span
    return found


def _by_row(cells: list[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for cell in cells:
        found.setdefault(int(cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")), []).append(cell)
    return found
