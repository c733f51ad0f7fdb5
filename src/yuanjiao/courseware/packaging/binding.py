"""A book bound anew (EPUB 3) of the chapters its pages were made of, so that what is handed out is what was sanitised and reviewed.

1. Nothing of the archive that was sent is copied: names, lists, styles, fonts, sounds and drawings stay behind; pictures were written anew.
2. Chapters are written mark by mark: only what an article may hold is ever written, the rest is text. Any other mark refuses the book.
3. Every part is read by an XML parser before it is packed. The same chapters give the same bytes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

from yuanjiao.courseware.packaging import books
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.courseware.rules import articles

VOID = {"br", "hr", "img"}
OUTLINE_LETTERS = 60
LONG_AGO = 1980, 1, 1, 0, 0, 0
"""What a zip says of the time of a part: the first it knows."""
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>
"""
SHEET = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="{language}" xml:lang="{language}">
<head><meta charset="utf-8"/><title>{title}</title>
<style>img {{ max-width: 100% }} td, th {{ border: 1px solid; padding: 0.2em }}</style></head>
<body>{body}</body></html>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="uid" xml:lang="{language}">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="uid">urn:uuid:{uid}</dc:identifier><dc:title>{title}</dc:title>
<dc:language>{language}</dc:language><meta property="dcterms:modified">{at:%Y-%m-%dT%H:%M:%SZ}</meta></metadata>
<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
{items}</manifest>
<spine>{order}</spine></package>
"""


def bind(text: books.Text, folder: Path, *, title: str, uid: UUID, at: datetime) -> Path:
    """The book as a file in `folder`, where its pictures lie. NotUsable if a chapter does not become sound XHTML."""
    pictures: dict[str, None] = {}
    parts = {"META-INF/container.xml": CONTAINER}
    for number, chapter in enumerate(text.chapters, 1):
        body = _written(chapter, pictures)
        parts[f"OPS/c{number}.xhtml"] = SHEET.format(language=text.language, title=escape(_name(chapter, number)), body=body)
    parts["OPS/nav.xhtml"] = SHEET.format(language=text.language, title=escape(title), body=_outline(text))
    parts["OPS/book.opf"] = PACKAGE.format(
        language=text.language, title=escape(title), uid=uid, at=at.astimezone(UTC),
        items=_items(len(text.chapters), pictures), order="".join(f'<itemref idref="c{n}"/>' for n in range(1, len(text.chapters) + 1)),
    )  # fmt: skip
    for part in parts.values():
        _require_xml(part)
    target = folder / "bound.epub"
    _pack(target, parts, folder, pictures)
    return target


def _pack(target: Path, parts: dict[str, str], folder: Path, pictures: Iterable[str]) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype", LONG_AGO), books.MIMETYPE)  # first and as it is, as the format wants it
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
        for name in pictures:
            archive.writestr(zipfile.ZipInfo(f"OPS/pictures/{name}", LONG_AGO), (folder / name).read_bytes())


def _items(count: int, pictures: Iterable[str]) -> str:
    chapters = [f'<item id="c{number}" href="c{number}.xhtml" media-type="application/xhtml+xml"/>' for number in range(1, count + 1)]
    shown = [f'<item id="p{number}" href="pictures/{name}" media-type="image/jpeg"/>' for number, name in enumerate(pictures, 1)]
    return "\n".join(chapters + shown)


def _outline(text: books.Text) -> str:
    lines = [f'<li><a href="c{number}.xhtml">{escape(_name(chapter, number))}</a></li>' for number, chapter in enumerate(text.chapters, 1)]
    return f'<nav epub:type="toc"><h1>目录</h1><ol>{"".join(lines)}</ol></nav>'


def _name(chapter: str, number: int) -> str:
    """What the table of contents calls a chapter: its first heading, or its number."""
    heading = articles.HEADING.search(chapter)
    return " ".join(articles.plain(heading[1]).split() if heading else [])[:OUTLINE_LETTERS] or f"第 {number} 部分"


# -- chapters ---------------------------------------------------------------------------------------------------------------


def _unsound() -> NotUsable:
    return NotUsable("电子书整理后仍不是合格的 XHTML，不予接收；请重新导出，或另存为 PDF")


def _require_xml(part: str) -> None:
    try:
        ElementTree.fromstring(part.encode())
    except (ElementTree.ParseError, UnicodeEncodeError):
        raise _unsound() from None


def _written(chapter: str, pictures: dict[str, None]) -> str:
    """The sanitised chapter as XHTML; the pictures it shows are added to `pictures`."""
    writer = _Writer(pictures)
    writer.feed(chapter)
    writer.close()
    return "".join(writer.out)


class _Writer(HTMLParser):
    """Writes what it hears: known marks with known attributes, the rest as letters."""

    def __init__(self, pictures: dict[str, None]) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.pictures = pictures

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in articles.TAGS:
            raise _unsound()
        kept = [(key, self._value(tag, key, value or "")) for key, value in attrs if key in articles.ATTRIBUTES.get(tag, ())]
        words = "".join(f' {key}="{escape(value)}"' for key, value in kept)
        self.out.append(f"<{tag}{words}{'/' if tag in VOID else ''}>")

    def handle_endtag(self, tag: str) -> None:
        if tag not in articles.TAGS:
            raise _unsound()
        if tag not in VOID:
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(escape(data, quote=False))

    def _value(self, tag: str, key: str, value: str) -> str:
        if key == "src":
            return self._picture(value)
        if key == "href" and not value.startswith(("http://", "https://")):
            raise _unsound()
        return value

    def _picture(self, address: str) -> str:
        if not articles.OWN_PICTURE.fullmatch(address):
            raise _unsound()
        name = address.removeprefix("/blobs/")
        self.pictures[name] = None
        return f"pictures/{name}"

    def handle_comment(self, data: str) -> None:
        raise _unsound()

    def handle_decl(self, decl: str) -> None:
        raise _unsound()

    def handle_pi(self, data: str) -> None:
        raise _unsound()

    def unknown_decl(self, data: str) -> None:
        raise _unsound()
