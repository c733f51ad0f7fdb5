"""The workbook to fill in (模板) and the whole register in the same shape: one writer, so an export imports as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import IO, Any

from yuanjiao.register import rules
from yuanjiao.register.documents.columns import GUIDE, SHEETS, Column, SheetPlan

FONT = "宋体"
LISTED_ROWS = 50_000  # drop-downs and the text format reach down to here
GUIDANCE = (
    "1. 每张表第一行是表头，请勿改动；第二行是示例（以“示例”开头的行不会导入），可以覆盖或删除。",
    "2. 带 * 的列必填。不用的工作表可以留空或删除；列的先后可以调整。",
    "3. 各表互相引用：单位、服务器、线路、站点引用区划，站点引用线路或服务器。引用的可以在本文件内，也可以是系统里已有的。",
    "4. 上传后先检查全部行，有一处错误就整份不导入，并把原文件退回：最后一列“错误原因”逐行写明原因。也可以选择“只导入正确的行”。",
    "5. 按代码或编号认行：已有的更新，没有的新增，不会重复；同一份文件再导入一次，什么都不会变。",
    "6. 空白单元格不改动已有内容；要清空一项内容，请在该格填“清空”。",
    "7. 代码、编号、电话请保持文本格式；合并单元格、没有计算结果的公式会被退回。",
    "8. 导入以后，只要还没有别的记录依赖新增的内容，就可以在“导入记录”里整份撤销。",
)
Rows = Mapping[str, Iterable[Sequence[Any]]]


def write_workbook(target: IO[bytes], rows: Rows | None = None) -> int:
    """Write the template, or with `rows` (sheet name → values in column order) the register itself. Returns the rows written."""
    import xlsxwriter  # not loaded at every start

    book = xlsxwriter.Workbook(target, {"constant_memory": rows is not None, "default_date_format": "yyyy-mm-dd"})
    formats = _formats(book)
    _write_guide(book, formats, is_template=rows is None)
    count = sum(_write_sheet(book, formats, plan, None if rows is None else rows.get(plan.name, ())) for plan in SHEETS)
    book.close()
    return count


def _formats(book: Any) -> dict[str, Any]:
    head = {"bold": True, "font_name": FONT, "border": 1, "align": "center", "valign": "vcenter", "text_wrap": True}
    return {
        "title": book.add_format({"bold": True, "font_size": 18, "font_name": FONT}),
        "guide": book.add_format({"font_name": FONT, "text_wrap": True, "valign": "top"}),
        "head": book.add_format({**head, "bg_color": "#DCE6F1"}),
        "required": book.add_format({**head, "bg_color": "#F8CBAD"}),
        "text": book.add_format({"font_name": FONT, "num_format": "@"}),
        "number": book.add_format({"font_name": FONT}),
        "sample": book.add_format({"font_name": FONT, "num_format": "@", "italic": True, "font_color": "#7F7F7F"}),
    }


def _write_guide(book: Any, formats: dict[str, Any], *, is_template: bool) -> None:
    page = book.add_worksheet(GUIDE)
    page.set_column(0, 0, 16)
    page.set_column(1, 1, 20)
    page.set_column(2, 2, 8)
    page.set_column(3, 3, 60)
    page.set_column(4, 4, 50)
    page.write_string(0, 0, "远教台账导入模板" if is_template else "远教台账（可直接再导入）", formats["title"])
    at = 1
    for line in GUIDANCE:
        page.write_string(at, 0, line)
        at += 1
    for number, title in enumerate(("工作表", "列", "必填", "说明", "可选内容"), 0):
        page.write_string(at + 1, number, title, formats["head"])
    at += 2
    for plan in SHEETS:
        for column in plan.columns:
            words = "、".join(column.words.values())
            cells = (plan.name, column.title, "必填" if column.required else "", column.note or plan.about, words)
            for number, text in enumerate(cells):
                page.write_string(at, number, text, formats["guide"])
            at += 1


def _write_sheet(book: Any, formats: dict[str, Any], plan: SheetPlan, rows: Iterable[Sequence[Any]] | None) -> int:
    page = book.add_worksheet(plan.name)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.freeze_panes(1, 1)
    for number, column in enumerate(plan.columns):
        page.set_column(number, number, column.width, formats["text" if column.is_text else "number"])
        _add_list(page, number, column)
    page.set_row(0, 30)
    for number, column in enumerate(plan.columns):
        title = f"{column.title}*" if column.required else column.title
        page.write_string(0, number, title, formats["required" if column.required else "head"])
        if column.note and rows is None:
            page.write_comment(0, number, column.note, {"x_scale": 2})
    if rows is None:
        _write_sample(page, plan, formats["sample"])
        return 0
    count = 0
    for count, row in enumerate(rows, 1):
        for number, cell in enumerate(row):
            _write_cell(page, count, number, cell, formats)
    return count


def _add_list(page: Any, number: int, column: Column) -> None:
    words = list(column.words.values())
    if words:
        page.data_validation(
            1, number, LISTED_ROWS, number,
            {"validate": "list", "source": words, "error_title": column.title, "error_message": "请从列表中选择", "error_type": "warning"},
        )  # fmt: skip


def _write_sample(page: Any, plan: SheetPlan, style: Any) -> None:
    for number, column in enumerate(plan.columns):
        text = f"{rules.SAMPLE}：{column.sample}" if number == 0 else column.sample
        if text:
            page.write_string(1, number, text, style)


def _write_cell(page: Any, row: int, number: int, cell: Any, formats: dict[str, Any]) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        page.write_string(row, number, rules.YES if cell else rules.NO, formats["text"])
    elif isinstance(cell, int):
        page.write_number(row, number, cell, formats["number"])
    elif isinstance(cell, date):
        page.write_string(row, number, f"{cell:%Y-%m-%d}", formats["text"])
    else:
        page.write_string(row, number, str(cell), formats["text"])
