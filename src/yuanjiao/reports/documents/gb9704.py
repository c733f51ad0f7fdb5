"""Writing docx in the layout of GB/T 9704-2012, with the figures measured in LibreOffice (requirements c2).

22 lines of 28 characters: margins 37/35/28/26 mm, lines of exactly 579 twips, 16 pt letters set 0.25 pt tighter, no character
grid. The fonts are named, not embedded (they are not free). The same document gives the same bytes: no clock, fixed zip times.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import docx
from docx.enum.section import WD_SECTION
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Twips

from yuanjiao.reports.documents.blocks import Official, Paragraph, Piece, Table

ALIGN = WD_ALIGN_PARAGRAPH
Link = Callable[[str], str]
"""Figure key → absolute address of its rows."""


@dataclass(frozen=True)
class Profile:
    """House rules differ a little (28, 28.8, 29 or 30 pt lines); everything that may differ stands here. Lengths in twips."""

    page: tuple[int, int] = (11906, 16838)
    top: int = 2098
    bottom: int = 1984
    left: int = 1588
    right: int = 1474
    line: int = 579
    spacing: int = -5
    footer: int = 1304
    """From the page's lower edge: leaves 7 mm between the text and the page number."""


PROFILE = Profile()
BODY, KAI, HEI, SONG_TITLE, SONG = "仿宋_GB2312", "楷体_GB2312", "黑体", "方正小标宋简体", "宋体"
LATIN = "Times New Roman"
SIZE_2, SIZE_3, SIZE_4 = 44, 32, 28
"""二号, 三号, 四号 in half-points."""
CHARACTER = 315
"""One body character with its spacing, in twips."""
FONT_OF_LEVEL = {0: BODY, 1: HEI, 2: KAI}


def write_official(official: Official, *, link: Link, as_of: datetime, profile: Profile = PROFILE) -> bytes:
    """The document as docx bytes; `as_of` dates its properties."""
    book = docx.Document()
    _set_up(book, profile)
    writer = _Writer(book, link, profile)
    for line in official.title:
        writer.paragraph((Piece(line),), font=SONG_TITLE, size=SIZE_2, align=ALIGN.CENTER)
    writer.blank()
    writer.paragraph((Piece(official.addressee + "："),), align=ALIGN.LEFT)
    for block in official.body:
        writer.block(block)
    if official.attachments:
        writer.attachment_note([table.title for table in official.attachments])
    writer.signature(official.signer, official.date)
    for number, table in enumerate(official.attachments, 1):
        writer.attachment(number, table)
    return _bytes(book, official, as_of)


class _Writer:
    """Paragraphs one after another, each with the layout's spacing."""

    def __init__(self, book: Any, link: Link, profile: Profile) -> None:
        self.book, self.link, self.profile = book, link, profile

    def paragraph(
        self,
        pieces: tuple[Piece, ...],
        *,
        font: str = BODY,
        size: int = SIZE_3,
        align: Any = ALIGN.JUSTIFY,
        indents: dict[str, int] | None = None,
    ) -> Any:
        paragraph = self.book.add_paragraph()
        self.fill(paragraph, pieces, font=font, size=size, align=align, indents=indents)
        return paragraph

    def fill(
        self,
        paragraph: Any,
        pieces: tuple[Piece, ...],
        *,
        font: str,
        size: int,
        align: Any,
        indents: dict[str, int] | None = None,
        line: int = 0,
    ) -> None:
        paragraph.alignment = align
        properties = paragraph._p.get_or_add_pPr()
        if size > SIZE_3 or line:
            _child(
                properties, "w:snapToGrid", val=0
            )  # else LibreOffice gives a title two lines of the grid, and a row of a table a whole one
        _child(properties, "w:spacing", before=0, after=0, line=line or self.profile.line, lineRule="exact")
        if indents:
            _child(properties, "w:ind", **indents)
        _in_schema_order(properties)
        for piece in pieces:
            run = _run(piece.text, font, size, self.profile.spacing)
            paragraph._p.append(self._linked(run, piece.key) if piece.key else run)

    def _linked(self, run: Any, key: str) -> Any:
        wrapper = OxmlElement("w:hyperlink")
        wrapper.set(qn("r:id"), self.book.part.relate_to(self.link(key), RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
        wrapper.append(run)
        return wrapper

    def blank(self) -> None:
        self.paragraph(())

    def block(self, block: Paragraph) -> None:
        indents = {"firstLineChars": 200, "firstLine": 2 * CHARACTER}
        self.paragraph(block.pieces, font=FONT_OF_LEVEL[block.level], indents=indents)

    def attachment_note(self, titles: list[str]) -> None:
        """One blank line, two characters in, 附件：1.…; no mark at the end; the following ones stand below the first's number."""
        self.blank()
        for number, title in enumerate(titles, 1):
            first = number == 1
            inset = 200 if first else 500
            text = f"附件：{number}.{title}" if first else f"{number}.{title}"
            self.paragraph((Piece(text),), align=ALIGN.LEFT, indents={"leftChars": inset, "left": inset * CHARACTER // 100})

    def signature(self, signer: str, date: str) -> None:
        """Without a seal (people make that): a blank line, the name two characters from the right, the date below it."""
        name_inset, date_inset = signature_insets(signer, date)
        self.blank()
        for text, inset in ((signer, name_inset), (date, date_inset)):
            indents = {"rightChars": round(inset * 100), "right": round(inset * CHARACTER)}
            self.paragraph((Piece(text),), align=ALIGN.RIGHT, indents=indents)

    def attachment(self, number: int, table: Table) -> None:
        """On a page of its own: 附件1 flush left in 黑体, the title two lines below, the table."""
        head = self.paragraph((Piece(f"附件{number}"),), font=HEI, align=ALIGN.LEFT)
        _in_schema_order(_child(head._p.get_or_add_pPr(), "w:pageBreakBefore").getparent())
        self.blank()
        self.paragraph((Piece(table.title),), font=SONG_TITLE, size=SIZE_2, align=ALIGN.CENTER)
        self.blank()
        self._grid(table)
        for note in table.notes:
            self.paragraph((Piece(note),), size=SIZE_4, align=ALIGN.LEFT)

    def _grid(self, table: Table) -> None:
        grid = self.book.add_table(rows=0, cols=len(table.heads), style="Table Grid")
        grid.alignment, grid.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        width = self.profile.page[0] - self.profile.left - self.profile.right
        widths = [width * share // sum(table.widths) for share in table.widths]
        for column, length in zip(grid.columns, widths, strict=True):
            column.width = Twips(length)
        self._row(grid, tuple(Piece(head) for head in table.heads), widths, font=HEI)
        _child(grid.rows[0]._tr.get_or_add_trPr(), "w:tblHeader")
        for row in table.rows:
            self._row(grid, row, widths, font=BODY)

    def _row(self, grid: Any, pieces: tuple[Piece, ...], widths: list[int], *, font: str) -> None:
        row = grid.add_row()
        _child(row._tr.get_or_add_trPr(), "w:cantSplit")
        for number, (cell, piece) in enumerate(zip(row.cells, pieces, strict=True)):
            cell.width = Twips(widths[number])
            cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
            align = ALIGN.LEFT if number == 0 and font == BODY else ALIGN.CENTER
            self.fill(cell.paragraphs[0], (piece,), font=font, size=SIZE_4 - 4, align=align, line=400)


def signature_insets(signer: str, date: str) -> tuple[float, float]:
    """Characters from the right of name and date: the date's first letter stands two to the right of the name's first.

    A date longer than the name stands two from the right itself, and the name moves left (GB/T 9704, without seal).
    """
    name, day = _width(signer), _width(date)
    if day > name:
        return day + 4 - name, 2.0
    return 2.0, max(name - day, 0.0)


def _width(text: str) -> float:
    return sum(0.5 if letter.isascii() else 1.0 for letter in text)


def _child(parent: Any, tag: str, **attributes: object) -> Any:
    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), str(value))
    parent.append(element)
    return element


ORDER = ("pStyle", "pageBreakBefore", "widowControl", "snapToGrid", "spacing", "ind", "jc")


def _in_schema_order(properties: Any) -> None:
    """Word refuses paragraph properties that stand in another order than the schema's."""
    properties[:] = sorted(properties, key=lambda element: ORDER.index(element.tag.rpartition("}")[2]))


def _run(text: str, font: str, size: int, spacing: int) -> Any:
    run = OxmlElement("w:r")
    properties = _child(run, "w:rPr")
    latin = LATIN if font in {BODY, KAI} else font
    _child(properties, "w:rFonts", ascii=latin, hAnsi=latin, eastAsia=font, hint="eastAsia")
    _child(properties, "w:color", val="000000")
    _child(properties, "w:spacing", val=spacing)
    _child(properties, "w:sz", val=size)
    _child(properties, "w:szCs", val=size)
    letters = _child(run, "w:t")
    letters.text = text
    letters.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return run


def _set_up(book: Any, profile: Profile) -> None:
    section = book.sections[0]
    section.start_type = WD_SECTION.NEW_PAGE
    section.page_width, section.page_height = (Twips(length) for length in profile.page)
    section.top_margin, section.bottom_margin = Twips(profile.top), Twips(profile.bottom)
    section.left_margin, section.right_margin = Twips(profile.left), Twips(profile.right)
    section.footer_distance, section.header_distance = Twips(profile.footer), Twips(851)
    for grid in section._sectPr.findall(qn("w:docGrid")):
        section._sectPr.remove(grid)
    _child(section._sectPr, "w:docGrid", type="lines", linePitch=profile.line)  # never linesAndChars: 14 characters a line in LibreOffice
    book.settings.odd_and_even_pages_header_footer = True
    _plain_style(book)
    _page_number(section.footer, ALIGN.RIGHT, {"rightChars": 100, "right": CHARACTER})
    _page_number(section.even_page_footer, ALIGN.LEFT, {"leftChars": 100, "left": CHARACTER})


def _plain_style(book: Any) -> None:
    """Normal without the template's own spacing and theme fonts."""
    style = book.styles["Normal"]
    style.font.name, style.font.size = LATIN, Twips(320)
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), BODY)
    style.paragraph_format.space_after = style.paragraph_format.space_before = Twips(0)
    style.paragraph_format.widow_control = False


def _page_number(footer: Any, align: Any, indents: dict[str, int]) -> None:
    """— 1 — in half-width 四号 宋体: odd pages right, even pages left, one character in."""
    footer.is_linked_to_previous = False
    paragraph = footer.paragraphs[0]
    paragraph.alignment = align
    _in_schema_order(_child(paragraph._p.get_or_add_pPr(), "w:ind", **indents).getparent())
    paragraph._p.append(_run("— ", SONG, SIZE_4, 0))
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        run = _run("", SONG, SIZE_4, 0)
        run.remove(run.find(qn("w:t")))
        if kind:
            _child(run, "w:fldChar", fldCharType=kind)
        else:
            _child(run, "w:instrText").text = text
        paragraph._p.append(run)
    paragraph._p.append(_run(" —", SONG, SIZE_4, 0))


def _bytes(book: Any, official: Official, as_of: datetime) -> bytes:
    moment = as_of.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    properties = book.core_properties
    properties.title, properties.author, properties.last_modified_by = "".join(official.title), official.signer, official.signer
    properties.created = properties.modified = moment
    properties.comments, properties.revision, properties.language = "", 1, "zh-CN"
    raw = io.BytesIO()
    book.save(raw)
    return _stable_zip(raw.getvalue())


def _stable_zip(content: bytes) -> bytes:
    """The same parts in the same order with one fixed time, so that equal documents are equal files."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, source.read(name))
    return target.getvalue()
