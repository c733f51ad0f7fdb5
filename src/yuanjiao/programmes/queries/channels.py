"""Channels: their days, what is on now and next, their playlists and their guide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from yuanjiao.courseware.queries import Streams, item_summaries, streams_of
from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.programmes.models import Airing, Channel
from yuanjiao.programmes.queries.scopes import shown_at
from yuanjiao.programmes.rules import guide, linear
from yuanjiao.programmes.rules.linear import Aired, Rung

SOUND = "hls-audio"


@dataclass(frozen=True)
class AiringNow:
    """One airing as faces show it; `available` is false when its item was withdrawn after the day was laid."""

    starts_at: datetime
    ends_at: datetime
    item: UUID
    title: str
    available: bool


@dataclass(frozen=True)
class ChannelNow:
    """One channel at a moment: what is on, what comes next. Either is None."""

    uid: UUID
    title: str
    unit_name: str
    now: AiringNow | None
    next: AiringNow | None


def open_channels(on: date) -> QuerySet[Channel]:
    """Channels not closed on a day, in order."""
    return Channel.objects.filter(Q(closed_on=None) | Q(closed_on__gt=on)).order_by("order", "pk")


def channels_now(*, at: datetime, path: str | None = None) -> list[ChannelNow]:
    """Channels shown at a place with what is on now and next."""
    rows = open_channels(local_day(at)).filter(shown_at("audience", path)).select_related("unit")
    return [_channel_now(row, at) for row in rows]


def channels_shown(*, on: date, path: str | None = None) -> list[Channel]:
    """The channels of a place on a day, without what is on: for pages that are kept."""
    return list(open_channels(on).filter(shown_at("audience", path)))


def _channel_now(row: Channel, at: datetime) -> ChannelNow:
    coming = _available(list(row.airings.filter(ends_at__gt=at).order_by("starts_at")[:6]))
    shown = [one for one in coming if one.available]
    now = next((one for one in shown if one.starts_at <= at), None)
    following = next((one for one in shown if one.starts_at > at), None)
    return ChannelNow(row.uid, row.title, row.unit.name, now, following)


def _available(rows: Sequence[Airing]) -> list[AiringNow]:
    streams = streams_of({row.item_uid for row in rows})
    return [AiringNow(row.starts_at, row.ends_at, row.item_uid, row.title, row.item_uid in streams) for row in rows]


def channel_by_uid(uid: UUID) -> Channel:
    row = Channel.objects.filter(uid=uid).select_related("unit__division").first()
    if row is None:
        raise NotFound("没有这个频道")
    return row


def channels_managed_by(by: Actor) -> QuerySet[Channel]:
    rows = Channel.objects.filter(within("unit__division__path", by.paths(Permission.MANAGE_COLUMNS)))
    return rows.select_related("unit__division").prefetch_related("blocks__items").order_by("order", "pk")


def airings_of(channel: Channel, day: date) -> list[Airing]:
    return list(channel.airings.filter(day=day).order_by("position"))


def items_on_air(first: date, last: date) -> set[UUID]:
    """What the laid days from `first` to `last`, both included, show on any channel of this machine."""
    return set(Airing.objects.filter(day__range=(first, last)).order_by().values_list("item_uid", flat=True).distinct())


def day_of(channel: Channel, day: date) -> list[AiringNow]:
    """A channel's day in order."""
    return _available(airings_of(channel, day))


# -- playlists --------------------------------------------------------------------------------------------------------------


def live_master(uid: UUID, *, at: datetime) -> str:
    """The master playlist of a channel: the heights of what is on today. NotFound on a day without anything."""
    rows = airings_of(channel_by_uid(uid), local_day(at))
    streams = streams_of({row.item_uid for row in rows})
    pictures: dict[str, list[Rung]] = {}
    sounds: list[Rung] = []
    for one in streams.values():
        sounds.append(_rung(one, SOUND))
        for profile in one.pictures:
            pictures.setdefault(profile, []).append(_rung(one, profile))
    if not sounds:
        raise NotFound("这个频道今天没有节目")
    return linear.master([_heaviest(several) for several in pictures.values()], _heaviest(sounds))


def _rung(one: Streams, profile: str) -> Rung:
    found = one.sound if profile == SOUND else one.pictures[profile]
    return Rung(profile, found.bitrate, found.peak_bitrate, found.codecs, found.width, found.height)


def _heaviest(several: Sequence[Rung]) -> Rung:
    heavy = max(several, key=lambda one: one.peak_bitrate)
    return Rung(
        heavy.profile,
        max(one.bitrate for one in several),
        heavy.peak_bitrate,
        heavy.codecs,
        max(one.width for one in several),
        max(one.height for one in several),
    )


def live_media(uid: UUID, profile: str, *, at: datetime) -> str:
    """The sliding playlist of one height, or of the sound, at a moment. NotFound while nothing is on the air."""
    day = local_day(at)
    rows = airings_of(channel_by_uid(uid), day)
    streams = streams_of({row.item_uid for row in rows})
    aired = [Aired(row.starts_at, _playlist(streams.get(row.item_uid), profile), row.segments) for row in rows]
    text = linear.live_playlist(aired, day=day, now=at)
    if not text:
        raise NotFound("这个频道现在没有节目")
    return text


def _playlist(one: Streams | None, profile: str) -> str:
    """The item's playlist in the height asked for, else the next lower it has, else its lowest."""
    if one is None:
        return ""
    if profile == SOUND:
        return one.sound.playlist
    order = sorted(one.pictures, key=lambda name: one.pictures[name].peak_bitrate)
    wanted = _height(profile)
    fitting = [name for name in order if _height(name) <= wanted]
    return one.pictures[fitting[-1] if fitting else order[0]].playlist


def _height(profile: str) -> int:
    digits = "".join(letter for letter in profile if letter.isdigit())
    return int(digits or 0)


# -- guide ------------------------------------------------------------------------------------------------------------------


def guide_of(channel: Channel, first: date, last: date) -> bytes:
    """The channel's XMLTV guide from a day to another, both included."""
    rows = list(channel.airings.filter(day__gte=first, day__lte=last).order_by("starts_at"))
    about = item_summaries({row.item_uid for row in rows})
    lines = [
        guide.Programme(row.starts_at.astimezone(CHINA), row.ends_at.astimezone(CHINA), row.title, *about.get(row.item_uid, ("", "")))
        for row in rows
    ]
    return guide.xmltv(channel=f"{channel.uid}.yuanjiao", name=channel.title, programmes=lines)
