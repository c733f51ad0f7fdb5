"""Posters (海报) and leaflets (传单) with a QR code, as PDF ready to print (DLV16). A `Sheet` says what stands on one.

Lengths are millimetres on a sheet 210 wide; other sizes are the same drawing, larger or smaller. Fonts are Noto Serif SC and Noto
Sans SC; only the characters used are embedded. A character that neither has is printed as 〓, as typesetters do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import segno

if TYPE_CHECKING:
    from fpdf import FPDF

RED, DEEP, INK, SOFT, PAPER, GOLD = (179, 38, 30), (138, 27, 21), (43, 31, 22), (103, 85, 67), (251, 245, 234), (185, 138, 58)
SIZES = {"a4": (210.0, 297.0), "a3": (297.0, 420.0), "leaflet": (297.0, 210.0)}
"""Width and height of the sheet in mm. A leaflet is A5, two on one A4 sheet to be cut."""
NEVER_FIRST = frozenset("，。！？；：、）》」』”’…·,.!?;:)%")
NEVER_LAST = frozenset("（《「『“‘(")
POINT_MM = 25.4 / 72
GETA = "〓"


@dataclass(frozen=True)
class Sheet:
    """What stands on a poster. `address` is what the QR code says; `facts` are short and stand in one line."""

    sender: str
    kicker: str
    title: str
    text: str
    facts: tuple[str, ...]
    address: str
    picture: Path | None = None


def draw(sheet: Sheet, form: str) -> bytes:
    """The PDF of one of SIZES."""
    import pylopdf_fonts_zh_cn as fonts  # loaded when somebody prints: a server that starts need not wait for them
    from fpdf import FPDF

    width, height = SIZES[form]
    pdf = FPDF(unit="mm", format=(width, height))
    pdf.set_auto_page_break(False)
    pdf.set_title(sheet.title)
    pdf.set_lang("zh-CN")
    pdf.add_font("song", "", fonts.serif_path())
    pdf.add_font("hei", "", fonts.sans_path())
    pdf.add_page()
    if form == "leaflet":
        for left in (0.0, width / 2):
            _Page(pdf, left, width / 2 / 210, sheet).draw()
        pdf.set_dash_pattern(dash=2, gap=2)
        pdf.set_draw_color(*SOFT)
        pdf.line(width / 2, 4, width / 2, height - 4)
    else:
        _Page(pdf, 0.0, width / 210, sheet).draw()
    return bytes(pdf.output())


class _Page:
    """One drawing 210 × 297, its left edge at `left`, `scale` times as large."""

    def __init__(self, pdf: FPDF, left: float, scale: float, sheet: Sheet) -> None:
        self.pdf, self.left, self.scale, self.sheet = pdf, left, scale, sheet

    def draw(self) -> None:
        """From the top: who sends it, the picture, the title, what it is about; at the foot the code."""
        self._box(0, 0, 210, 297, PAPER)
        self._head()
        below = self._picture(40.0)
        self._text(18, below, self.sheet.kicker, "hei", 15, DEEP)
        below += 9 if self.sheet.kicker else 0
        bare = self.sheet.picture is None  # then the words have the whole sheet, and are larger
        below = self._fitted(18, below + (4 if bare else 0), 174, self.sheet.title, 76 if bare else 42, lines=4 if bare else 3)
        self._paragraph(18, below + 6, 174, 218 - below - 6, points=23.0 if bare else 18.0)
        self._foot()

    def _head(self) -> None:
        self._box(0, 0, 210, 30, RED)
        self._box(0, 30, 210, 1.6, GOLD)
        self._text(18, 8, "远教", "song", 34, (255, 255, 255), bold=True)
        self._text(52, 13.2, self.sheet.sender, "hei", 17, (255, 233, 211))

    def _picture(self, top: float) -> float:
        """The picture in a frame of 16:9, whole; returns where it ends."""
        if self.sheet.picture is None:
            return top + 8
        self._box(18, top, 174, 97.9, INK)
        x, y, w, h = self._place(18, top, 174, 97.9)
        with self.pdf.rect_clip(x, y, w, h):
            self.pdf.image(str(self.sheet.picture), x, y, w, h, keep_aspect_ratio=True)
        return top + 97.9 + 8

    def _foot(self) -> None:
        self._box(0, 224, 210, 73, (244, 232, 216))
        self._box(0, 224, 210, 0.8, GOLD)
        self._code(18, 232, 50)
        self._text(78, 233, "手机扫一扫就能看", "song", 30, DEEP, bold=True)
        self._text(78, 249, "不用登录，不用装软件；也可以在站点电视上看。", "hei", 14, INK)
        self._text(78, 258, "　".join(self.sheet.facts), "hei", 14, INK)
        for number, line in enumerate(self._lines(self.sheet.address, "hei", 10, 114)[:3]):
            self._text(78, 268 + 5 * number, line, "hei", 10, SOFT)

    def _code(self, x: float, y: float, side: float) -> None:
        """The code with its quiet zone of four modules, on white."""
        rows = list(segno.make(self.sheet.address, error="m", micro=False).matrix_iter(border=4))
        self._box(x, y, side, side, (255, 255, 255))
        module = side / len(rows)
        for down, row in enumerate(rows):
            for across, dark in enumerate(row):
                if dark:
                    self._box(x + across * module, y + down * module, module * 1.02, module * 1.02, (0, 0, 0))

    # -- text -----------------------------------------------------------------------------------------------------------------

    def _fitted(self, x: float, y: float, width: float, text: str, points: float, *, lines: int) -> float:
        """The title, as large as it fits into so many lines; returns where it ends."""
        while points > 20 and len(self._lines(text, "song", points, width)) > lines:
            points -= 2
        for line in self._lines(text, "song", points, width)[: lines + 1]:
            self._text(x, y, line, "song", points, INK, bold=True)
            y += points * POINT_MM * 1.32
        return y

    def _paragraph(self, x: float, y: float, width: float, room: float, *, points: float) -> None:
        """As much of the text as there is room for; what is cut ends in an ellipsis."""
        leading = points * POINT_MM * 1.6
        fit = max(int(room / leading), 0)
        lines = [line for part in self.sheet.text.splitlines() for line in self._lines(part, "hei", points, width)]
        if len(lines) > fit > 0:
            lines = [*lines[: fit - 1], lines[fit - 1][:-1] + "……"]
        for line in lines[:fit]:
            self._text(x, y, line, "hei", points, INK)
            y += leading

    def _lines(self, text: str, font: str, points: float, width: float) -> list[str]:
        """Lines of at most `width`, broken between characters, never before closing or after opening punctuation."""
        self.pdf.set_font(font, size=points)
        found = [""]
        for letter in self._known(text, font):
            if self.pdf.get_string_width(found[-1] + letter) <= width or letter in NEVER_FIRST or not found[-1]:
                found[-1] += letter
            elif found[-1][-1] in NEVER_LAST:
                found[-1], opening = found[-1][:-1], found[-1][-1]
                found.append(opening + letter)
            else:
                found.append(letter)
        return found

    def _known(self, text: str, font: str) -> str:
        """The text with 〓 for what the font does not have; control characters are left out."""
        has = self.pdf.fonts[font].cmap  # type: ignore[union-attr]  # every font here is one of ours, with a table of characters
        return "".join(letter if ord(letter) in has else GETA for letter in text if letter.isprintable() or letter.isspace())

    def _text(self, x: float, y: float, text: str, font: str, points: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        """One line, its top at `y`. The fonts have one weight: bold letters get an outline."""
        from fpdf.enums import TextMode

        left, top, _, _ = self._place(x, y, 0, 0)
        size = points * self.scale
        self.pdf.set_font(font, size=size)
        self.pdf.set_text_color(*colour)
        self.pdf.set_draw_color(*colour)
        mode = TextMode.FILL_STROKE if bold else TextMode.FILL
        with self.pdf.local_context(text_mode=mode, line_width=size * POINT_MM * 0.022):
            self.pdf.text(left, top + size * POINT_MM * 0.88, self._known(text, font))

    def _box(self, x: float, y: float, w: float, h: float, colour: tuple[int, int, int]) -> None:
        self.pdf.set_fill_color(*colour)
        self.pdf.rect(*self._place(x, y, w, h), "F")

    def _place(self, x: float, y: float, w: float, h: float) -> tuple[float, float, float, float]:
        s = self.scale
        return self.left + x * s, y * s, w * s, h * s
