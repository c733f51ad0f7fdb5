"""What is read on a television, leaf by leaf: an article in large letters, pages of a document, pictures. The keys 7 and 9 turn."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.html import strip_tags

from yuanjiao.courseware.queries import ItemDetail, PartCard
from yuanjiao.desks import faces
from yuanjiao.desks.tv.boxes import Canvas

BLOCK_END = re.compile(r"</(?:p|h[1-6]|li|tr|blockquote|div)>|<br ?/?>")


@dataclass(frozen=True)
class Leaf:
    """One screen: paragraphs, or a picture drawn `width` × `height`."""

    paragraphs: tuple[str, ...] = ()
    picture: str = ""
    caption: str = ""
    width: int = 0
    height: int = 0


def leaves(item: ItemDetail, canvas: Canvas) -> list[Leaf]:
    """All screens of an item: its words first, then its pages or pictures."""
    width, height = canvas.room
    letters, lines = width // canvas.letter_px, height * 2 // (canvas.letter_px * 3)
    words = [" ".join(strip_tags(part).split()) for part in BLOCK_END.split(item.body)]
    told = [Leaf(paragraphs=tuple(part)) for part in in_screens([word for word in words if word], letters, lines)]
    return told + [_shown(part, canvas) for part in item.parts]


def in_screens(paragraphs: list[str], letters: int, lines: int) -> list[list[str]]:
    """Paragraphs on screens of so many lines of so many letters; a paragraph that is too long goes on on the next screen.

    One letter a line is kept free, because a line is broken before punctuation.
    """
    screens: list[list[str]] = []
    left = 0
    for paragraph in paragraphs:
        rest = paragraph
        while rest:
            if not left:
                screens.append([])
                left = lines
            piece, rest = rest[: left * (letters - 1)], rest[left * (letters - 1) :]
            screens[-1].append(piece)
            left -= -(-len(piece) // (letters - 1))
    return screens


def _shown(part: PartCard, canvas: Canvas) -> Leaf:
    """A page or picture, as large as there is room."""
    width, height = part.width or 4, part.height or 3
    factor = min(canvas.room[0] / width, canvas.room[1] / height)
    return Leaf(picture=faces.part_url(part), caption=part.caption, width=int(width * factor), height=int(height * factor))
