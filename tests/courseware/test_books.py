"""Books (EPUB 2 and 3): chapters in the order of the spine become pages; what runs, fetches, leads out or is locked is refused (CW24).

What is handed out is bound anew of the same chapters: tricks that pass the first look do not pass into it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

import pytest
from django.test import Client
from PIL import Image

from tests.courseware.test_kinds import ON, give, new, on_air, photo
from yuanjiao.courseware import queries
from yuanjiao.courseware.models import Column, ItemPart
from yuanjiao.courseware.packaging import binding, books, pages, work
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.courseware.rules import articles
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.blobs import store
from yuanjiao.learning.commands import begin_distribution
from yuanjiao.learning.models import CopyForm
from yuanjiao.lib import clock
from yuanjiao.places.rules import Level
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
Parts = dict[str, bytes | str]
CONTAINER = """<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
OLD = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">'


@pytest.fixture(autouse=True)
def _office(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that could turn a book into pages: what only looks at one does not start the program."""
    if pages.office() is None:
        monkeypatch.setattr(pages, "office", lambda: "soffice")


def page(body: str, head: str = "<title/>", kind: str = "<!DOCTYPE html>") -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{kind}<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink"><head>{head}</head><body>{body}</body></html>'
    )


def package(version: str, more: str = "") -> str:
    """Chapters are listed in one order and read in the other."""
    return (
        f'<package xmlns="http://www.idpf.org/2007/opf" version="{version}"><metadata>'
        f'<link href="https://press.example.cn/book" rel="record"/></metadata><manifest>'
        f'<item id="c2" href="text/two.xhtml" media-type="application/xhtml+xml"/>'
        f'<item id="c1" href="text/one%20first.xhtml" media-type="application/xhtml+xml"/>'
        f'<item id="cover" href="text/cover.xhtml" media-type="application/xhtml+xml"/>'
        f'<item id="pic" href="images/tree.jpg" media-type="image/jpeg"/>{more}</manifest>'
        f'<spine><itemref idref="cover"/><itemref idref="c1"/><itemref idref="c2"/><itemref idref="c1"/></spine></package>'
    )


def parts(version: str = "3.0") -> Parts:
    """A sound book: a cover in a drawing, two chapters, a style, a table of contents of its version."""
    old = OLD if version == "2.0" else "<!DOCTYPE html>"
    contents: Parts = (
        {"OPS/toc.ncx": '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap/></ncx>'}
        if version == "2.0"
        else {"OPS/nav.xhtml": page('<nav xmlns:epub="http://www.idpf.org/2007/ops" epub:type="toc"><ol/></nav>')}
    )
    cover = '<svg xmlns="http://www.w3.org/2000/svg"><image width="9" height="9" xlink:href="../images/tree.jpg"/></svg>'
    return {
        "mimetype": books.MIMETYPE,
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": package(version),
        "OPS/style.css": "p { scroll-behavior: smooth; background: url(images/tree.jpg) } q::before { content: '\\201C' }",
        "OPS/text/cover.xhtml": page(cover, kind=old),
        "OPS/text/one first.xhtml": page(
            '<h1>Diyizhang</h1><div><p>Dongji&nbsp;xiujian &amp; guanli</p></div><img src="../images/tree.jpg" alt="shu"/>'
            '<p><ruby>han<rt>yin</rt></ruby> <a href="https://www.example.cn/">wangzhan</a> <a href="two.xhtml">houwen</a></p>', kind=old,
        ),
        "OPS/text/two.xhtml": page("<h1>Dierzhang</h1><table><tr><td>Jia</td><td>Yi</td></tr></table>", kind=old),
        "OPS/images/tree.jpg": photo((2000, 900)),
        **contents,
    }  # fmt: skip


def bound(made: Parts) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in made.items():
            archive.writestr(name, content)
    return target.getvalue()


def looked_at(made: Parts, folder: Path) -> str:
    target = folder / "book.epub"
    target.write_bytes(bound(made))
    return pages.look(target)


# -- what a book does to who opens it, read as leniently and as strictly as reading programs do ----------------------------------

HARMFUL = {"script", "iframe", "frame", "object", "embed", "applet", "svg", "math", "form", "link", "base", "template", "image"}
FINDINGS = list[tuple[str, str]]


def harm(tag: str, attributes: dict[str, str]) -> FINDINGS:
    """A mark or an attribute that runs or fetches; a link that a reader clicks is neither."""
    found = [(tag, "")] if tag in HARMFUL else []
    for key, value in attributes.items():
        leads_out = key not in {"xmlns", "property"} and not key.startswith("xmlns:") and ("//" in value or ":" in value)
        clicked = tag == "a" and key == "href" and value.startswith(("http://", "https://"))
        about = (tag, key) in {("nav", "epub:type"), ("meta", "property"), ("nav", "type")}
        if key.startswith("on") or key in {"srcdoc", "style", "http-equiv"} or (leads_out and not clicked and not about):
            found.append((tag, key))
    return found


class Lenient(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: FINDINGS = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += harm(tag, {key: value or "" for key, value in attrs})


def dangers(content: bytes) -> FINDINGS:
    """Every harmful mark in every part of a book, read as HTML and as XML; pictures have to be JPEG."""
    found: FINDINGS = []
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for name in archive.namelist():
            part = archive.read(name)
            if name.endswith(".jpg"):
                found += [] if Image.open(BytesIO(part)).format == "JPEG" else [(name, "no JPEG")]
            elif name != "mimetype":
                found += dangers_of(part.decode("utf-8", "replace"))
    return found


def dangers_of(text: str) -> FINDINGS:
    lenient = Lenient()
    lenient.feed(text)
    lenient.close()
    found = lenient.found + [("style", word) for word in ("url(", "@import", "image-set") if word in text]
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return [*found, ("", "no XML")]
    for element in tree.iter():
        found += harm(local(element.tag), {local(key): value for key, value in element.attrib.items()})
    return found


def local(name: str) -> str:
    return name.rpartition("}")[2].lower()


def handed_out(content: bytes, folder: Path) -> bytes:
    """The book that is offered for saving when this one was sent."""
    path, work = folder / "book.epub", folder / "work"
    path.write_bytes(content)
    work.mkdir(exist_ok=True)
    assert pages.look(path) == ".epub"
    bound = binding.bind(books.read(path, work), work, title="读本 <一> & “二”", uid=UUID(int=7), at=datetime(2026, 3, 1, tzinfo=UTC))
    return bound.read_bytes()


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_the_book_to_be_saved_is_bound_anew_and_holds_the_same_words_and_pictures(version: str, tmp_path: Path) -> None:
    content = handed_out(bound(parts(version)), tmp_path)
    assert content[30:58] == b"mimetypeapplication/epub+zip"  # first and not compressed: programs look for it there
    assert dangers(content) == []
    assert handed_out(bound(parts(version)), tmp_path) == content
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = archive.namelist()
        assert {name.rpartition(".")[2] for name in names if name.startswith("OPS/")} == {"xhtml", "opf", "jpg"}
        assert not any("tree" in name or "style" in name for name in names)
        assert "<dc:title>读本 &lt;一&gt; &amp; “二”</dc:title>" in archive.read("OPS/book.opf").decode()
        assert ">Diyizhang</a>" in archive.read("OPS/nav.xhtml").decode()
    (tmp_path / "sent.epub").write_bytes(bound(parts(version)))
    (tmp_path / "again.epub").write_bytes(content)
    sent, again = (books.read(tmp_path / name, tmp_path) for name in ("sent.epub", "again.epub"))
    assert list(map(articles.plain, again.chapters)) == list(map(articles.plain, sent.chapters))
    assert [one.count("<img") for one in again.chapters] == [one.count("<img") for one in sent.chapters] == [1, 1, 0]
    assert 'href="https://www.example.cn/"' in again.chapters[1]


EVIL = "<script>evil()</script>"
LISTED = package("3.0", '<item id="c" href="{}" media-type="application/xhtml+xml"/>').replace("</spine>", '<itemref idref="c"/></spine>')
TRICKS: dict[str, Parts] = {
    "a document type within a comment": {"OPS/text/two.xhtml": f"<html><body><!-- <!DOCTYPE a -->{EVIL} --><p>x</p></body></html>"},
    "a document type behind the root": {"OPS/text/two.xhtml": f"<html><!DOCTYPE a><body><p>x</p>{EVIL}</body></html>"},
    "letters by name": {"OPS/text/two.xhtml": page("<p>&LT;script&GT;evil()&LT;/script&GT;&lt;script&gt;</p>")},
    "a page in an attribute": {"OPS/text/two.xhtml": page('<iframe srcdoc="&lt;script&gt;evil()&lt;/script&gt;"/>')},
    "a drawing in an address": {"OPS/text/two.xhtml": page('<img src="data:image/svg+xml,%3Csvg onload=%22evil()%22/%3E"/>')},
    "a chapter beside the locks": {"OPS/book.opf": LISTED.format("../META-INF/c.xhtml"), "META-INF/c.xhtml": page(EVIL)},
    "a chapter beside the locks in capitals": {"OPS/book.opf": LISTED.format("../Meta-Inf/c.xhtml"), "Meta-Inf/c.xhtml": page(EVIL)},
    "blanks before a page without a name": {"OPS/book.opf": LISTED.format("c.dat"), "OPS/c.dat": " " * 600 + page(EVIL)[38:]},
    "UTF-16 without a name": {"OPS/book.opf": LISTED.format("c.dat"), "OPS/c.dat": page(EVIL)[38:].encode("utf-16")},
    "blanks before a page that is not read": {"OPS/c.dat": " " * 600 + page(EVIL)},
    "marks in capitals": {"OPS/text/two.xhtml": page(f"<p>x</p>{EVIL.upper()}<IFRAME SRC='https://evil.example/'/>")},
    "attributes in capitals": {"OPS/text/two.xhtml": page("<p ONCLICK='evil()'>x</p>", "<META HTTP-EQUIV='refresh' CONTENT='0;//x.cn'/>")},
    "style with a comment that is none": {"OPS/text/two.xhtml": page("<p style=\"a:'/*';background:url(//a.example/*');b:'*/')\">x</p>")},
    "style with a set of pictures": {"OPS/style.css": "p { background: image-set('https://evil.example/a.png' 1x) }"},
    "style with a mask": {"OPS/text/two.xhtml": page('<svg><g mask="url(https://evil.example/#a)" filter="url(//a.example/#b)"/></svg>')},
    "another encoding": {"OPS/text/two.xhtml": page("<p>+ADw-script+AD4-evil()+ADw-/script+AD4-</p>").replace("utf-8", "utf-7")},
    "an encoding nobody names": {"OPS/text/two.xhtml": page("<p>+ADw-script+AD4-evil()+ADw-/script+AD4-</p>")},
    "a document type without an end": {"OPS/text/two.xhtml": "<!DOCTYPE html"},
    "a link that runs": {"OPS/text/two.xhtml": page('<a href="java&#9;script:evil()">x</a><a href="data:text/html,x">y</a>')},
}  # fmt: skip
SEEN_IN_THE_ORIGINAL = [
    "a page in an attribute",
    "marks in capitals",
    "attributes in capitals",
    "style with a set of pictures",
    "style with a mask",
]


@pytest.mark.parametrize("checked", [True, False], ids=["looked at", "not looked at"])
@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS.keys())
def test_a_trick_is_refused_or_stays_out_of_the_book_that_is_handed_out(
    trick: Parts, checked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time nobody looks for dangers at all: safety does not rest on it."""
    if not checked:
        monkeypatch.setattr(books, "_refuse_dangers", lambda *_given: None)
    try:
        content = handed_out(bound(parts() | trick), tmp_path)
    except NotUsable:
        return
    assert dangers(content) == []


@pytest.mark.parametrize("name", SEEN_IN_THE_ORIGINAL)
def test_the_tricks_would_be_seen_in_a_book_handed_out_as_it_came(name: str) -> None:
    assert dangers(bound(parts() | TRICKS[name]))


REFUSED = {
    "a document type within a comment": "自带定义",
    "a document type behind the root": "自带定义",
    "a document type without an end": "自带定义",
    "a chapter beside the locks": "不在文件里", "a chapter beside the locks in capitals": "不在文件里",
    "blanks before a page without a name": "程序", "UTF-16 without a name": "程序", "marks in capitals": "程序",
    "attributes in capitals": "外面", "another encoding": "utf-7",
}  # fmt: skip


@pytest.mark.parametrize(("name", "why"), REFUSED.items())
def test_what_is_seen_of_a_trick_is_refused_by_name(name: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(NotUsable, match=why):
        looked_at(parts() | TRICKS[name], tmp_path)


def test_where_a_book_comes_from_is_not_fetched_whatever_its_list_is_called(tmp_path: Path) -> None:
    moved: Parts = {"META-INF/container.xml": CONTAINER.replace("book.opf", "list.dat"), "OPS/list.dat": package("3.0")}
    assert looked_at(parts() | moved, tmp_path) == ".epub"


def test_letters_by_name_stay_letters_and_unknown_ones_are_told(tmp_path: Path) -> None:
    content = handed_out(bound(parts() | TRICKS["letters by name"]), tmp_path)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert "<p>&lt;script&gt;evil()&lt;/script&gt;&lt;script&gt;</p>" in archive.read("OPS/c3.xhtml").decode()
    with pytest.raises(NotUsable, match="undefined entity"):
        looked_at(parts() | chapter("<p>&nosuch;</p>"), tmp_path)


@pytest.mark.parametrize(
    "left",
    [
        "<script>x</script>",
        "<p>x",
        "<p>x<!-- y --></p>",
        "<!DOCTYPE x>",
        "<?x y?>",
        "<![if x]>",
        '<a href="ftp://x/">x</a>',
        '<img src="/x.jpg">',
        "a\x01b",
    ],
)
def test_a_chapter_that_is_not_sound_is_never_bound(left: str, tmp_path: Path) -> None:
    with pytest.raises(NotUsable, match="整理后"):
        binding.bind(books.Text((left,), "zh-CN"), tmp_path, title="x", uid=UUID(int=7), at=datetime(2026, 3, 1, tzinfo=UTC))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["META-INF/encryption.xml", "META-INF/container.xml", "OPS/book.opf", "OPS/list.dat", "OPS/c.dat", "mimetype"]
)
def test_no_part_is_read_beyond_its_bound(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vast = "<a>" + "<b/>" * (books.LARGEST_CHAPTER // 4) + "</a>"
    made = parts() | {"OPS/book.opf": LISTED.format("c.dat"), "OPS/c.dat": page("<p>x</p>")}
    if name == "OPS/list.dat":
        made["META-INF/container.xml"] = CONTAINER.replace("book.opf", "list.dat")
    grown = books._grown

    def bounded(text: str, part: str) -> ElementTree.Element:
        assert part != name, "a bomb was made a tree"
        return grown(text, part)

    monkeypatch.setattr(books, "_grown", bounded)
    with pytest.raises(NotUsable, match="压缩炸弹"):
        looked_at(made | {name: vast}, tmp_path)


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_a_book_becomes_one_harmless_text_in_the_order_of_its_spine(version: str, tmp_path: Path) -> None:
    assert looked_at(parts(version), tmp_path) == ".epub"
    text = books.as_page(books.read(tmp_path / "book.epub", tmp_path), tmp_path).read_text(encoding="utf-8")
    places = [text.index(word) for word in ("<img", "Diyizhang", "Dierzhang")]
    assert places == sorted(places)
    assert text.count("Diyizhang") == 1  # named twice in the spine, read once
    assert "<h2>Diyizhang</h2>" in text
    assert "Dongji\xa0xiujian &amp; guanli" in text.replace("&nbsp;", "\xa0")
    assert "han" in text
    assert "yin" not in text
    assert 'href="https://www.example.cn/"' in text
    assert "two.xhtml" not in text
    (picture,) = tmp_path.glob("*.jpg")
    assert text.count(f'src="{picture.name}" width="455"') == 2  # wider than a sheet, written anew, no name of the archive


@pytest.mark.skipif(pages.office() is None, reason="LibreOffice is not installed here")
@pytest.mark.clause("CW24")
def test_a_reader_is_read_page_by_page_saved_as_a_book_and_given_out_by_unit(
    cast: Cast, column: Column, at: datetime, tmp_path: Path, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    content = bound(parts())
    item = give(cast, new(cast, at, Kind.DOCUMENT, "特色读本"), content, "读本.epub", tmp_path, at)
    work.package_item(item.uid, now=lambda: at)
    item.refresh_from_db()
    assert item.state == State.IN_REVIEW, list(item.jobs.values_list("state", "reason"))
    assert item.codecs == "EPUB"
    on_air(cast, item, column, at)
    detail = queries.item_detail(item.uid, on=ON)
    words = [part.text for part in detail.parts]
    assert len(words) == 3  # each chapter begins on a page of its own
    assert "Diyizhang" in words[1]
    assert "Dierzhang" in words[2]
    assert detail.file is not None
    assert detail.file.media_type == "application/pdf"
    assert detail.book is not None
    saved = store.path(detail.book.blob).read_bytes()
    assert dangers(saved) == []
    with zipfile.ZipFile(BytesIO(saved)) as archive:
        assert books.look(archive).chapters == ("OPS/c1.xhtml", "OPS/c2.xhtml", "OPS/c3.xhtml")
        assert "<dc:title>特色读本</dc:title>" in archive.read("OPS/book.opf").decode()
    assert ItemPart.objects.filter(courseware=item, media_type="image/jpeg").count() == 3
    public = Client().get(f"/items/{item.uid}/").content.decode()
    assert f"/blobs/{detail.book.blob}.epub" in public
    got = Client().get(f"/blobs/{detail.book.blob}.epub")
    assert got["Content-Type"] == books.MIMETYPE
    assert got.getvalue() == saved
    row = begin_distribution(
        title="特色读本", edition="2026 年第 1 版", form=CopyForm.DIGITAL, item=item.uid, document="", unit=cast.units["ZZ-9901"],
        place=cast.divisions["990100000000"], level=Level.COUNTY, each=1, by=cast.actor("shiguan"), at=at,
    )  # fmt: skip
    told = log_in("shiguan").get(f"/learning/distributions/{row.uid}/").content.decode()
    assert "2026 年第 1 版" in told
    assert "EPUB" in told
    assert "PDF" in told


ADEPT = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"


def locked(algorithm: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#">'
        f'<EncryptionMethod Algorithm="{algorithm}"/></EncryptedData></encryption>'
    )


def chapter(body: str, head: str = "", kind: str = "") -> Parts:
    return {"OPS/text/two.xhtml": page(body, head, kind)}


HOSTILE: dict[str, tuple[Parts, str]] = {
    "script": (chapter("<script>steal()</script>"), "程序"),
    "script in a drawing": ({"OPS/a.svg": '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'}, "程序"),
    "script called a picture": ({"OPS/images/b.png": '  <svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>'}, "程序"),
    "event": (chapter('<p onclick="steal()">x</p>'), "程序"),
    "address that runs": (chapter('<a href=" java&#10;script:steal()">x</a>'), "程序"),
    "file that runs": ({"OPS/a.js": "steal()"}, "程序"),
    "listed as a program": ({"OPS/book.opf": package("3.0", '<item id="x" href="a.bin" media-type="text/javascript"/>')}, "程序"),
    "picture elsewhere": (chapter('<img src="http://10.0.0.1/a.png"/>'), "外面的文件"),
    "picture without scheme": (chapter('<img src="//10.0.0.1/a.png"/>'), "外面的文件"),
    "frame elsewhere": (chapter('<iframe src="https://evil.example/"/>'), "外面的文件"),
    "style elsewhere": (chapter("<p/>", '<link rel="stylesheet" href="http://evil.example/a.css"/>'), "外面的文件"),
    "style that fetches": ({"OPS/style.css": "@import/**/'http://evil.example/a.css';"}, "外面的文件"),
    "style that hides it": ({"OPS/style.css": "p { background: u\\72 l(h\\74 tp://evil.example/a.png) }"}, "外面的文件"),
    "style in the text": (chapter('<p style="background: url(//evil.example/a.png)">x</p>'), "外面的文件"),
    "style sheet by instruction": (chapter("<p/>", "", '<?xml-stylesheet href="https://evil.example/a.css"?>'), "外面的文件"),
    "another base": (chapter("<p/>", '<base href="https://evil.example/"/>'), "外面的文件"),
    "off to elsewhere": (chapter("<p/>", '<meta http-equiv="refresh" content="0;url=https://evil.example/"/>'), "外面的文件"),
    "sound elsewhere": ({"OPS/book.opf": package("3.0", '<item id="x" href="http://evil.example/a.mp3"/>')}, "外面的文件"),
    "entities": (chapter("<p>&a;</p>", "", '<!DOCTYPE html [<!ENTITY a "x">]>'), "自带定义"),
    "entities from a file": (chapter("<p>&a;</p>", "", '<!DOCTYPE html [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), "自带定义"),
    "too deep": (chapter("<div>" * 5_000 + "</div>" * 5_000), "嵌套过深"),
    "not XHTML": ({"OPS/text/two.xhtml": "<html><body><p>没有完"}, "不是合格的 XHTML"),
    "not UTF-8": ({"OPS/text/two.xhtml": "<html><body>冬剪</body></html>".encode("gbk")}, "不是 UTF-8"),
    "a name that leads out": ({"../../etc/cron.d/x": "x"}, "指向外面的文件名"),
    "a name from the root": ({"/etc/passwd": "x"}, "指向外面的文件名"),
    "a name of Windows": ({"OPS\\..\\x": "x"}, "指向外面的文件名"),
    "spine that leads out": ({"OPS/book.opf": package("3.0").replace("text/two.xhtml", "../../../etc/passwd")}, "不在文件里"),
    "spine without a chapter": ({"OPS/book.opf": package("3.0").replace("text/two.xhtml", "text/three.xhtml")}, "不在文件里"),
    "no spine": ({"OPS/book.opf": "<package><manifest/></package>"}, "阅读顺序"),
    "no package": ({"META-INF/container.xml": "<container/>"}, "书目"),
    "locked": ({"META-INF/encryption.xml": locked(ADEPT)}, "DRM"),
    "locked by a licence": ({"META-INF/rights.xml": "<rights/>"}, "DRM"),
    "another kind": ({"mimetype": "application/zip"}, "mimetype"),
    "two kinds": ({"word/document.xml": "<x/>"}, "两种格式"),
}


@pytest.mark.parametrize(("change", "why"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_book_that_means_harm_or_is_broken_is_refused_by_name(change: Parts, why: str, tmp_path: Path) -> None:
    with pytest.raises(NotUsable, match=why):
        looked_at(parts() | change, tmp_path)


def test_a_zip_that_does_not_call_itself_a_book_is_none(tmp_path: Path) -> None:
    made = parts()
    del made["mimetype"]
    with pytest.raises(NotUsable, match="mimetype"):
        looked_at(made, tmp_path)


def test_obfuscated_fonts_are_no_lock_and_a_zip_password_is(tmp_path: Path) -> None:
    assert looked_at(parts() | {"META-INF/encryption.xml": locked("http://www.idpf.org/2008/embedding")}, tmp_path) == ".epub"
    content = bytearray(bound(parts()))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(mark, place + 4)
    target = tmp_path / "locked.epub"
    target.write_bytes(content)
    with pytest.raises(NotUsable, match="DRM"):
        pages.look(target)


def test_bombs_are_counted_while_they_unpack_and_texts_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotUsable, match="压缩炸弹"):
        looked_at(parts() | {"OPS/text/two.xhtml": page("<p>x</p>" + " " * books.LARGEST_CHAPTER)}, tmp_path)
    monkeypatch.setattr(books, "LARGEST_TEXT", 1_000)
    with pytest.raises(NotUsable, match="压缩炸弹"):
        looked_at(parts(), tmp_path)
    monkeypatch.setattr(pages, "LARGEST_UNPACKED", 1_000_000)
    with pytest.raises(NotUsable, match="解压后过大"):
        looked_at(parts() | {"OPS/images/b.bin": bytes(2_000_000)}, tmp_path)


def test_a_book_without_a_word_or_a_picture_says_so(tmp_path: Path) -> None:
    empty = {name: page("") for name in parts() if name.startswith("OPS/text/")}
    looked_at(parts() | empty, tmp_path)
    with pytest.raises(NotUsable, match="没有文字"):
        books.read(tmp_path / "book.epub", tmp_path)


def test_a_locked_book_is_kept_aside_and_its_author_told(cast: Cast, at: datetime, tmp_path: Path) -> None:
    item = new(cast, at, Kind.DOCUMENT)
    with pytest.raises(NotUsable):
        give(cast, item, bound(parts() | {"META-INF/encryption.xml": locked(ADEPT)}), "买的书.epub", tmp_path, at)
    item.refresh_from_db()
    assert "数字版权保护" in item.refusal
    assert item.state == State.DRAFT
