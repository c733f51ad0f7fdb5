"""What is not a proper workbook is named as what it is, before anything of it is read into memory."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from tests.register.workbooks import division, site, write_book
from yuanjiao.lib.errors import Refused
from yuanjiao.register.documents.workbook import MAX_ROWS, read_workbook


def changed_zip(path: Path, change: Callable[[str, bytes], bytes | None], more: dict[str, bytes] | None = None) -> Path:
    """The same archive with each part passed through `change` (None drops it) and `more` parts added."""
    target = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            content = change(part.filename, old.read(part))
            if content is not None:
                new.writestr(part.filename, content)
        for name, content in (more or {}).items():
            new.writestr(name, content)
    path.write_bytes(target.getvalue())
    return path


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_book(tmp_path / "book.xlsx", {"区划": [division("990101100200", "李村")]})


def test_a_proper_workbook_gives_its_rows_with_their_numbers(book: Path) -> None:
    (sheet,) = read_workbook(book)
    assert (sheet.plan.name, sheet.rows) == ("区划", [(2, {"code": "990101100200", "name": "李村"})])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "不是 Excel 表格"),
        (b"<html>not a sheet</html>", "不是 Excel 表格"),
        ("区划代码,区划名称\n1,李村\n".encode("gbk"), "不是 Excel 表格"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "旧版 .xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "打开密码"),
        (b"PK\x03\x04 cut short", "不完整或已损坏"),
    ],
)
def test_what_is_not_a_workbook_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    with pytest.raises(Refused, match=reason):
        read_workbook(path)


def test_an_upload_cut_in_the_middle_is_refused(book: Path) -> None:
    whole = book.read_bytes()
    for share in (0.2, 0.5, 0.9):
        book.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(Refused):
            read_workbook(book)


def test_a_text_document_in_the_same_container_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    with pytest.raises(Refused, match="没有工作簿"):
        read_workbook(path)


def test_a_workbook_with_macros_is_refused(book: Path) -> None:
    with pytest.raises(Refused, match="宏"):
        read_workbook(changed_zip(book, lambda _name, content: content, {"xl/vbaProject.bin": b"x"}))


def test_a_bomb_is_refused_without_being_unpacked(book: Path) -> None:
    path = changed_zip(book, lambda _name, content: content, {"xl/media/image1.png": b"\0" * (310 * 1024 * 1024)})
    assert path.stat().st_size < 1_000_000
    tracemalloc.start()
    with pytest.raises(Refused, match="解压后过大"):
        read_workbook(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_bomb_that_lies_about_its_size_is_refused(book: Path) -> None:
    path = changed_zip(book, lambda _name, content: content, {"xl/media/image1.png": b"\0" * 5_000_000})
    content = path.read_bytes()
    path.write_bytes(content.replace((5_000_000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(Refused, match="损坏"):
        read_workbook(path)


def test_a_sheet_without_our_names_lists_the_names_it_should_have(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "other.xlsx")
    book.add_worksheet("Sheet1")
    book.close()
    with pytest.raises(Refused, match=r"工作表名应为：区划.*文件里是：Sheet1"):
        read_workbook(tmp_path / "other.xlsx")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "站点"
    book.active.append(["站点编号", "站点名称"])
    book.save(tmp_path / "short.xlsx")
    with pytest.raises(Refused, match="“站点”表缺少列：所在区划代码、上联编号"):
        read_workbook(tmp_path / "short.xlsx")


def test_a_hundred_thousand_rows_are_refused_in_little_memory(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "long.xlsx", {"constant_memory": True})
    page = book.add_worksheet("区划")
    page.write_row(0, 0, ["区划代码", "区划名称"])
    for number in range(1, 100_001):
        page.write_row(number, 0, [f"9901{number:08}", "村"])
    book.close()
    tracemalloc.start()
    with pytest.raises(Refused, match=f"一次最多导入 {MAX_ROWS} 行"):
        read_workbook(tmp_path / "long.xlsx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000


@pytest.mark.parametrize(("cell", "reason"), [("XFD2", "超过 200 列"), ("A1048576", "写到了第 1048576 行")])
def test_one_cell_far_out_does_not_make_a_grid_of_billions(tmp_path: Path, cell: str, reason: str) -> None:
    book = openpyxl.Workbook()
    book.active.title = "区划"
    book.active.append(["区划代码", "区划名称"])
    book.active[cell] = "x"
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(Refused, match=reason):
        read_workbook(tmp_path / "far.xlsx")


def test_title_rows_above_the_head_stars_and_another_order_of_columns_are_fine(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "区划"
    page.append(["青禾市行政区划台账"])
    page.merge_cells("A1:C1")
    page.append(["序号", "区划名称*", "区划代码*", "备注"])
    page.append([1, "李村", "990101100200", "新"])
    book.save(tmp_path / "titled.xlsx")
    (sheet,) = read_workbook(tmp_path / "titled.xlsx")
    assert sheet.rows == [(3, {"code": "990101100200", "name": "李村"})]
    assert sheet.unknown_columns == ("备注",)
    assert not sheet.merged_rows


def test_merged_cells_and_formulas_without_a_result_are_found_at_their_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "区划"
    for row in (
        ["区划代码", "区划名称", "启用日期"],
        ["990101100200", "李村"],
        ["990101100201", "=A2"],
        ["990101100202", "王村", date(2026, 1, 1)],
    ):
        page.append(row)
    page.merge_cells("B4:B5")
    book.save(tmp_path / "merged.xlsx")
    (sheet,) = read_workbook(tmp_path / "merged.xlsx")
    assert sheet.merged_rows == {4: "B4:B5", 5: "B4:B5"}
    assert sheet.bare_formulas == {3: ["B3"]}


def test_a_formula_with_its_result_is_read_as_the_result(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "formula.xlsx")
    page = book.add_worksheet("区划")
    page.write_row(0, 0, ["区划代码", "区划名称"])
    page.write_string(1, 0, "990101100200")
    page.write_formula(1, 1, '="李"&"村"', None, "李村")
    book.close()
    (sheet,) = read_workbook(tmp_path / "formula.xlsx")
    assert sheet.rows == [(2, {"code": "990101100200", "name": "李村"})]
    assert not sheet.bare_formulas


def test_sample_rows_and_empty_rows_are_no_rows(tmp_path: Path) -> None:
    path = write_book(tmp_path / "sample.xlsx", {"站点": [site("示例：S-1", "样子"), {}, site(" ", "　", " ", ""), site("S-2", "真的")]})
    (sheet,) = read_workbook(path)
    assert [number for number, _cells in sheet.rows] == [5]
