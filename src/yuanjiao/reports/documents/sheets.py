"""The report's tables as one workbook: the figures, and a sheet for each table of rows behind them."""

from __future__ import annotations

from collections.abc import Iterator

from yuanjiao.lib.sheets import Cell, RegisterSheet, SheetColumn, cell_text
from yuanjiao.reports.documents.blocks import share_text
from yuanjiao.reports.documents.tables import TABLES, TableHead
from yuanjiao.reports.documents.wording import span_name
from yuanjiao.reports.models import Document, FrozenRow


def register_sheets(document: Document, tables: tuple[str, ...]) -> list[RegisterSheet]:
    """数字 first, then every one of the tables, also the empty ones: an empty list is an answer."""
    as_of = cell_text(document.as_of)
    heads = [SheetColumn("栏目", 16), SheetColumn("指标", 24), SheetColumn("数值", 16), SheetColumn("单位", 8), SheetColumn("占比", 10)]
    heads += [SheetColumn("明细行数", 10), SheetColumn("截至", 18)]
    sheets = [RegisterSheet("数字", _title(document, "主要数字"), document.signer, as_of, heads, _figures(document), (document.rule,))]
    for name in tables:
        head = TABLES[name]
        sheets.append(
            RegisterSheet(head.title, _title(document, head.title), document.signer, as_of, _columns(head), _rows(document, name, head))
        )
    return sheets


def _title(document: Document, what: str) -> str:
    return f"{document.place_name}{span_name(document)}{what}"


def _figures(document: Document) -> Iterator[list[Cell]]:
    for one in document.figures.all():
        yield [one.section, one.label, one.text, one.unit, share_text(one), one.population, one.cut_off_at]


def _columns(head: TableHead) -> list[SheetColumn]:
    columns = [SheetColumn("编号", 22), SheetColumn(head.row, 26)]
    columns += [SheetColumn("类别", 14)] if head.groups else []
    columns += [SheetColumn(head.at, 18)] if head.at else []
    columns += [SheetColumn(f"{title}（秒）" if head.in_seconds else title, 14) for title in head.amounts]
    return [*columns, SheetColumn("说明", 40)]


def _rows(document: Document, name: str, head: TableHead) -> Iterator[list[Cell]]:
    for row in FrozenRow.objects.filter(document=document, table=name).order_by("pk").iterator(chunk_size=2000):
        cells: list[Cell] = [row.code, row.title]
        cells += [head.group_name(row.group)] if head.groups else []
        cells += [row.at] if head.at else []
        yield [*cells, *(row.first, row.second, row.third)[: len(head.amounts)], row.detail]
