"""Books (EPUB 2 and 3): a zip of XHTML chapters in the order of a spine, from strangers. Looked at as hostile, then made one harmless text.

1. Nothing is unpacked by the names in the archive; no name leads out of it; sizes are counted by unpacking, not believed.
2. Chapters pass the article's own sanitiser; pictures are written anew. What comes out holds nothing of the archive's files, neither the
   pages nor the book to be saved, which is bound of the same chapters (`binding`). Safety rests on this and on nothing below.
3. A script, an event, an entity of its own, anything fetched when the book is opened: refused by name, as far as it is seen, because its
   maker can mend it better than a sieve. Links a reader may click are harmless.
4. Encrypted books are refused: only fonts may be obfuscated, as publishers do.
5. No part is read beyond its bound, no text is looked at by an expression whose time grows faster than the text.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from html.entities import html5
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from yuanjiao.courseware.packaging import pictures
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.courseware.rules import articles

CONTAINER, MIMETYPE = "META-INF/container.xml", "application/epub+zip"
LARGEST_CHAPTER = 8_000_000
LARGEST_TEXT = 30_000_000
"""Bytes of one chapter or list, and of all texts of a book together: each is held in memory as a tree, one after the other."""
DEEPEST, STEP = 200, 1 << 16
MOST_PICTURES = 1_000
FONTS_ONLY = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
LICENCES = {"META-INF/rights.xml", "META-INF/sinf.xml", "META-INF/license.lcpl"}
DRM = "电子书加了密或数字版权保护（DRM），读不出内容，不予接收；请向出版方要不加密的 EPUB 或 PDF"
FETCHED = {
    "src",
    "href",
    "data",
    "poster",
    "srcset",
    "action",
    "formaction",
    "background",
    "codebase",
    "archive",
    "ping",
    "manifest",
    "base",
}
CLICKED = {"a", "area"}
MARKUP = re.compile(r"\.(x?html?|xml|svg|opf|ncx|smil)$", re.IGNORECASE)
ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
OF_XML = {"amp", "lt", "gt", "quot", "apos"}
DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>")
ENCODING = re.compile(r"""\sencoding\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
ENCODINGS = {"utf-8", "utf8", "utf-16"}
PROLOGUE = re.compile(r"(?:\s+|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
KIND = re.compile(r"<!DOCTYPE\s[^<>\[\]]*>", re.IGNORECASE)
SHEET_BY_INSTRUCTION = re.compile(r"<\?xml-stylesheet\s([^?]*)", re.IGNORECASE)
LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{1,8}){0,3}")
OUTSIDE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:|[/\\]{2})", re.IGNORECASE)
IN_STYLE = re.compile(
    r"""(?:url\(\s*+["']?|@import\s*+["'])\s*+(?!data:)(?:[a-z][a-z0-9+.-]*:|[/\\]{2})|expression\s*\(|-moz-binding|(?<![-\w])behavior\s*:""",
    re.IGNORECASE,
)
ESCAPED = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
DROPPED = {"rt", "rp", "script", "style", "head", "title"}
PAGE = """<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title></title><style>
@page { size: 148mm 210mm; margin: 14mm 13mm }
body { font-family: "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", sans-serif; font-size: 13pt; line-height: 1.5 }
h2 { font-size: 17pt } h3 { font-size: 14pt } h4 { font-size: 12pt }
</style></head><body>"""
SHEET = 455, 640
"""Width and height, in the 96ths of an inch of CSS, that a picture may have on a page."""
OWN = re.compile(r'src="/blobs/([0-9a-f]{64}\.jpg)"')
NEXT_PAGE = '<p style="page-break-before: always; font-size: 2pt; margin: 0">&nbsp;</p>'


@dataclass(frozen=True)
class Book:
    """The chapters of a looked-at archive, as names inside it, in reading order."""

    chapters: tuple[str, ...]
    language: str = "zh-CN"


@dataclass(frozen=True)
class Text:
    """What was read: harmless chapters in their order, their pictures under `/blobs/{sha256}.jpg` and as files of a folder."""

    chapters: tuple[str, ...]
    language: str


def is_book(archive: zipfile.ZipFile) -> bool:
    """Whether a zip calls itself an EPUB."""
    return CONTAINER in archive.NameToInfo


def look(archive: zipfile.ZipFile) -> Book:
    """What is read in which order. NotUsable, with the reason, for anything broken, encrypted or dangerous.

    The caller has bounded the number of parts and their unpacked size.
    """
    _refuse_names(archive)
    _refuse_locks(archive)
    if "mimetype" not in archive.NameToInfo or _bytes(archive, "mimetype").strip() != MIMETYPE.encode():
        raise NotUsable("不是合格的 EPUB：mimetype 不对，请重新导出")
    root = _root(archive)
    book = _spine(archive, root)
    _refuse_dangers(archive, root, set(book.chapters))
    return book


def _refuse_names(archive: zipfile.ZipFile) -> None:
    names = [part.filename for part in archive.infolist()]
    if len(set(names)) != len(names):
        raise NotUsable("电子书里有两个同名的文件，不予接收")
    for name in names:
        if name.startswith(("/", "\\")) or "\\" in name or ":" in name.split("/")[0] or ".." in name.split("/"):
            raise NotUsable(f"电子书里有指向外面的文件名（{name[:60]}），不予接收")


def _refuse_locks(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    if any(part.flag_bits & 1 for part in archive.infolist()) or names & LICENCES:
        raise NotUsable(DRM)
    if "META-INF/encryption.xml" in names:
        tree = _tree(archive, "META-INF/encryption.xml")
        methods = [one.get("Algorithm") for one in tree.iter() if _local(one.tag) == "encryptionmethod"]
        if not methods or not set(methods) <= FONTS_ONLY:
            raise NotUsable(DRM)


# -- dangers ----------------------------------------------------------------------------------------------------------------


def _refuse_dangers(archive: zipfile.ZipFile, root: str, chapters: set[str]) -> None:
    """What is read is looked at whatever it is called; the rest by what it looks like. `binding` leaves out what is overlooked here."""
    total = 0
    for part in archive.infolist():
        name = part.filename
        if name.lower().endswith((".js", ".mjs", ".wasm")):
            raise _scripted(name)
        if name.startswith("META-INF/") or part.is_dir():
            continue
        is_read = name == root or name in chapters
        is_style = name.lower().endswith(".css") and not is_read
        if not is_read and not is_style and not MARKUP.search(name) and not _begins_as_markup(archive, part):
            continue
        total += part.file_size
        if part.file_size > LARGEST_CHAPTER or total > LARGEST_TEXT:
            raise _vast(name)
        if is_style:
            _refuse_style(_text(archive, name), name)
        else:
            is_list = name not in chapters and (name == root or name.lower().endswith(".opf"))
            _refuse_markup(_tree(archive, name), name, is_list=is_list)


def _begins_as_markup(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Whether a reading program that looks at the bytes would take it for a page, whatever it is called."""
    with archive.open(part) as stream:
        head = stream.read(512)
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe<", b"\xfe\xff"))


def _refuse_markup(tree: ElementTree.Element, name: str, *, is_list: bool) -> None:
    for element in tree.iter():
        tag = _local(element.tag)
        if tag == "script" or "javascript" in element.get("media-type", ""):
            raise _scripted(name)
        if is_list and tag != "item":
            continue  # where a book says it comes from is not fetched
        if tag == "style":
            _refuse_style("".join(element.itertext()), name)
        attributes = {_local(key): value for key, value in element.attrib.items()}
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            raise _fetching(name, attributes.get("content", ""))
        for key, value in attributes.items():
            _refuse_attribute(tag, key, value, name)


def _refuse_attribute(tag: str, key: str, value: str, name: str) -> None:
    if (key.startswith("on") and len(key) > 3) or "javascript:" in re.sub(r"\s", "", value).lower():
        raise _scripted(name)
    if key == "style":
        _refuse_style(value, name)
    if key in FETCHED and not (tag in CLICKED and key == "href"):
        for one in value.split(",") if key == "srcset" else [value]:
            if OUTSIDE.match(one) and not one.strip().lower().startswith("data:image/"):
                raise _fetching(name, one.strip())


def _refuse_style(text: str, name: str) -> None:
    plain = re.sub(r"/\*.*?(?:\*/|\Z)", "", text, flags=re.DOTALL)
    plain = ESCAPED.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)) if found[1] else found[2], plain)
    match = IN_STYLE.search(plain)
    if match:
        raise _fetching(name, plain[match.start() : match.start() + 60])


def _scripted(name: str) -> NotUsable:
    return NotUsable(f"电子书里带有程序（{name[:60]}），不予接收；请导出不带脚本的 EPUB，或另存为 PDF")


def _fetching(name: str, target: str) -> NotUsable:
    return NotUsable(f"电子书 {name[:60]} 引用了外面的文件（{target[:60]}），打开时会去取，不予接收")


# -- reading ----------------------------------------------------------------------------------------------------------------


def _vast(name: str) -> NotUsable:
    return NotUsable(f"电子书里的文字过大（{name[:60]}），可能是“压缩炸弹”，不予接收")


def _bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    """A text of the archive, never more than is held in memory: whoever asks, for whatever part."""
    with archive.open(name) as stream:
        content = stream.read(LARGEST_CHAPTER + 1)
    if len(content) > LARGEST_CHAPTER:
        raise _vast(name)
    return content


def _text(archive: zipfile.ZipFile, name: str) -> str:
    content = _bytes(archive, name)
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise NotUsable(f"电子书里的 {name[:60]} 不是 UTF-8 文字，请重新导出") from None


def _tree(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """The part as a tree. No entity of its own is known: what a document type might declare is refused before it is read."""
    text = _undeclared(_text(archive, name), name)
    begin = PROLOGUE.match(text).end()  # type: ignore[union-attr]  # it matches nothing at least
    kind = KIND.match(text, begin)
    text = text[:begin] + text[kind.end() if kind else begin :]
    if re.search("<!(?:ENTITY|DOCTYPE)", text, re.IGNORECASE):
        raise NotUsable(f"电子书里的 {name[:60]} 自带定义，内部结构异常，不予接收")
    if any("//" in found[1] for found in SHEET_BY_INSTRUCTION.finditer(text, 0, begin)):
        raise _fetching(name, "xml-stylesheet")
    try:
        return _grown(ENTITY.sub(_by_number, text), name)
    except ElementTree.ParseError as error:
        raise NotUsable(f"电子书里的 {name[:60]} 读不出来，不是合格的 XHTML（{error}）；请重新导出") from None


def _undeclared(text: str, name: str) -> str:
    """The text without the line that says what it is written in, which has to be how it was read."""
    declared = DECLARATION.match(text)
    encoding = ENCODING.search(declared[0]) if declared else None
    if encoding and encoding[1].lower() not in ENCODINGS:
        raise NotUsable(f"电子书里的 {name[:60]} 不是 UTF-8 文字（自称 {encoding[1][:20]}），请重新导出")
    return text[declared.end() :] if declared else text


def _by_number(found: re.Match[str]) -> str:
    """A letter that HTML has a name for, by its number: `&LT;` is a letter too, never a mark. XML says what it does not know."""
    letters = "" if found[1] in OF_XML else html5.get(f"{found[1]};", "")
    return "".join(f"&#{ord(letter)};" for letter in letters) or found[0]


def _grown(text: str, name: str) -> ElementTree.Element:
    """The tree, given up as soon as it is too deep: whatever walks it later goes into the depth."""
    reader: ElementTree.XMLPullParser[ElementTree.Element] = ElementTree.XMLPullParser(("start", "end"))
    root, depth = ElementTree.Element("empty"), 0
    for start in range(0, len(text), STEP):
        reader.feed(text[start : start + STEP])
        for found in reader.read_events():
            event, element = cast("tuple[str, ElementTree.Element]", found)
            root = element if not depth and event == "start" else root
            depth += 1 if event == "start" else -1
            if depth > DEEPEST:
                raise NotUsable(f"电子书里的 {name[:60]} 嵌套过深，不予接收")
    reader.close()
    return root


def _local(name: object) -> str:
    """A tag or attribute without its namespace, in small letters; comments have none."""
    return name.rpartition("}")[2].lower() if isinstance(name, str) else ""


def _inside(archive: zipfile.ZipFile, base: str, address: str) -> str:
    """The name of the part that an address means, seen from `base`; empty when there is none."""
    where = unquote(urlsplit(address).path)
    name = posixpath.normpath(posixpath.join(posixpath.dirname(base), where))
    return name if where and name in archive.NameToInfo else ""


def _root(archive: zipfile.ZipFile) -> str:
    root = next((one.get("full-path", "") for one in _tree(archive, CONTAINER).iter() if _local(one.tag) == "rootfile"), "")
    if root not in archive.NameToInfo or _set_apart(root):
        raise NotUsable("电子书里没有书目（OPF），文件不完整，请重新导出")
    return root


def _set_apart(name: str) -> bool:
    """Whether a part is about the archive: nothing to be read lies there."""
    return name.lower().startswith("meta-inf/")


def _spine(archive: zipfile.ZipFile, root: str) -> Book:
    listed: dict[str, str] = {}
    order: list[str] = []
    spoken = ""
    for element in _tree(archive, root).iter():
        tag = _local(element.tag)
        if tag == "item":
            listed[element.get("id", "")] = element.get("href", "")
        if tag == "itemref":
            order.append(element.get("idref", ""))
        if tag == "language":
            spoken = spoken or (element.text or "").strip()
    if not order:
        raise NotUsable("电子书里没有阅读顺序（spine），不知道先读哪一章，请重新导出")
    found = dict.fromkeys(_inside(archive, root, listed.get(one, "")) for one in order)  # a chapter named again is read once
    if "" in found or any(map(_set_apart, found)):
        raise NotUsable("电子书的阅读顺序里有一章不在文件里，请重新导出")
    return Book(tuple(found), spoken if LANGUAGE.fullmatch(spoken) else Book.language)


# -- making -----------------------------------------------------------------------------------------------------------------


def read(path: Path, folder: Path) -> Text:
    """The chapters that hold a word or a picture, with pictures written anew into `folder`. Links lead to the web alone."""
    with zipfile.ZipFile(path) as archive:
        book = look(archive)
        kept: dict[str, str] = {}
        chapters = [_chapter(archive, name, folder, kept) for name in book.chapters]
    full = tuple(one for one in chapters if articles.plain(one) or "<img" in one)
    if not full:
        raise NotUsable("电子书里没有文字，也没有图片")
    return Text(full, book.language)


def as_page(text: Text, folder: Path) -> Path:
    """All chapters as one HTML file in `folder`, beside its pictures."""
    target = folder / "book.html"
    body = OWN.sub(lambda found: _sized(folder, found[1]), NEXT_PAGE.join(text.chapters))
    body = body.replace("<table>", '<table border="1" cellpadding="4">')
    target.write_text(f"{PAGE}{body}</body></html>", encoding="utf-8")
    return target


def _sized(folder: Path, name: str) -> str:
    """A picture beside the page, no larger than a sheet of it."""
    from PIL import Image  # where it is needed: the server of pages rarely looks at one

    with Image.open(folder / name) as picture:
        width, height = picture.size
    scale = min(1.0, SHEET[0] / width, SHEET[1] / height)
    return f'src="{name}" width="{round(width * scale)}" height="{round(height * scale)}"'


def _chapter(archive: zipfile.ZipFile, name: str, folder: Path, kept: dict[str, str]) -> str:
    """A chapter as an article may be: the same marks and no others, pictures under names of their own."""
    tree = _tree(archive, name)
    if _local(tree.tag) == "svg":
        tree = _wrapped(tree)
    body = next((one for one in tree.iter() if _local(one.tag) == "body"), None)
    if body is None:
        raise NotUsable(f"电子书里的 {name[:60]} 没有正文，不是合格的 XHTML；请重新导出")
    html = "".join(_html(archive, name, body, folder, kept))
    return re.sub(r"<p>\s*</p>", "", articles.clean(html))  # a block round paragraphs leaves an empty one before and behind them


def _wrapped(picture: ElementTree.Element) -> ElementTree.Element:
    page, body = ElementTree.Element("html"), ElementTree.Element("body")
    page.append(body)
    body.append(picture)
    return page


def _html(archive: zipfile.ZipFile, name: str, element: ElementTree.Element, folder: Path, kept: dict[str, str]) -> Iterator[str]:
    """The tree as text for the sanitiser, which decides what stays. Only pictures are looked up here."""
    tag = _local(element.tag)
    if tag and tag not in DROPPED:
        if tag in {"img", "image"}:
            address = next((value for key, value in element.attrib.items() if _local(key) in {"src", "href"}), "")
            found = _picture(archive, _inside(archive, name, address), folder, kept)
            yield f'<img src="{found}" alt="{_escaped(element.get("alt", ""))}">' if found else ""
        elif tag in articles.TAGS or tag == "h1":
            shown = "h2" if tag == "h1" else tag
            yield f"<{shown}{_spans(tag, element)}>" + _escaped(element.text or "")
            for child in element:
                yield from _html(archive, name, child, folder, kept)
            yield "" if shown in {"br", "hr"} else f"</{shown}>"
        else:
            block = tag in {"div", "section", "article", "aside", "header", "footer", "nav", "dl", "dt", "dd", "pre", "center"}
            yield ("<p>" if block else "") + _escaped(element.text or "")
            for child in element:
                yield from _html(archive, name, child, folder, kept)
            yield "</p>" if block else ""
    yield _escaped(element.tail or "")


def _spans(tag: str, element: ElementTree.Element) -> str:
    """How many cells one fills, and where a link to the web leads; one inside the book would lead into a folder of this machine.

    No other mark has any: a sanitiser that repairs nesting copies marks that differ, hundreds of them into every paragraph.
    """
    wanted = {"a": ("href",), "td": ("colspan", "rowspan"), "th": ("colspan", "rowspan")}.get(tag, ())
    kept = [(key, element.get(key, "")) for key in wanted]
    return "".join(
        f' {key}="{_escaped(value)}"' for key, value in kept if value and (key != "href" or value.startswith(("http://", "https://")))
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _picture(archive: zipfile.ZipFile, name: str, folder: Path, kept: dict[str, str]) -> str:
    """The address under which the sanitiser lets a picture of the book stay; empty for what is no picture (vector drawings)."""
    if not name or (name not in kept and len(kept) >= MOST_PICTURES):
        return ""
    if name not in kept:
        try:
            with archive.open(name) as stream:  # one that is larger than a picture may be is refused as such
                content, _width, _height = pictures.cleaned(stream.read(pictures.LARGEST_BYTES + 1))
        except NotUsable:
            kept[name] = ""
        else:
            digest = hashlib.sha256(content).hexdigest()
            (folder / f"{digest}.jpg").write_bytes(content)
            kept[name] = f"/blobs/{digest}.jpg"
    return kept[name]
