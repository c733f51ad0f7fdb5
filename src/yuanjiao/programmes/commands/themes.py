"""Themes: opened with their end, changed, given a banner (DLV12)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from uuid import UUID

from django.db import transaction

from yuanjiao.courseware.queries import column_titles
from yuanjiao.flow.blobs import store
from yuanjiao.lib.errors import Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.rules import Level
from yuanjiao.programmes.models import Theme, ThemeColumn

BANNER_WIDTH = 1280
LARGEST_BANNER_BYTES = 8_000_000
MOST_PIXELS = 60_000_000
PICTURES = {"mjpeg", "png", "webp"}


@transaction.atomic
def open_theme(
    *,
    title: str,
    unit: OrgUnit,
    starts_on: date,
    ends_on: date,
    columns: Sequence[UUID],
    by: Actor,
    at: datetime,
    audience: str = "/",
    summary: str = "",
    order: int = 100,
) -> Theme:
    """Open a theme over columns, in their order. It needs an end: on that day it is gone from every terminal by itself."""
    by.require(Permission.MANAGE_COLUMNS, unit.division.path)
    _check(title, unit, starts_on, ends_on, audience, columns, by)
    row = Theme.objects.create(
        title=title.strip(), unit=unit, starts_on=starts_on, ends_on=ends_on, audience=audience, summary=summary.strip(), order=order
    )
    _set_columns(row, columns)
    write_audit(by=by, action="开设主题", subject=f"主题 {row.title}", at=at, detail=f"{starts_on} 至 {ends_on}")
    return row


@transaction.atomic
def change_theme(
    *,
    theme: Theme,
    title: str,
    starts_on: date,
    ends_on: date,
    columns: Sequence[UUID],
    audience: str,
    summary: str,
    order: int,
    by: Actor,
    at: datetime,
) -> None:
    """Change everything but the unit."""
    by.require(Permission.MANAGE_COLUMNS, theme.unit.division.path)
    _check(title, theme.unit, starts_on, ends_on, audience, columns, by)
    theme.title, theme.summary, theme.order, theme.audience = title.strip(), summary.strip(), order, audience
    theme.starts_on, theme.ends_on = starts_on, ends_on
    theme.save()
    _set_columns(theme, columns)
    write_audit(by=by, action="修改主题", subject=f"主题 {theme.title}", at=at, detail=f"{starts_on} 至 {ends_on}")


def _check(title: str, unit: OrgUnit, starts_on: date, ends_on: date, audience: str, columns: Sequence[UUID], by: Actor) -> None:
    if not title.strip():
        raise Refused("主题名称不能为空")
    if ends_on <= starts_on:
        raise Refused("结束日期应晚于开始日期；到结束那天主题自动下线")
    if audience != "/":
        by.require(Permission.MANAGE_COLUMNS, audience)
    elif unit.division.level > Level.CITY:
        raise Refused("县区、乡镇的主题只面向本地")
    if not columns or set(columns) - set(column_titles(columns)):
        raise Refused("请选择至少一个现有的栏目")


def _set_columns(theme: Theme, columns: Sequence[UUID]) -> None:
    theme.columns.all().delete()
    wanted = dict.fromkeys(columns)
    ThemeColumn.objects.bulk_create(ThemeColumn(theme=theme, position=number, column_uid=uid) for number, uid in enumerate(wanted, 1))


@transaction.atomic
def set_banner(*, theme: Theme, picture: bytes, by: Actor, at: datetime) -> None:
    """Give a theme a banner: any JPEG, PNG or WebP, decoded and written anew as a JPEG of at most 1280 pixels; empty takes it away."""
    by.require(Permission.MANAGE_COLUMNS, theme.unit.division.path)
    theme.banner = store.put(_jpeg(picture), media_type="image/jpeg").sha256 if picture else ""
    theme.save(update_fields=["banner"])
    write_audit(by=by, action="更换横幅", subject=f"主题 {theme.title}", at=at)


def _jpeg(picture: bytes) -> bytes:
    """The first frame as a baseline JPEG; what a file says of itself beside its pixels (place, camera) is not kept."""
    import av  # not loaded at every start

    if len(picture) > LARGEST_BANNER_BYTES:
        raise Refused(f"横幅图片超过 {LARGEST_BANNER_BYTES // 1_000_000} MB")
    _refuse_vast(picture)
    try:
        with av.open(io.BytesIO(picture), "r") as source:
            decoder = source.streams.video[0].codec_context if source.streams.video else None
            if decoder is None or decoder.name not in PICTURES:
                raise Refused("横幅须是 JPEG、PNG 或 WebP 图片")
            frame = next(source.decode(video=0))
    except (av.FFmpegError, StopIteration):
        raise Refused("这个文件不是能打开的图片") from None
    width = min(frame.width, BANNER_WIDTH) & ~1
    height = max(round(frame.height * width / frame.width), 2) & ~1
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1)
    encoder.options = {"q:v": "4"}
    shrunk = frame.reformat(width, height, "yuvj420p")
    shrunk.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(shrunk), *encoder.encode(None)])


def _refuse_vast(picture: bytes) -> None:
    """By the head of the file: a few bytes may claim a picture that no memory holds."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG", "WEBP")) as head:
            width, height = head.size
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        raise Refused("横幅须是能打开的 JPEG、PNG 或 WebP 图片，且不能过大") from None
    if width * height > MOST_PIXELS:
        raise Refused(f"横幅图片有 {width}×{height} 像素，太大了，请先缩小")
