"""The layout of GB/T 9704 as seen on the page: a full page has 22 lines of 28 characters, in the docx as laid out and in the PDF.

The docx is laid out by an engine that reads it (dxpdf), and by LibreOffice where a machine has it; the PDF is our own.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dxpdf
import pylopdf_fonts_zh_cn as fonts
import pypdfium2
import pytest
from fontTools.subset import Subsetter
from fontTools.ttLib import TTFont

from yuanjiao.reports.documents.blocks import Official, Piece, Table, plain
from yuanjiao.reports.documents.gb9704 import BODY, PROFILE, Profile, write_official
from yuanjiao.reports.documents.paper import NAMES, print_official, stand_ins

TEXT = "远程教育终端站点情况按月汇总并逐级上报有关单位核实后归档备案" * 60
AS_OF = datetime(2026, 3, 31, tzinfo=UTC)
FIGURES = Table(
    "主要指标表", ("栏目", "数值"), tuple((Piece("站点"), Piece(str(number), "sites")) for number in range(40)), (3, 5), ("注：完。",)
)
FULL = Official(("柳溪县2026年3月", "运行情况报告"), "青禾市委组织部", (plain(TEXT),), "柳溪县委组织部", "2026年3月31日", (FIGURES,))
Layout = Callable[[Profile], bytes]


def link(key: str) -> str:
    return f"https://edu.example/reports/x/figures/{key}/"


def docx(profile: Profile = PROFILE) -> bytes:
    return write_official(FULL, link=link, as_of=AS_OF, profile=profile)


def as_pdf(profile: Profile) -> bytes:
    return print_official(FULL, link=link, as_of=AS_OF, profile=profile)


def as_laid_out(profile: Profile) -> bytes:
    return bytes(dxpdf.convert(docx(profile)))


def lines(pdf: bytes, number: int) -> list[str]:
    """The lines of one page, as text, without the page's own number."""
    page = pypdfium2.PdfDocument(pdf)[number]
    told = page.get_textpage().get_text_range().splitlines()
    return [one.strip() for one in told if len(one.strip()) > 5]


@pytest.mark.clause("RPT01")
@pytest.mark.parametrize("laid_out", [as_pdf, as_laid_out])
def test_a_full_page_has_22_lines_of_28_characters(laid_out: Layout) -> None:
    assert [len(line) for line in lines(laid_out(PROFILE), 1)] == [28] * 22


@pytest.mark.parametrize("laid_out", [as_pdf, as_laid_out])
def test_letters_that_are_not_set_tighter_are_27_a_line(laid_out: Layout) -> None:
    """The layout is measured, not assumed: another profile gives another page."""
    assert [len(line) for line in lines(laid_out(replace(PROFILE, spacing=0)), 1)] == [27] * 22


def test_lines_of_29_points_are_21_a_page_in_the_docx() -> None:
    assert len(lines(as_laid_out(replace(PROFILE, line=580)), 1)) == 21


def test_the_pdf_breaks_its_first_page_where_the_standard_does() -> None:
    """Two lines of title, one blank, the addressee, a first line two characters in."""
    first = lines(as_pdf(PROFILE), 0)
    assert [len(line) for line in first][3:] == [26, *[28] * 17]
    size = pypdfium2.PdfDocument(as_pdf(PROFILE))[0].get_size()
    assert size == pytest.approx((595.3, 841.9), abs=0.1)


def test_every_part_of_the_document_is_in_the_pdf_with_the_head_of_a_long_table_again() -> None:
    book = pypdfium2.PdfDocument(as_pdf(PROFILE))
    pages = [page.get_textpage().get_text_range().replace(" ", "") for page in book]
    whole = "".join(pages)
    for part in ("柳溪县2026年3月", "附件：1.主要指标表", "柳溪县委组织部", "2026年3月31日", "附件1", "注：完。", "—1—"):
        assert part in whole
    assert sum("栏目" in page for page in pages) == 2


def test_the_same_document_is_the_same_pdf() -> None:
    assert as_pdf(PROFILE) == as_pdf(PROFILE)


def called(name: str, target: Path) -> None:
    """A font file with the letters of TEXT that calls itself by that name: nobody may hand on the real one."""
    letters = Subsetter()
    letters.populate(text=TEXT)
    with TTFont(fonts.serif_path()) as font:
        letters.subset(font)
        for number in (1, 4, 6, 16):
            font["name"].setName(name, number, 3, 1, 0x409)
        font.save(target)


def test_fonts_that_are_dropped_in_are_used_and_those_that_are_missing_are_named(tmp_path: Path, settings: Any) -> None:
    assert stand_ins() == list(NAMES)
    assert b"FangSong" not in as_pdf(PROFILE)
    called("FangSong", tmp_path / "simfang.otf")
    settings.FONTS = str(tmp_path)
    assert stand_ins() == [name for name in NAMES if name != BODY]
    pdf = as_pdf(PROFILE)
    assert b"FangSong" in pdf
    assert [len(line) for line in lines(pdf, 1)] == [28] * 22


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not on this machine; dxpdf lays the docx out above")
def test_libreoffice_lays_the_docx_out_in_22_lines_of_28_characters(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(docx())
    subprocess.run(["soffice", "--headless", "--convert-to", "pdf", "--outdir", tmp_path, tmp_path / "a.docx"], check=True, timeout=120)
    assert [len(line) for line in lines((tmp_path / "a.pdf").read_bytes(), 1)] == [28] * 22
