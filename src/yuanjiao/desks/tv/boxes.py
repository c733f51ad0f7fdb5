"""The kinds of boxes a television page is drawn for: canvas, key table, what they can play (DLV01, DLV07).

A box says its kind by `?box=` (the operator's start address) or keeps it in a cookie chosen on the page tv/box/; one that says
nothing is taken for a standard-definition box whose keys are the codes all makers agree on.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from yuanjiao.desks.tv.keys import DVN, ENRICH, INSPUR, IPANEL, STANDARD, TABLES, KeyTable, union

TILES = 9
"""Tiles of the first page: one per digit."""
ROWS = 6
"""Rows of a list: two lines of large letters each, digits 1 to 6; 7 and 9 turn the page."""


@dataclass(frozen=True)
class Canvas:
    """Pixels of a box's page, and how many Chinese characters fit: in a tile, on one line of a list, beside the picture of an item."""

    name: str
    width: int
    height: int
    tile_chars: int
    line_chars: int
    tell_px: int
    title_px: int
    title_line: int
    summary_px: int
    summary_line: int
    room: tuple[int, int]
    """Width and height between head and foot, in pixels: where pages and pictures are shown."""
    letter_px: int
    """Letters of an article; a line of them is as high as one and a half."""

    @property
    def row_chars(self) -> int:
        return 2 * self.line_chars - 1

    def summary_chars(self, title: str) -> int:
        """Room left for the summary under this title; lines broken before punctuation cost a character each."""
        title_lines = -(-len(title) // (self.title_line - 1))
        lines = max((self.tell_px - title_lines * self.title_px) // self.summary_px, 1)
        return lines * (self.summary_line - 1)


SD_530 = Canvas("sd530", 640, 530, 12, 17, 320, 34, 12, 32, 13, (576, 382), 28)
SD_576 = Canvas("sd576", 720, 576, 12, 18, 352, 36, 14, 32, 16, (648, 417), 28)
HD_720 = Canvas("hd720", 1280, 720, 16, 30, 440, 50, 18, 38, 24, (1152, 518), 36)


@dataclass(frozen=True)
class Box:
    """One kind of terminal. `ts`: it plays transport streams only. `touch`: a classroom's PC or whiteboard, whose page fills the screen."""

    name: str
    title: str
    canvas: Canvas
    keys: KeyTable
    hd: bool = False
    ts: bool = False
    touch: bool = False


EVERY_KEY = union(TABLES.values())
# A maker's own codes go before the standard ones, which stay: a box set up as the wrong kind can still be steered.
BOXES = {
    box.name: box
    for box in (
        Box("sd", "标清机顶盒（不知道型号就选它）", SD_576, EVERY_KEY),
        Box("sd640", "标清机顶盒，画面 640×530", SD_530, EVERY_KEY),
        Box("hd", "高清机顶盒、智能电视", HD_720, EVERY_KEY, hd=True),
        Box("ipanel", "iPanel 浏览器的机顶盒", SD_530, {**STANDARD, **IPANEL}),
        Box("inspur", "浪潮机顶盒", HD_720, INSPUR, hd=True),
        Box("enrich", "Enrich 机顶盒", SD_576, {**STANDARD, **ENRICH}),
        Box("dvn", "DVN 机顶盒", SD_576, {**STANDARD, **DVN}),
        Box("ts", "只能放 TS 流的老机顶盒", SD_576, EVERY_KEY, ts=True),
        Box("board", "教室电脑、电子白板（触摸、键盘）", HD_720, STANDARD, hd=True, touch=True),
    )
}
DEFAULT = BOXES["sd"]


def box_of(request: HttpRequest) -> Box:
    asked = request.GET.get("box") or request.COOKIES.get("box", "")
    return BOXES.get(asked, DEFAULT)
