"""The docx read back: GB/T 9704 as measured (requirements c2), figures as links, the same bytes again."""

from __future__ import annotations

import io
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml.ns import qn

from tests.reports.conftest import Month
from tests.reports.test_commands import BOTH, link
from yuanjiao.reports import commands
from yuanjiao.reports.documents.gb9704 import signature_insets
from yuanjiao.reports.models import Document


@pytest.fixture
def document(month: Month) -> Document:
    made = month.draft()
    commands.write_paragraphs(document=made, texts=BOTH, revision=1, by=month.cast.actor("xianguan"), at=month.as_of)
    return made


@pytest.fixture
def book(document: Document) -> Any:
    return docx.Document(io.BytesIO(commands.render_docx(document, link)))


def text_of(paragraph: Any) -> str:
    return "".join(node.text or "" for node in paragraph._p.iter(qn("w:t")))


def fonts_of(paragraph: Any) -> set[tuple[str, str]]:
    return {
        (run.find(qn("w:rFonts")).get(qn("w:eastAsia")), run.find(qn("w:sz")).get(qn("w:val"))) for run in paragraph._p.iter(qn("w:rPr"))
    }


def test_page_margins_and_grid_are_those_measured(book: Any) -> None:
    section = book.sections[0]
    size, margin = section._sectPr.find(qn("w:pgSz")), section._sectPr.find(qn("w:pgMar"))
    assert (size.get(qn("w:w")), size.get(qn("w:h"))) == ("11906", "16838")
    assert [margin.get(qn(f"w:{side}")) for side in ("top", "bottom", "left", "right")] == ["2098", "1984", "1588", "1474"]
    grid = section._sectPr.findall(qn("w:docGrid"))
    assert [(one.get(qn("w:type")), one.get(qn("w:linePitch"))) for one in grid] == [("lines", "579")]


def test_every_line_of_text_is_exactly_579_twips_and_set_five_tighter(book: Any) -> None:
    for paragraph in book.paragraphs:
        spacing = paragraph._p.pPr.find(qn("w:spacing"))
        assert (spacing.get(qn("w:line")), spacing.get(qn("w:lineRule"))) == ("579", "exact")
        for run in paragraph._p.iter(qn("w:r")):
            assert run.find(qn("w:rPr")).find(qn("w:spacing")).get(qn("w:val")) == "-5"


def test_fonts_follow_the_levels(book: Any) -> None:
    by_text = {text_of(one): one for one in book.paragraphs if text_of(one)}
    assert fonts_of(by_text["柳溪县2026年3月"]) == {("方正小标宋简体", "44")}
    assert fonts_of(by_text["一、站点运行"]) == {("黑体", "32")}
    assert fonts_of(by_text["（一）畅通情况。"]) == {("楷体_GB2312", "32")}
    body = next(one for text, one in by_text.items() if text.startswith("本月全县在用终端站点"))
    assert fonts_of(body) == {("仿宋_GB2312", "32")}
    assert body._p.pPr.find(qn("w:ind")).get(qn("w:firstLineChars")) == "200"
    assert [child.tag.rpartition("}")[2] for child in body._p.pPr] == ["spacing", "ind", "jc"]


def test_the_parts_stand_in_their_official_order(book: Any) -> None:
    lines = [text_of(one) for one in book.paragraphs]
    expected = [
        "柳溪县2026年3月", "远程教育运行和使用情况报告", "青禾市委组织部：", "一、站点运行", "五、存在的主要问题", "桃源乡一处线路老化。",
        "已列入改造。", "六、下一步打算", "附件：1.分乡镇运行和使用情况表", "2.站点故障率在5%以上的乡镇", "3.主要指标表",
        "柳溪县委组织部", "2026年3月1日", "附件1", "附件2", "附件3",
    ]  # fmt: skip
    places = [lines.index(line) for line in expected]
    assert places == sorted(places)
    assert len(book.tables) == 3
    assert [cell.text for cell in book.tables[0].rows[0].cells][:3] == ["乡镇", "在用站点", "畅通率"]


@pytest.mark.clause("OPS12")
def test_towns_above_the_threshold_stand_in_a_table_of_their_own_highest_first(book: Any, document: Document) -> None:
    rows = [[cell.text for cell in row.cells] for row in book.tables[1].rows]
    rates = {
        figure.section: figure.number
        for figure in document.figures.all()
        if figure.key.startswith("town-") and figure.key.endswith("-rate")
    }
    faulty = {name: 1 - number for name, number in rates.items() if number is not None and number <= 0.95}
    assert faulty
    assert rows[0] == ["乡镇", "故障率", "畅通率"]
    assert [row[0] for row in rows[1:]] == sorted(faulty, key=lambda name: -faulty[name])
    assert rows[1][1] == f"{max(faulty.values()) * 100:.2f}%"
    assert f"最高为{rows[1][0]}" in "".join(text_of(one) for one in book.paragraphs)


@pytest.mark.parametrize(
    ("signer", "insets"), [("柳溪县委组织部", (2.0, 1.0)), ("县委", (8.0, 2.0)), ("青禾市柳溪县委组织部办公室", (2.0, 7.0))]
)
def test_name_and_date_without_a_seal_stand_as_the_standard_says(signer: str, insets: tuple[float, float]) -> None:
    assert signature_insets(signer, "2026年3月1日") == insets


def test_page_numbers_stand_between_dashes_right_on_odd_and_left_on_even_pages(book: Any) -> None:
    section = book.sections[0]
    assert book.settings.odd_and_even_pages_header_footer
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        paragraph = footer.paragraphs[0]
        assert paragraph.alignment == {"right": 2, "left": 0}[side]
        assert text_of(paragraph) == "—  —"
        assert [node.text for node in paragraph._p.iter(qn("w:instrText"))] == ["PAGE"]
        assert fonts_of(paragraph) == {("宋体", "28")}


@pytest.mark.clause("RPT16")
def test_each_figure_in_the_docx_links_to_its_rows(book: Any, document: Document) -> None:
    targets = {rel.rId: rel.target_ref for rel in book.part.rels.values() if rel.is_external}
    found: dict[str, set[str]] = {}
    for wrapper in book.element.body.iter(qn("w:hyperlink")):
        found.setdefault(targets[wrapper.get(qn("r:id"))], set()).add("".join(node.text or "" for node in wrapper.iter(qn("w:t"))))
    for figure in document.figures.all():
        texts = found[link(figure.key)]
        assert any(figure.text in text for text in texts), figure.key


def test_the_same_snapshot_gives_the_same_bytes(document: Document) -> None:
    assert commands.render_docx(document, link) == commands.render_docx(document, link)


def test_the_workbook_has_the_figures_and_every_table_of_rows(document: Document) -> None:
    book = openpyxl.load_workbook(io.BytesIO(commands.render_xlsx(document)))
    assert book.sheetnames[:3] == ["数字", "站点与畅通时间", "中断"]
    for name, table in (("站点与畅通时间", "sites"), ("学习场次", "sessions"), ("故障申报", "reports")):
        codes = [row[1].value for row in book[name].iter_rows(min_row=4) if isinstance(row[0].value, int | float)]
        assert codes == list(document.rows.filter(table=table).order_by("pk").values_list("code", flat=True))
    figures = {row[2].value: row[3].value for row in book["数字"].iter_rows(min_row=4)}
    assert figures["现场人次"] in {"32", "23", "9"}
    assert str(book["学习场次"]["A1"].value).startswith("柳溪县2026年3月")
