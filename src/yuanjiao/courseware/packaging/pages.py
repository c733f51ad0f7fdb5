"""Documents as pages: what an uploaded PDF, PPTX, DOCX or EPUB is, its pages as pictures, and their words for search and reading aloud.

A PDF is rendered by pdfium without running anything that lies in it, and handed on as a new file that holds its pages and
nothing else. Office files, and the harmless text of a book (`books`), are first turned into a PDF by LibreOffice, where there is one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from django.conf import settings

from yuanjiao.courseware.models import Courseware, ItemPart, JobState, PartKind, RenditionJob
from yuanjiao.courseware.packaging import binding, books
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.flow.blobs import store

if TYPE_CHECKING:
    import pypdfium2
    from PIL import Image

MOST_PAGES = 500
LONG_SIDE = 1600
"""Pixels of a page's longer side: A4 at some 140 dots an inch, legible on a whiteboard."""
JPEG_QUALITY = 80
MOST_LETTERS = 20_000
LARGEST_PDF = 300_000_000
MOST_PARTS = 5_000
LARGEST_UNPACKED = 400_000_000
LARGEST_XML = 30_000_000
"""Bytes of one part that a reader holds in memory as a tree, some thirty times as large: thousands of pages."""
OFFICE_S = 240.0
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
RELATED = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}",
)
CLICKED = {"hyperlink", "hlinkClick", "hlinkHover", "hlinkMouseOver"}
SAVE_AS_PDF = "请在 WPS 或 Office 里“另存为 PDF”后上传"
_pdfium = threading.RLock()
"""pdfium knows one caller at a time: two requests that look at a PDF at once would end the whole process."""
OFFICE_MAIN = {"ppt/presentation.xml": ".pptx", "word/document.xml": ".docx"}


def look(path: Path) -> str:
    """What the document is: '.pdf', '.pptx', '.docx' or '.epub'. NotUsable, with the reason, for anything else or anything dangerous."""
    size = path.stat().st_size
    if size == 0:
        raise NotUsable("文件是空的（0 字节），请重新选择文件")
    with open(path, "rb") as stream:
        head = stream.read(1024)
        stream.seek(max(0, size - 70_000))
        tail = stream.read()
    if head.startswith(b"%PDF-"):
        _look_at_pdf(path, size, tail)
        return ".pdf"
    if head.startswith(b"PK\x03\x04"):
        suffix = _look_at_office(path)
        if office() is None:
            raise NotUsable(f"本机没有安装 LibreOffice，不能把 {suffix[1:].upper()} 变成页面；{SAVE_AS_PDF}")
        return suffix
    raise NotUsable(_what_it_is(head))


def _what_it_is(head: bytes) -> str:
    if head.startswith(OLE):
        return f"这是旧版 Office 文件，或设了打开密码；{SAVE_AS_PDF}"
    if b"%PDF-" in head:
        return "文件开头不是 PDF，里面却藏着 PDF：一个文件冒充两种格式，不予接收"
    if b"<svg" in head.lower() or b"<html" in head.lower() or b"<!doctype" in head.lower():
        return f"这是网页或矢量图，里面可以藏程序，不予接收；{SAVE_AS_PDF}"
    return "这不是 PDF、PPTX、DOCX 或 EPUB 文档：文件内容与扩展名不符，或文件已损坏"


def _look_at_pdf(path: Path, size: int, tail: bytes) -> None:
    if size > LARGEST_PDF:
        raise NotUsable(f"PDF 有 {size / 1e6:.0f} MB，超过 {LARGEST_PDF // 1_000_000} MB，请压缩图片后再上传")
    if b"PK\x05\x06" in tail and zipfile.is_zipfile(path):
        raise NotUsable("文件既是 PDF 又是压缩包：一个文件冒充两种格式，不予接收")
    if b"%%EOF" not in tail[-4096:]:
        raise NotUsable("PDF 不完整：没有结尾，可能没有传完，请重新导出后上传")
    with opened(path) as document:
        count = len(document)
    if not count:
        raise NotUsable("PDF 里一页也没有")
    if count > MOST_PAGES:
        raise NotUsable(f"PDF 有 {count} 页，超过 {MOST_PAGES} 页，请分册上传")


@contextmanager
def opened(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """The PDF, closed afterwards, for one thread at a time. NotUsable when it asks for a password or cannot be read."""
    with _pdfium:
        yield from _opened(path)


def _opened(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    import pypdfium2  # where it is needed: the server of pages rarely turns any

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise NotUsable("PDF 设了打开密码，请去掉密码后再上传") from None
        raise NotUsable("PDF 已损坏，读不出页面，请重新导出后上传") from None
    try:
        yield document
    finally:
        document.close()


# -- office files -----------------------------------------------------------------------------------------------------------


def look_at_word(content: bytes) -> None:
    """NotUsable, with the reason, unless the bytes are a harmless DOCX. LibreOffice is not asked for."""
    if not content.startswith(b"PK\x03\x04"):
        raise NotUsable(_what_it_is(content[:1024]) if content else "文件是空的（0 字节），请重新选择文件")
    if _look_at_office(BytesIO(content)) != ".docx":
        raise NotUsable("这不是 Word 文件（.docx）")


def _look_at_office(source: Path | BytesIO) -> str:
    try:
        with zipfile.ZipFile(source) as archive:
            return _look_inside(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ElementTree.ParseError, KeyError) as error:
        raise NotUsable(f"文档不完整或已损坏，请重新保存后再上传（{error}）") from None


def _look_inside(archive: zipfile.ZipFile) -> str:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    suffix = next((suffix for main, suffix in OFFICE_MAIN.items() if main in names), "")
    if books.is_book(archive):
        return _look_at_book(archive, suffix)
    if not suffix:
        raise NotUsable(
            "这是压缩包或表格，不是 PPTX、DOCX 或 EPUB 文档" if "xl/workbook.xml" in names else "这是压缩包，不是 PPTX、DOCX 或 EPUB 文档"
        )
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise NotUsable(f"文档里带有宏程序，不予接收；{SAVE_AS_PDF}")
    vast = any(part.file_size > LARGEST_XML for part in parts if part.filename.endswith((".xml", ".rels")))
    if vast or len(parts) > MOST_PARTS or _unpacked(archive) > LARGEST_UNPACKED:
        raise NotUsable(f"文档解压后过大，可能是“压缩炸弹”，不予接收；{SAVE_AS_PDF}")
    _refuse_outside(archive, names)
    return suffix


def _look_at_book(archive: zipfile.ZipFile, other: str) -> str:
    if other:
        raise NotUsable("文件既是 EPUB 又是 Office 文档：一个文件冒充两种格式，不予接收")
    if any(part.flag_bits & 1 for part in archive.infolist()):
        raise NotUsable(books.DRM)
    if len(archive.infolist()) > MOST_PARTS or _unpacked(archive) > LARGEST_UNPACKED:
        raise NotUsable("电子书解压后过大，可能是“压缩炸弹”，不予接收")
    books.look(archive)
    return ".epub"


def _unpacked(archive: zipfile.ZipFile) -> int:
    """Bytes of all parts, counted by unpacking them: what the directory says may be a lie. Stops once there is too much."""
    total = 0
    for part in archive.infolist():
        with archive.open(part) as stream:
            while chunk := stream.read(1 << 20):
                total += len(chunk)
                if total > LARGEST_UNPACKED:
                    return total
    return total


def _refuse_outside(archive: zipfile.ZipFile, names: set[str]) -> None:
    """Links a reader may click are harmless; anything that is fetched when the document is opened is not.

    What a relation calls itself is not believed: a "hyperlink" that a picture points to is fetched like a picture.
    """
    for name in sorted(name for name in names if name.endswith(".rels")):
        text = archive.read(name)
        if b"<!ENTITY" in text or b"<!DOCTYPE" in text:
            raise NotUsable("文档内部结构异常，不予接收")
        links: dict[str, str] = {}
        for relation in ElementTree.fromstring(text).iter(RELATION):
            if relation.get("TargetMode", "").strip().lower() == "external":
                links[relation.get("Id", "")] = relation.get("Target", "")
                if not relation.get("Type", "").endswith("/hyperlink"):
                    raise _fetches(relation.get("Target", ""))
        source = name.replace("_rels/", "").removesuffix(".rels")
        if links and source in names and (found := links.keys() & _fetched(archive, source)):
            raise _fetches(links[min(found)])


def _fetches(target: str) -> NotUsable:
    return NotUsable(f"文档引用了外面的文件（{target[:60]}），打开时会去取，不予接收；{SAVE_AS_PDF}")


def _fetched(archive: zipfile.ZipFile, part: str) -> set[str]:
    """The relations to which anything in a part points that is no link to be clicked."""
    found: set[str] = set()
    with archive.open(part) as stream:
        for _event, element in ElementTree.iterparse(stream):
            if element.tag.rpartition("}")[2] not in CLICKED:
                found |= {value for name, value in element.attrib.items() if name.startswith(RELATED)}
            element.clear()
    return found


def office() -> str | None:
    """The program that turns office files into PDF, if this machine has it."""
    return shutil.which("soffice") or shutil.which("libreoffice")


def as_pdf(path: Path, suffix: str, folder: Path) -> Path:
    """The office file as a PDF in `folder`. NotUsable when LibreOffice cannot, or takes too long."""
    program = office()
    if program is None:
        raise NotUsable(f"本机没有安装 LibreOffice，不能把 {suffix[1:].upper()} 变成页面；{SAVE_AS_PDF}")
    source = folder / f"document{suffix}"
    shutil.copyfile(path, source)
    command = [
        program, "--headless", "--norestore", "--nolockcheck", "--nodefault", f"-env:UserInstallation=file://{folder}/profile",
        "--convert-to", "pdf", "--outdir", str(folder / "out"), str(source),
    ]  # fmt: skip
    _run_to_its_end(command)
    result = folder / "out" / "document.pdf"
    if not result.is_file():
        raise NotUsable(f"LibreOffice 打不开这个文档；{SAVE_AS_PDF}")
    return result


def _run_to_its_end(command: list[str]) -> None:
    """Run the office program; whatever it started ends with it: `soffice` is a shell script round the program that does the work."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(OFFICE_S)
    except subprocess.TimeoutExpired:
        raise NotUsable(f"LibreOffice 转换超过 {OFFICE_S:.0f} 秒，文档可能太复杂；{SAVE_AS_PDF}") from None
    finally:
        with suppress(ProcessLookupError):  # the whole session has ended by itself, as it should
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


# -- pages ------------------------------------------------------------------------------------------------------------------


def make(courseware: Courseware, job: RenditionJob, original: Path, *, now: Callable[[], datetime]) -> None:
    """Make the pages that are still missing and the file to be saved; the job is done or failed afterwards.

    Killed at any page, the next run goes on behind the last one that was kept.
    """
    won = RenditionJob.objects.filter(pk=job.pk, state=JobState.WAITING).update(
        state=JobState.RUNNING, started_at=now(), beat_at=now(), reason="", attempts=job.attempts + 1
    )
    if not won:
        return
    rows = RenditionJob.objects.filter(pk=job.pk)
    try:
        _make(courseware, original, job.queued_at, lambda percent: rows.update(percent=percent, beat_at=now()))
    except NotUsable as error:
        rows.update(state=JobState.FAILED, reason=error.message[:300], finished_at=now(), beat_at=now())
    else:
        rows.update(state=JobState.DONE, percent=100, finished_at=now(), beat_at=now())
    finally:
        # still running here means that another error is on its way up (a stop, a full disk): the job waits for the next try
        rows.filter(state=JobState.RUNNING).update(state=JobState.WAITING)


def _make(courseware: Courseware, original: Path, asked_at: datetime, progress: Callable[[int], object]) -> None:
    suffix = look(original)
    work = Path(settings.MEDIA_ROOT) / "packaging"
    work.mkdir(parents=True, exist_ok=True)
    store.make_room(original.stat().st_size)
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name)
        text = books.read(original, folder) if suffix == ".epub" else None
        source = _pdf_of(original, suffix, folder, text)
        with opened(source) as document:
            count = len(document)
            if count > MOST_PAGES:
                raise NotUsable(f"文档有 {count} 页，超过 {MOST_PAGES} 页，请分册上传")
            have = set(courseware.parts.filter(kind=PartKind.PAGE).values_list("number", flat=True))
            for number in sorted(set(range(1, count + 1)) - have):
                _keep_page(courseware, document, number)
                progress(min(99, 100 * number // count))
            _keep_file(courseware, document, folder)
        if text:
            _keep_book(courseware, binding.bind(text, folder, title=courseware.title, uid=courseware.uid, at=asked_at))
        courseware.parts.filter(kind=PartKind.PAGE, number__gt=count).delete()


def _pdf_of(original: Path, suffix: str, folder: Path, text: books.Text | None) -> Path:
    if suffix == ".pdf":
        return original
    return as_pdf(books.as_page(text, folder), ".html", folder) if text else as_pdf(original, suffix, folder)


def _keep_page(courseware: Courseware, document: pypdfium2.PdfDocument, number: int) -> None:
    import pypdfium2

    try:
        page = document[number - 1]
        picture, text = _picture(page), page.get_textpage().get_text_range()
    except pypdfium2.PdfiumError:
        raise NotUsable(f"第 {number} 页读不出来，文档可能已损坏，请重新导出后上传") from None
    target = BytesIO()
    picture.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True)
    blob = store.put(target.getvalue(), media_type="image/jpeg")
    words = " ".join(text.replace("\x00", "").split())[:MOST_LETTERS]
    ItemPart.objects.update_or_create(
        courseware=courseware, kind=PartKind.PAGE, number=number,
        defaults={
            "blob": blob.sha256, "size_bytes": blob.size, "media_type": "image/jpeg",
            "width": picture.width, "height": picture.height, "text": words,
        },
    )  # fmt: skip


def _picture(page: pypdfium2.PdfPage) -> Image.Image:
    width, height = page.get_size()
    # a page may claim to be as large as a field, or as thin as a thread
    scale = LONG_SIDE / max(width, height, 1.0)
    if min(width, height) * scale < 8:
        raise NotUsable(f"页面尺寸 {width:.0f}×{height:.0f} 不正常，不能处理")
    picture: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil()
    return picture.convert("RGB")


def _keep_file(courseware: Courseware, document: pypdfium2.PdfDocument, folder: Path) -> None:
    """The pages as a file of their own: scripts, attachments and whatever else hung on the old one stay behind."""
    import pypdfium2

    clean = pypdfium2.PdfDocument.new()
    clean.import_pages(document)
    target = folder / "clean.pdf"
    clean.save(target)
    clean.close()
    blob = store.put(target, media_type="application/pdf")
    ItemPart.objects.update_or_create(
        courseware=courseware, kind=PartKind.FILE, number=1,
        defaults={"blob": blob.sha256, "size_bytes": blob.size, "media_type": "application/pdf"},
    )  # fmt: skip


def _keep_book(courseware: Courseware, bound: Path) -> None:
    """The text of the pages as a book beside them, for reading programs: bound anew, nothing of the file that was sent lies in it."""
    blob = store.put(bound, media_type=books.MIMETYPE)
    ItemPart.objects.update_or_create(
        courseware=courseware, kind=PartKind.FILE, number=2,
        defaults={"blob": blob.sha256, "size_bytes": blob.size, "media_type": books.MIMETYPE},
    )  # fmt: skip
