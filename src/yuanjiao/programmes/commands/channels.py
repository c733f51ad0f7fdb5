"""Channels: their blocks, and the laying of days (DLV10, DLV11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from yuanjiao.courseware.queries import column_titles, placed_items, streams_of
from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.rules import Level
from yuanjiao.programmes.models import Airing, Block, BlockItem, Channel
from yuanjiao.programmes.queries.channels import open_channels
from yuanjiao.programmes.rules import linear
from yuanjiao.programmes.rules.laying import Laid, Playable, Slot, falls_on, lay, overlapping

DAYS_AHEAD = 7
"""A guide is laid so far ahead: a television station prints it, and an edge that is cut off for a week goes on."""
DAYS_KEPT = 7


@transaction.atomic
def open_channel(*, title: str, unit: OrgUnit, by: Actor, at: datetime, audience: str = "/", order: int = 100) -> Channel:
    """Open a channel without blocks."""
    by.require(Permission.MANAGE_COLUMNS, unit.division.path)
    if not title.strip():
        raise Refused("频道名称不能为空")
    if audience != "/":
        by.require(Permission.MANAGE_COLUMNS, audience)
    elif unit.division.level > Level.CITY:
        raise Refused("县区、乡镇的频道只面向本地")
    try:
        with transaction.atomic():
            row = Channel.objects.create(title=title.strip(), unit=unit, audience=audience, order=order)
    except IntegrityError:
        raise Conflict(f"{unit.name} 已有名为“{title.strip()}”的频道") from None
    write_audit(by=by, action="开设频道", subject=f"频道 {row.title}", at=at)
    return row


@transaction.atomic
def close_channel(*, channel: Channel, by: Actor, at: datetime) -> None:
    """The channel is not shown any more from today; its past days stay."""
    by.require(Permission.MANAGE_COLUMNS, channel.unit.division.path)
    if channel.closed_on is not None:
        raise Conflict("频道已经停播")
    channel.closed_on = local_day(at)
    channel.save(update_fields=["closed_on"])
    channel.airings.filter(starts_at__gt=at).delete()
    write_audit(by=by, action="停播频道", subject=f"频道 {channel.title}", at=at)


@transaction.atomic
def add_block(
    *,
    channel: Channel,
    weekdays: str,
    begins: time,
    ends: time,
    by: Actor,
    at: datetime,
    column: UUID | None = None,
    items: Sequence[UUID] = (),
    loop: bool = True,
) -> Block:
    """Add a block that shows a column in its order, or items of its own. It takes effect on days not laid yet, or by `relay_days`.

    Refused when it meets another block of the channel on some weekday, or when an item cannot be streamed with sound.
    """
    by.require(Permission.MANAGE_COLUMNS, channel.unit.division.path)
    _check_block(channel, weekdays, begins, ends, column, items)
    row = Block.objects.create(channel=channel, weekdays="".join(sorted(weekdays)), begins=begins, ends=ends, column_uid=column, loop=loop)
    BlockItem.objects.bulk_create(BlockItem(block=row, position=number, item_uid=uid) for number, uid in enumerate(items, 1))
    write_audit(by=by, action="增加时段", subject=f"频道 {channel.title}", at=at, detail=str(row))
    return row


def _check_block(channel: Channel, weekdays: str, begins: time, ends: time, column: UUID | None, items: Sequence[UUID]) -> None:
    if not weekdays or set(weekdays) - set("1234567") or len(set(weekdays)) < len(weekdays):
        raise Refused("请选择星期")
    if ends <= begins:
        raise Refused("结束时间应晚于开始时间；跨夜的请分成两段")
    if (column is None) == (not items):
        raise Refused("请选一个栏目，或者列出课件，二者选一")
    if column is not None and not column_titles([column]):
        raise Refused("没有这个栏目")
    playable = streams_of(items)
    if missing := [uid for uid in items if uid not in playable]:
        raise Refused(f"有 {len(missing)} 件课件没有发布，或没有带声音的流式版本，不能上频道")
    spans = [(row.weekdays, f"{row.begins:%H:%M}", f"{row.ends:%H:%M}") for row in channel.blocks.all()]
    if overlapping([*spans, (weekdays, f"{begins:%H:%M}", f"{ends:%H:%M}")]):
        raise Refused("与已有时段重叠")


@transaction.atomic
def drop_block(*, block: Block, by: Actor, at: datetime) -> None:
    by.require(Permission.MANAGE_COLUMNS, block.channel.unit.division.path)
    write_audit(by=by, action="撤销时段", subject=f"频道 {block.channel.title}", at=at, detail=str(block))
    block.delete()


@transaction.atomic
def relay_days(*, channel: Channel, by: Actor, at: datetime) -> int:
    """Lay the days from tomorrow on again, after blocks or columns changed; today stays. Returns the airings."""
    by.require(Permission.MANAGE_COLUMNS, channel.unit.division.path)
    today = local_day(at)
    channel.airings.filter(day__gt=today).delete()
    count = sum(_lay_day(channel, today + timedelta(days=number)) for number in range(1, DAYS_AHEAD + 1))
    if not channel.airings.filter(day=today).exists():
        count += _lay_day(channel, today)
    write_audit(by=by, action="重排节目单", subject=f"频道 {channel.title}", at=at, detail=f"{count} 个节目")
    return count


@transaction.atomic
def lay_days(*, at: datetime) -> int:
    """Lay every day of every channel that is not laid yet, up to a week ahead; forget days long past. Returns the airings laid.

    Below the centre this fills days only that never came down: a machine that is cut off for longer than a week.
    """
    today = local_day(at)
    Airing.objects.filter(day__lt=today - timedelta(days=DAYS_KEPT)).delete()
    count = 0
    for channel in open_channels(today):
        laid = set(channel.airings.filter(day__gte=today).values_list("day", flat=True).distinct())
        wanted = [today + timedelta(days=number) for number in range(DAYS_AHEAD + 1)]
        count += sum(_lay_day(channel, day) for day in wanted if day not in laid)
    return count


def _lay_day(channel: Channel, day: date) -> int:
    blocks = [block for block in channel.blocks.prefetch_related("items") if falls_on(block.weekdays, day)]
    airings = lay([_slot(block, day) for block in blocks])
    Airing.objects.bulk_create([_airing(channel, day, number, one) for number, one in enumerate(airings)], batch_size=500)
    return len(airings)


def _slot(block: Block, day: date) -> Slot:
    wanted = placed_items(block.column_uid) if block.column_uid else [row.item_uid for row in block.items.all()]
    streams = streams_of(wanted)
    items = tuple(_playable(uid, streams[uid]) for uid in wanted if uid in streams)
    begins, ends = (datetime.combine(day, moment, tzinfo=CHINA) for moment in (block.begins, block.ends))
    return Slot(begins, ends, items, block.loop)


def _playable(uid: UUID, streams: object) -> Playable:
    pictures = streams.pictures  # type: ignore[attr-defined]
    segments = [linear.segments_of(one.playlist) for one in pictures.values()]
    longest = max(sum(part.duration_s for part in parts) for parts in segments)
    return Playable(uid, streams.title, longest, max(len(parts) for parts in segments))  # type: ignore[attr-defined]


def _airing(channel: Channel, day: date, number: int, one: Laid) -> Airing:
    return Airing(
        channel=channel, day=day, position=number, starts_at=one.starts_at, ends_at=one.ends_at,
        item_uid=one.item.uid, title=one.item.title, segments=one.item.segments,
    )  # fmt: skip
