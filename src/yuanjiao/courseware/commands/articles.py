"""Articles and pictures: written in plain marks, brought as a Word file, illustrated."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from yuanjiao.courseware.commands.items import require_own
from yuanjiao.courseware.models import Courseware, ItemPart, PartKind
from yuanjiao.courseware.packaging import pages, pictures
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.courseware.rules import articles
from yuanjiao.courseware.rules.kinds import CASE_PARTS, Kind
from yuanjiao.flow.blobs import store
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor

MOST_PICTURES = 60
LARGEST_WORD = 40_000_000
ILLUSTRATED = frozenset({Kind.ARTICLE, Kind.PICTURES})
CASE_TEMPLATE = "\n\n".join(f"## {part}\n" for part in CASE_PARTS)


@transaction.atomic
def write_article(*, courseware: Courseware, source: str, by: Actor, at: datetime) -> None:
    """Set the text of an article. Refused when it is empty, too long, or names a picture that is not there."""
    require_own(courseware, by)
    if courseware.kind != Kind.ARTICLE:
        raise Refused("只有图文课件有正文")
    text = source.replace("\r\n", "\n").strip()
    if not text:
        raise Refused("正文不能为空")
    if len(text) > articles.LONGEST_SOURCE:
        raise Refused(f"正文有 {len(text)} 字，超过 {articles.LONGEST_SOURCE} 字，请分成几篇")
    _set_body(courseware, text)
    write_audit(by=by, action="修改课件正文", subject=f"课件 {courseware.title}", at=at)


def _set_body(courseware: Courseware, source: str) -> None:
    shown = {part.number: (f"/blobs/{part.blob}.jpg", part.caption) for part in courseware.parts.filter(kind=PartKind.PICTURE)}
    missing = articles.missing_pictures(source, set(shown))
    if missing:
        raise Refused(f"正文里写了[图{missing[0]}]，但还没有上传这张图；请先上传图片，或去掉这个标记")
    courseware.body_source, courseware.body = source, articles.from_marks(source, shown)
    courseware.save(update_fields=["body_source", "body"])


@transaction.atomic
def add_picture(*, courseware: Courseware, content: bytes, by: Actor, at: datetime, caption: str = "") -> ItemPart:
    """Add one picture to an article or a set of pictures. NotUsable says why a file is no picture."""
    require_own(courseware, by)
    if courseware.kind not in ILLUSTRATED:
        raise Refused(f"“{courseware.get_kind_display()}”里不放图片")
    if courseware.parts.filter(kind=PartKind.PICTURE).count() >= MOST_PICTURES:
        raise Refused(f"一件课件最多 {MOST_PICTURES} 张图片")
    part = _keep_picture(courseware, content, caption.strip()[:200])
    write_audit(by=by, action="加上图片", subject=f"课件 {courseware.title}", at=at)
    return part


def _keep_picture(courseware: Courseware, content: bytes, caption: str) -> ItemPart:
    picture, width, height = pictures.cleaned(content)
    blob = store.put(picture, media_type="image/jpeg")
    last = courseware.parts.filter(kind=PartKind.PICTURE).aggregate(last=Max("number"))["last"] or 0
    return ItemPart.objects.create(
        courseware=courseware, kind=PartKind.PICTURE, number=last + 1, blob=blob.sha256, size_bytes=blob.size,
        media_type="image/jpeg", width=width, height=height, caption=caption,
    )  # fmt: skip


def set_picture_aside(*, courseware: Courseware, content: bytes, name: str, why: str, by: Actor, at: datetime) -> None:
    """Keep what was sent as a picture and is none; the item says why."""
    require_own(courseware, by)
    folder = Path(settings.MEDIA_ROOT) / "aside"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{courseware.uid}-{at:%Y%m%d%H%M%S%f}").write_bytes(content)
    with transaction.atomic():
        courseware.refusal = f"{name[:100]}：{why}"[:300]
        courseware.save(update_fields=["refusal"])
        write_audit(by=by, action="图片不可用", subject=f"课件 {courseware.title}", at=at, detail=courseware.refusal)


@transaction.atomic
def caption_picture(*, part: ItemPart, caption: str, by: Actor, at: datetime) -> None:
    """Say what a picture shows; an article that holds it is written anew."""
    require_own(part.courseware, by)
    part.caption = caption.strip()[:200]
    part.save(update_fields=["caption"])
    _rewrite(part.courseware)
    write_audit(by=by, action="修改图片说明", subject=f"课件 {part.courseware.title}", at=at)


@transaction.atomic
def remove_picture(*, part: ItemPart, by: Actor, at: datetime) -> None:
    """Take a picture out. Refused while the article names it."""
    require_own(part.courseware, by)
    if part.number in _named(part.courseware):
        raise Refused(f"正文里还有[图{part.number}]，请先从正文里去掉")
    deleted, _rows = ItemPart.objects.filter(pk=part.pk).delete()
    if not deleted:
        raise Conflict("这张图片已经去掉了")
    write_audit(by=by, action="去掉图片", subject=f"课件 {part.courseware.title}", at=at)


@transaction.atomic
def move_picture(*, part: ItemPart, steps: int, by: Actor, at: datetime) -> None:
    """Move a picture of a set up (negative) or down. The pictures of an article keep their numbers: the text names them."""
    require_own(part.courseware, by)
    if part.courseware.kind != Kind.PICTURES:
        raise Refused("图文里的图片按正文里的标记排列")
    rows = list(part.courseware.parts.filter(kind=PartKind.PICTURE).order_by("number"))
    here = next((place for place, row in enumerate(rows) if row.pk == part.pk), None)
    if here is None:
        raise NotFound("没有这张图片")
    rows.insert(max(0, min(len(rows) - 1, here + steps)), rows.pop(here))
    _renumber(rows)
    write_audit(by=by, action="调整图片顺序", subject=f"课件 {part.courseware.title}", at=at)


def _renumber(rows: Sequence[ItemPart]) -> None:
    """New numbers in two steps: no two pictures may have one number even for a moment."""
    for offset in (10_000, 0):
        for place, row in enumerate(rows, 1):
            ItemPart.objects.filter(pk=row.pk).update(number=place + offset)


def _named(courseware: Courseware) -> list[int]:
    return articles.missing_pictures(courseware.body_source, set())


def _rewrite(courseware: Courseware) -> None:
    if courseware.body_source:
        _set_body(courseware, courseware.body_source)


# -- Word -------------------------------------------------------------------------------------------------------------------


@transaction.atomic
def bring_word(*, courseware: Courseware, content: bytes, by: Actor, at: datetime) -> list[str]:
    """Take text and pictures of a DOCX as the article; returns what could not be taken, in words.

    NotUsable says why a file is refused. The plain marks of an article that came so are its HTML's text: writing it anew in
    the page replaces the whole.
    """
    require_own(courseware, by)
    if courseware.kind != Kind.ARTICLE:
        raise Refused("只有图文课件可以从 Word 带入正文")
    _look_at_word(content)
    import mammoth  # loaded by those who bring Word files, not by every start

    dropped: list[str] = []

    def keep(image: mammoth.documents.Image) -> dict[str, str]:
        try:
            if courseware.parts.filter(kind=PartKind.PICTURE).count() >= MOST_PICTURES:
                raise NotUsable(f"图片超过 {MOST_PICTURES} 张")
            with image.open() as stream:
                part = _keep_picture(courseware, stream.read(), (image.alt_text or "")[:200])
        except NotUsable as error:
            dropped.append(error.message)
            return {"src": ""}
        return {"src": f"/blobs/{part.blob}.jpg", "alt": part.caption}

    try:
        html = mammoth.convert_to_html(BytesIO(content), convert_image=mammoth.images.img_element(keep)).value
    except (KeyError, ValueError, zipfile.BadZipFile, zlib.error, AttributeError) as error:
        raise NotUsable(f"Word 文件读不出来，可能已损坏，请重新保存后再上传（{error}）") from None
    body = articles.clean(html.replace("<h1", "<h2").replace("</h1", "</h2"))
    if not articles.plain(body):
        raise NotUsable("Word 文件里没有文字；如果内容都是图片，请用“图集”或“文档”")
    # cut in the middle of a mark it would swallow what follows on the page: whatever is open is closed again
    courseware.body, courseware.body_source = articles.clean(body[: 4 * articles.LONGEST_SOURCE]), ""
    courseware.save(update_fields=["body", "body_source"])
    write_audit(by=by, action="从 Word 带入正文", subject=f"课件 {courseware.title}", at=at)
    return dropped


def _look_at_word(content: bytes) -> None:
    if len(content) > LARGEST_WORD:
        raise NotUsable(f"Word 文件超过 {LARGEST_WORD // 1_000_000} MB，请压缩图片后再上传")
    pages.look_at_word(content)
