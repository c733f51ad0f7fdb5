"""Items that are not films: articles, picture sets, documents as pages, links, talks; and files that are not what they say."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import lxml.html
import pypdfium2
import pytest
from django.test import Client
from PIL import Image, TiffImagePlugin

from yuanjiao.courseware import commands, queries, search, shelf
from yuanjiao.courseware.models import Column, Courseware, CoursewareClass, CoursewareSource, ItemPart
from yuanjiao.courseware.packaging import pages, pictures, work
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.courseware.rules import articles
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.lib.errors import Forbidden, Refused
from yuanjiao.simulation.cast import Cast

ON = date(2026, 3, 2)
LogIn = Callable[[str], Client]


def new(cast: Cast, at: datetime, kind: Kind, title: str = "春耕备耕要点", **details: Any) -> Courseware:
    return commands.create_courseware(
        title=title, kind=kind, item_class=CoursewareClass.SERVICE, source=CoursewareSource.OWN, by=cast.actor("zhizuo"), at=at, **details
    )


def on_air(cast: Cast, item: Courseware, column: Column, at: datetime) -> Courseware:
    """Through review and release by the usual three."""
    item.refresh_from_db()
    if item.state != State.IN_REVIEW:
        commands.submit_courseware(courseware=item, by=cast.actor("zhizuo"), at=at)
    commands.approve_courseware(courseware=item, by=cast.actor("shenhe"), at=at)
    commands.release_courseware(courseware=item, columns=[column], by=cast.actor("shiguan"), at=at)
    return item


def photo(size: tuple[int, int] = (400, 300), kind: str = "JPEG", **options: Any) -> bytes:
    target = BytesIO()
    Image.new("RGB", size, "green").save(target, kind, **options)
    return target.getvalue()


def pdf(count: int = 2, size: tuple[float, float] = (595, 842)) -> bytes:
    document, target = pypdfium2.PdfDocument.new(), BytesIO()
    for _number in range(count):
        document.new_page(*size)
    document.save(target)
    return target.getvalue()


def written_pdf(words: str) -> bytes:
    """One page that says `words` (Latin letters), by hand."""
    parts = [
        b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
    ]
    stream = f"BT /F 24 Tf 20 100 Td ({words}) Tj ET".encode()
    parts += [b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream), b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    out, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (table, len(out))


def give(cast: Cast, item: Courseware, content: bytes, name: str, folder: Path, at: datetime) -> Courseware:
    path = folder / "sent"
    path.write_bytes(content)
    return commands.take_original(courseware=item, path=path, filename=name, by=cast.actor("zhizuo"), at=at)


# -- articles ---------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("CW01")
def test_an_article_with_pictures_goes_from_writing_to_search_and_to_the_machines_below(cast: Cast, column: Column, at: datetime) -> None:
    item, author = new(cast, at, Kind.ARTICLE), cast.actor("zhizuo")
    part = commands.add_picture(courseware=item, content=photo(), caption="选种", by=author, at=at)
    commands.write_article(courseware=item, source="## 选种\n\n晒种**两天**，再用盐水选种。\n\n[图1]", by=author, at=at)
    on_air(cast, item, column, at)
    search.catch_up()
    assert [card.uid for card in queries.search_items("盐水选种", on=ON, limit=5).cards] == [item.uid]
    assert queries.search_items("盐水选种", on=ON, limit=5, kind="video").count == 0
    card = queries.released_items(on=ON, kind="article")[0]
    assert (card.kind_name, card.pages, card.poster) == ("图文", 1, part.blob)
    offer = shelf.offer(ALL)
    assert part.blob in {ref.sha256 for ref in offer.blobs}
    above = queries.item_detail(item.uid, on=ON)
    Column.objects.all().delete()
    Courseware.objects.all().delete()
    shelf.accept(offer.document)
    assert queries.item_detail(item.uid, on=ON) == above
    assert f'<img src="/blobs/{part.blob}.jpg" alt="选种">' in above.body
    shelf.accept(offer.document)
    assert queries.item_detail(item.uid, on=ON) == above


BAD_HTML = [
    "<script>steal()</script>", '<p onclick="steal()">x</p>', '<img src="https://evil.cn/a.jpg">', '<a href="javascript:steal()">x</a>',
    "<iframe src='//evil.cn'></iframe>", "<style>body{display:none}</style>", "<form action='//evil.cn'><input></form>",
    '<img src="/blobs/../../desk/logout/.jpg">', "<svg><a href='javascript:steal()'>x</a></svg>", '<p style="position:fixed">x</p>',
    '<img src="/blobs/' + "a" * 64 + '.jpg" onerror="steal()">', "<math><mtext><img src=x onerror=steal()></math>",
]  # fmt: skip


@pytest.mark.parametrize("html", BAD_HTML, ids=range(len(BAD_HTML)))
def test_nothing_that_runs_or_calls_home_stays_in_an_article(html: str) -> None:
    for cleaned in (articles.clean(html), articles.from_marks(html, {})):
        for element in lxml.html.fragment_fromstring(cleaned, create_parent="main").iterdescendants():
            assert element.tag in articles.TAGS
            assert set(element.attrib) <= {"href", "src", "alt", "rel", "colspan", "rowspan"}
            assert articles.OWN_PICTURE.fullmatch(element.get("src", "/blobs/" + "a" * 64 + ".jpg"))
            assert element.get("href", "https://").startswith(("http://", "https://"))


def test_an_article_without_text_or_with_a_picture_that_is_not_there_is_not_sent_to_review(cast: Cast, at: datetime) -> None:
    item, author = new(cast, at, Kind.ARTICLE), cast.actor("zhizuo")
    with pytest.raises(Refused, match="正文"):
        commands.submit_courseware(courseware=item, by=author, at=at)
    with pytest.raises(Refused, match=r"图3"):
        commands.write_article(courseware=item, source="看[图3]", by=author, at=at)
    commands.add_picture(courseware=item, content=photo(), by=author, at=at)
    commands.write_article(courseware=item, source="看[图1]", by=author, at=at)
    with pytest.raises(Refused, match="先从正文"):
        commands.remove_picture(part=item.parts.get(), by=author, at=at)


@pytest.mark.clause("CW23")
def test_a_teaching_case_has_all_four_parts_of_its_template_and_stands_in_the_case_library(cast: Cast, at: datetime, log_in: LogIn) -> None:
    new(cast, at, Kind.ARTICLE, "不是案例")
    item, author = new(cast, at, Kind.ARTICLE, is_case=True), cast.actor("zhizuo")
    commands.write_article(courseware=item, source="## 背景\n\n两个班\n\n## 做法\n\n投屏\n\n## 数据\n\n## 成效\n\n好", by=author, at=at)
    with pytest.raises(Refused, match="“数据”一节"):
        commands.submit_courseware(courseware=item, by=author, at=at)
    commands.write_article(courseware=item, source="## 背景\n\n甲\n\n## 做法\n\n乙\n\n##数据\n\n丙\n\n## 成效\n\n丁", by=author, at=at)
    commands.submit_courseware(courseware=item, by=author, at=at)
    for who, address in (("shenhe", "/courseware/library/"), ("zhizuo", "/courseware/")):
        listed = re.findall(r'href="/courseware/([0-9a-f-]{36})/"', log_in(who).get(address + "?nature=case").content.decode())
        assert listed == [str(item.uid)]
        assert "不是案例" in log_in(who).get(address + "?nature=unheard").content.decode()


def test_a_word_file_brings_its_text_and_pictures_and_macros_stay_out(cast: Cast, at: datetime) -> None:
    item, author = new(cast, at, Kind.ARTICLE), cast.actor("zhizuo")
    document, target = docx.Document(), BytesIO()
    document.add_heading("育秧", 1)
    document.add_paragraph("苗床要平。")
    document.add_picture(BytesIO(photo()))
    document.save(target)
    assert commands.bring_word(courseware=item, content=target.getvalue(), by=author, at=at) == []
    part = item.parts.get()
    assert "<h2>育秧</h2>" in item.body
    assert f'src="/blobs/{part.blob}.jpg"' in item.body
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"macro")
    with pytest.raises(NotUsable, match="宏"):
        commands.bring_word(courseware=item, content=target.getvalue(), by=author, at=at)


def test_a_word_file_that_is_too_long_is_cut_without_leaving_a_mark_open(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(articles, "LONGEST_SOURCE", 10)  # forty letters of HTML
    item = new(cast, at, Kind.ARTICLE)
    document, target = docx.Document(), BytesIO()
    document.add_heading("育" * 24, 1)
    document.add_heading("苗床要平", 1)
    document.save(target)
    commands.bring_word(courseware=item, content=target.getvalue(), by=cast.actor("zhizuo"), at=at)
    assert item.body.count("<h2>") == item.body.count("</h2>") > 0
    assert item.body == articles.clean(item.body)


def test_only_who_may_change_an_item_sets_a_wrong_picture_of_it_aside(cast: Cast, at: datetime) -> None:
    item = new(cast, at, Kind.ARTICLE)
    with pytest.raises(Forbidden):
        commands.set_picture_aside(courseware=item, content=b"x", name="a", why="b", by=cast.actor("shenhe"), at=at)


# -- pictures ---------------------------------------------------------------------------------------------------------------


def test_a_phone_photo_loses_the_place_it_was_taken_at_and_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif.get_ifd(0x8825)[2] = (TiffImagePlugin.IFDRational(38), TiffImagePlugin.IFDRational(39), TiffImagePlugin.IFDRational(0))
    sent = photo((4000, 3000), exif=exif)
    cleaned, width, height = pictures.cleaned(sent)
    assert (width, height) == (1200, 1600)
    with Image.open(BytesIO(cleaned)) as again:
        assert not again.getexif()
    assert len(cleaned) < len(sent)


BAD_PICTURES = [
    (b"", "0 字节"),
    (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>steal()</script></svg>", "矢量图"),
    (photo()[:200], "读不出来"),
    (b"GIF89a/*\x00*/=1;steal()", "读不出来"),
    (pdf(1), "读不出来"),
    (photo((8, 8)), "尺寸"),
    (photo((16000, 9000), "PNG"), "尺寸"),
]


@pytest.mark.parametrize(("content", "why"), BAD_PICTURES, ids=range(len(BAD_PICTURES)))
def test_what_is_no_picture_is_refused_by_name(content: bytes, why: str) -> None:
    with pytest.raises(NotUsable, match=why):
        pictures.cleaned(content)


def test_a_picture_that_is_also_an_archive_goes_on_as_a_picture_only() -> None:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as inside:
        inside.writestr("x.html", "<script>steal()</script>")
    cleaned, _width, _height = pictures.cleaned(photo() + archive.getvalue())
    assert b"PK\x03\x04" not in cleaned


def test_pictures_of_a_set_change_places_and_captions(cast: Cast, at: datetime) -> None:
    item, author = new(cast, at, Kind.PICTURES), cast.actor("zhizuo")
    for caption in ("一", "二", "三"):
        commands.add_picture(courseware=item, content=photo(), caption=caption, by=author, at=at)
    commands.move_picture(part=item.parts.get(caption="三"), steps=-2, by=author, at=at)
    commands.remove_picture(part=item.parts.get(caption="一"), by=author, at=at)
    commands.caption_picture(part=item.parts.get(caption="二"), caption="贰", by=author, at=at)
    assert [part.caption for part in queries.pictures_of(item)] == ["三", "贰"]


# -- documents --------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("CW01")
def test_a_pdf_becomes_pages_with_words_and_its_scripts_stay_behind(cast: Cast, column: Column, at: datetime, tmp_path: Path) -> None:
    item = give(cast, new(cast, at, Kind.DOCUMENT), written_pdf("ZHONGZI 2026"), "种子.pdf", tmp_path, at)
    assert item.state == State.PACKAGING
    work.package_item(item.uid, now=lambda: at)
    on_air(cast, item, column, at)
    detail = queries.item_detail(item.uid, on=ON)
    assert [(part.number, part.text) for part in detail.parts] == [(1, "ZHONGZI 2026")]
    assert max(detail.parts[0].width, detail.parts[0].height) == pages.LONG_SIDE
    assert detail.file is not None
    assert b"JavaScript" not in store.path(detail.file.blob).read_bytes()
    search.catch_up()
    assert queries.search_items("zhongzi", on=ON, limit=5).count == 1


def test_pages_that_were_made_before_a_crash_are_not_made_again(cast: Cast, at: datetime, tmp_path: Path) -> None:
    item = give(cast, new(cast, at, Kind.DOCUMENT), pdf(3), "a.pdf", tmp_path, at)
    first = ItemPart.objects.create(courseware=item, kind="page", number=1, blob="a" * 64, size_bytes=1, media_type="image/jpeg")
    work.package_item(item.uid, now=lambda: at)
    item.refresh_from_db()
    assert item.state == State.IN_REVIEW
    assert item.parts.filter(kind="page").count() == 3
    assert item.parts.get(kind="page", number=1).uid == first.uid


def office_file(**parts: bytes) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return target.getvalue()


OUTSIDE = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="x/image" Target="http://evil.cn/a.png" TargetMode="External"/></Relationships>'  # noqa: E501
SLIDES = office_file(ppt__presentation_dot_xml=b"<x/>")
BAD_DOCUMENTS = [
    (b"", "0 字节"),
    (pdf(2)[:-200], "不完整"),
    (b"%PDF-1.7\n" + b"rubbish " * 50 + b"\n%%EOF", "损坏"),
    (b"GIF89a" + pdf(1), "冒充"),
    (pdf(1) + office_file(a=b"x"), "冒充"),
    (pdf(501, (10, 10)), "501 页"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "藏程序"),
    (pages.OLE + b"\0" * 600, "旧版"),
    (office_file(xl__workbook_dot_xml=b"<x/>"), "表格"),
    (office_file(a=b"x"), "压缩包"),
    (office_file(word__document_dot_xml=b"<x/>", word__vbaProject_dot_bin=b"x"), "宏"),
    (office_file(word__document_dot_xml=b"<x/>", word___rels__document_dot_xml_dot_rels=OUTSIDE), "外面"),
    (SLIDES[: len(SLIDES) // 2], "损坏"),
    ("这是一封信。".encode() * 50, "不是 PDF"),
]


@pytest.mark.parametrize(("content", "why"), BAD_DOCUMENTS, ids=range(len(BAD_DOCUMENTS)))
def test_a_document_that_is_not_what_it_says_is_named_and_kept_aside(
    content: bytes, why: str, cast: Cast, at: datetime, tmp_path: Path, settings: Any
) -> None:
    item = new(cast, at, Kind.DOCUMENT)
    with pytest.raises(NotUsable, match=why):
        give(cast, item, content, "材料.pdf", tmp_path, at)
    item.refresh_from_db()
    assert item.state == State.DRAFT
    assert why in item.refusal
    kept = list((Path(settings.MEDIA_ROOT) / "aside").glob(f"{item.uid}-*"))
    assert [file.read_bytes() for file in kept] == [content]


def test_a_bomb_is_counted_while_it_unpacks_and_refused(tmp_path: Path) -> None:
    target = tmp_path / "bomb.docx"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<x/>")
        with archive.open("word/media/a.xml", "w") as part:
            for _number in range(pages.LARGEST_UNPACKED // 1_000_000 + 1):
                part.write(bytes(1_000_000))
    assert target.stat().st_size < 1_000_000
    with pytest.raises(NotUsable, match="压缩炸弹"):
        pages.look(target)


def test_a_machine_without_libreoffice_says_so_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    target = tmp_path / "a.docx"
    docx.Document().save(str(target))
    with pytest.raises(NotUsable, match=r"LibreOffice.*另存为 PDF"):
        pages.look(target)


@pytest.mark.skipif(pages.office() is None, reason="LibreOffice is not installed here")
def test_a_word_document_becomes_pages(cast: Cast, at: datetime, tmp_path: Path) -> None:
    document, target = docx.Document(), BytesIO()
    document.add_paragraph("Shuidao yuyang 2026")
    document.save(target)
    item = give(cast, new(cast, at, Kind.DOCUMENT), target.getvalue(), "育秧.docx", tmp_path, at)
    work.package_item(item.uid, now=lambda: at)
    item.refresh_from_db()
    assert item.state == State.IN_REVIEW, list(item.jobs.values_list("state", "reason"))
    assert "yuyang" in item.parts.get(kind="page").text


# -- links ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["", "ftp://a.cn/x", "javascript:steal()", "http://", "http://user@evil.cn/", "http://a b.cn", "//a.cn"]
)
def test_an_address_that_leads_nowhere_or_somewhere_else_is_refused(address: str, cast: Cast, at: datetime) -> None:
    with pytest.raises(Refused, match="网址"):
        new(cast, at, Kind.LINK, address=address)


def test_a_link_is_reviewed_and_released_like_everything_else(cast: Cast, column: Column, at: datetime) -> None:
    item = new(cast, at, Kind.LINK, address="https://www.12371.cn/")
    with pytest.raises(Refused, match="不用上传"):
        commands.begin_upload(courseware=item, filename="a.mp4", size_bytes=5, by=cast.actor("zhizuo"), at=at)
    on_air(cast, item, column, at)
    assert queries.item_detail(item.uid, on=ON).address == "https://www.12371.cn/"
