"""The hand-over sheet (交接单) as docx: A4, a table of what is handed over with its disputes, and places to sign."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from yuanjiao.duties.models import Handover
from yuanjiao.lib import clock

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
BODY, HEAD = "仿宋_GB2312", "方正小标宋简体"
WIDTHS = (12, 32, 70, 46)
"""Of the columns, mm."""


def write_sheet(sheet: Handover, duty: str, groups: Sequence[tuple[str, Sequence[Any]]]) -> bytes:
    """The whole sheet; fonts are named, not embedded."""
    paper = docx.Document()
    page = paper.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin, page.right_margin, page.top_margin, page.bottom_margin = Mm(25), Mm(25), Mm(25), Mm(20)
    _font(paper.styles["Normal"], BODY, 12)
    title = paper.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _font(title.add_run("责任交接单"), HEAD, 22)
    for label, text in _facts(sheet, duty):
        paper.add_paragraph(f"{label}：{text}")
    _table(paper, groups)
    _signatures(paper, sheet)
    target = BytesIO()
    paper.save(target)
    return target.getvalue()


def _font(holder: Any, name: str, points: int) -> None:
    holder.font.name, holder.font.size = name, Pt(points)
    holder.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def _facts(sheet: Handover, duty: str) -> list[tuple[str, str]]:
    taker = f"{sheet.taker.name}（{sheet.taker.unit.name}）" if sheet.taker else ""
    facts = [
        ("责任", duty),
        ("移交人", f"{sheet.tenure.person.name}（{sheet.tenure.unit.name}）"),
        ("接收人", taker if sheet.following_id else f"空缺：{sheet.vacancy}" + (f"；暂由 {taker} 代管" if taker else "")),
        ("交接日期", f"{sheet.on:%Y年%m月%d日}"),
        ("清单截至", f"{sheet.drawn_at.astimezone(clock.CHINA):%Y年%m月%d日 %H:%M}"),
    ]
    return facts + [(label, text) for label, text in (("依据", sheet.document), ("说明", sheet.note)) if text]


def _table(paper: Any, groups: Sequence[tuple[str, Sequence[Any]]]) -> None:
    if not groups:
        paper.add_paragraph("截至制单时，没有未办结的事项，也没有在管设备。")
        return
    table = paper.add_table(rows=1, cols=len(WIDTHS), style="Table Grid")
    table.autofit = False
    for cell, text in zip(table.rows[0].cells, ("序号", "编号", "内容", "备注与异议"), strict=True):
        cell.text = text
    for title, lines in groups:
        row = table.add_row().cells
        row[0].merge(row[-1]).text = f"{title}（{len(lines)} 项）"
        for line in lines:
            dispute = f"【异议】{line.dispute}（{line.disputed_by}）" if line.dispute else ""
            texts = (str(line.number), line.code, line.title, "；".join(text for text in (line.remark, dispute) if text))
            for cell, text in zip(table.add_row().cells, texts, strict=True):
                cell.text = text
    for row in table.rows:
        for cell, width in zip(row.cells, WIDTHS, strict=False):
            cell.width = Mm(width)


def _signatures(paper: Any, sheet: Handover) -> None:
    paper.add_paragraph()
    sides = (
        ("移交人", sheet.given_at, sheet.given_on_paper),
        ("接收人", sheet.taken_at, sheet.taken_on_paper),
    )
    for label, at, on_paper in sides:
        done = f"已于 {at.astimezone(clock.CHINA):%Y-%m-%d %H:%M} 在系统内签字" if at else ""
        paper.add_paragraph(f"{label}（签字）：{on_paper or done or '＿＿＿＿＿＿＿＿　　　　年　　月　　日'}")
    paper.add_paragraph("监交人（签字）：＿＿＿＿＿＿＿＿　　　　年　　月　　日")
