"""Playlists of items and the newest one that streams."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db.models import Exists, OuterRef

from yuanjiao.courseware.models import Courseware, Rendition, RenditionKind
from yuanjiao.courseware.queries.detail import released_item
from yuanjiao.courseware.queries.lists import released
from yuanjiao.courseware.rules import playlists
from yuanjiao.courseware.rules.profiles import BY_NAME, STREAMED
from yuanjiao.lib.errors import NotFound


def newest_playable(*, on: date) -> tuple[UUID, str] | None:
    """Uid and title of the newest released item that streams and stands in an open column; None while there is none."""
    streams = Rendition.objects.filter(courseware=OuterRef("pk"), kind=RenditionKind.VIDEO).exclude(playlist="")
    return released(on).filter(Exists(streams)).order_by("-released_at", "-uid").values_list("uid", "title").first()


def hls_master(uid: UUID, *, on: date) -> str:
    """The master playlist of a released item; media playlists are named beside it as `<profile>.m3u8`."""
    return master_of(released_item(uid, on=on))


def hls_media(uid: UUID, profile: str, *, on: date, blob_prefix: str = "/blobs/") -> str:
    """The media playlist of one rendition of a released item, its addresses under `blob_prefix`."""
    return media_of(released_item(uid, on=on), profile, blob_prefix=blob_prefix)


def master_of(row: Courseware) -> str:
    """The master playlist of an item the caller may see."""
    streams = [
        playlists.Stream(
            one.profile, one.kind, one.codecs, one.width, one.height, one.frame_rate, one.bitrate, one.peak_bitrate
        )
        for one in row.renditions.filter(profile__in=STREAMED).exclude(playlist="")
    ]  # fmt: skip
    if not streams:
        raise NotFound("这件课件还没有可以流式播放的版本")
    return playlists.master(streams)


def media_of(row: Courseware, profile: str, *, blob_prefix: str = "/blobs/") -> str:
    """The media playlist of one rendition of an item the caller may see."""
    found = row.renditions.exclude(playlist="").filter(profile=profile).first()
    if found is None:
        raise NotFound("没有这个版本")
    known = BY_NAME.get(profile)
    return playlists.media(found.playlist, blob_prefix + found.blob + (known.suffix if known else ""))
