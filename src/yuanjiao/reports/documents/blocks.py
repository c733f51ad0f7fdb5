"""A document as values: blocks of text with figures in them. The page shows them, the docx writer prints them, from one source."""

from __future__ import annotations

from dataclasses import dataclass, field
from string import Formatter

from yuanjiao.lib.shares import per_cent
from yuanjiao.reports.models import Figure


@dataclass(frozen=True)
class Piece:
    """A run of text; with `key`, it is that figure and a link to its rows."""

    text: str
    key: str = ""


@dataclass(frozen=True)
class Paragraph:
    """One paragraph. `level` 0 is body text, 1 is 一、, 2 is （一）."""

    pieces: tuple[Piece, ...]
    level: int = 0

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True)
class Table:
    """One attached table: every cell a piece, so that numbers in tables open too."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Piece, ...], ...]
    widths: tuple[int, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Official:
    """A whole document in the order of GB/T 9704: title, addressee, body, attachment note, signature, date, attachments."""

    title: tuple[str, ...]
    addressee: str
    body: tuple[Paragraph, ...]
    signer: str
    date: str
    attachments: tuple[Table, ...] = field(default=())


def filled(template: str, figures: dict[str, Figure], level: int = 0) -> Paragraph:
    """A paragraph from a template: {key} is the figure's printed value, {key.share} its share. A key that is missing is an error."""
    pieces: list[Piece] = []
    for text, name, _spec, _conversion in Formatter().parse(template):
        if text:
            pieces.append(Piece(text))
        if name:
            key, _dot, part = name.partition(".")
            figure = figures[key]
            pieces.append(Piece(share_text(figure) if part == "share" else figure.text + figure.unit, key))
    return Paragraph(tuple(pieces), level)


def plain(text: str, level: int = 0) -> Paragraph:
    return Paragraph((Piece(text),), level)


def share_text(figure: Figure) -> str:
    """The figure's share as printed; a dash without anything to divide by."""
    return "—" if figure.share is None else per_cent(figure.share)
