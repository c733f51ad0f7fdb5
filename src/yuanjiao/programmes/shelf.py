"""Themes, urgent notices, channels and announced live programmes go down: what is for everybody in the document of all, the rest
to the scopes it touches.

Days of channels come whole: a day in the document replaces the day held here; days it does not name stay (laid here when nothing
came for a week).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Q

from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.places.queries import unit_by_code
from yuanjiao.programmes.models import Airing, Block, BlockItem, Channel, LiveProgramme, Notice, Theme, ThemeColumn

name = "programmes"


class ThemeRow(msgspec.Struct, frozen=True):
    """One theme; its columns by uid, in order."""

    uid: UUID
    title: str
    summary: str
    unit: str
    audience: str
    starts_on: date
    ends_on: date
    order: int
    banner: str
    columns: tuple[UUID, ...]


class NoticeRow(msgspec.Struct, frozen=True):
    """One urgent notice."""

    uid: UUID
    title: str
    body: str
    unit: str
    document: str
    scope: str
    starts_at: datetime
    ends_at: datetime
    recalled_at: datetime | None


class BlockRow(msgspec.Struct, frozen=True):
    """One block with the items it names itself."""

    uid: UUID
    weekdays: str
    begins: time
    ends: time
    column_uid: UUID | None
    loop: bool
    items: tuple[UUID, ...]


class AiringRow(msgspec.Struct, frozen=True):
    """One airing; its place in the list of its day is its position."""

    starts_at: datetime
    ends_at: datetime
    item_uid: UUID
    title: str
    segments: int


class DayRow(msgspec.Struct, frozen=True):
    """One laid day of a channel."""

    day: date
    airings: tuple[AiringRow, ...]


class ChannelRow(msgspec.Struct, frozen=True):
    """One channel with its blocks and its laid days."""

    uid: UUID
    title: str
    unit: str
    audience: str
    order: int
    closed_on: date | None
    blocks: tuple[BlockRow, ...]
    days: tuple[DayRow, ...]


class LiveRow(msgspec.Struct, frozen=True):
    """One announced live programme. Its signal stays where it is taken in."""

    uid: UUID
    title: str
    lead: str
    unit: str
    audience: str
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    cancelled_at: datetime | None
    column_uid: UUID | None
    item_uid: UUID | None
    address: str


class Programmes(msgspec.Struct, frozen=True):
    """The document of this shelf for one scope."""

    scope: str
    themes: tuple[ThemeRow, ...]
    notices: tuple[NoticeRow, ...]
    channels: tuple[ChannelRow, ...]
    lives: tuple[LiveRow, ...] = ()


def _of(scope: str, field: str) -> Q:
    """Rows of a document: for everybody in that of all; in a subtree's those for it, for a place inside or around it."""
    if scope == ALL:
        return Q(**{field: "/"})
    above = [scope[: n + 1] for n, letter in enumerate(scope) if letter == "/" and n > 0]
    return (Q(**{f"{field}__startswith": scope}) | Q(**{f"{field}__in": above})) & ~Q(**{field: "/"})


# -- offer ------------------------------------------------------------------------------------------------------------------


def offer(scope: str) -> Offer:
    """The rows of the scope, and the banners of its themes."""
    themes = Theme.objects.filter(_of(scope, "audience")).select_related("unit").prefetch_related("columns").order_by("uid")
    notices = Notice.objects.filter(_of(scope, "scope")).select_related("unit").order_by("uid")
    channels = Channel.objects.filter(_of(scope, "audience")).select_related("unit").order_by("uid")
    lives = LiveProgramme.objects.filter(_of(scope, "audience")).select_related("unit").order_by("uid")
    document = Programmes(
        scope,
        tuple(_theme_row(row) for row in themes),
        tuple(_notice_row(row) for row in notices),
        tuple(_channel_row(row) for row in channels.prefetch_related("blocks__items", "airings")),
        tuple(LiveRow(row.uid, unit=row.unit.code, **_told(row, LiveRow, "uid", "unit")) for row in lives),
    )
    blobs = {store.ref(row.banner) for row in document.themes if row.banner and store.has(row.banner)}
    return Offer(document=to_document(document), blobs=tuple(sorted(blobs)))


def _told(row: object, shape: type[msgspec.Struct], *without: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in shape.__struct_fields__ if name not in without}


def _theme_row(row: Theme) -> ThemeRow:
    columns = tuple(one.column_uid for one in row.columns.all())
    return ThemeRow(
        row.uid, row.title, row.summary, row.unit.code, row.audience, row.starts_on, row.ends_on, row.order, row.banner, columns
    )  # fmt: skip


def _notice_row(row: Notice) -> NoticeRow:
    return NoticeRow(
        row.uid, row.title, row.body, row.unit.code, row.document, row.scope, row.starts_at, row.ends_at, row.recalled_at
    )  # fmt: skip


def _channel_row(row: Channel) -> ChannelRow:
    days: dict[date, list[AiringRow]] = {}
    for one in row.airings.all():
        days.setdefault(one.day, []).append(AiringRow(one.starts_at, one.ends_at, one.item_uid, one.title, one.segments))
    return ChannelRow(
        uid=row.uid,
        title=row.title,
        unit=row.unit.code,
        audience=row.audience,
        order=row.order,
        closed_on=row.closed_on,
        blocks=tuple(_block_row(one) for one in sorted(row.blocks.all(), key=lambda block: block.uid)),
        days=tuple(DayRow(day, tuple(airings)) for day, airings in sorted(days.items())),
    )


def _block_row(row: Block) -> BlockRow:
    items = tuple(one.item_uid for one in row.items.all())
    return BlockRow(row.uid, row.weekdays, row.begins, row.ends, row.column_uid, row.loop, items)


# -- accept -----------------------------------------------------------------------------------------------------------------


def accept(document: bytes, missing: Collection[str] = ()) -> None:
    """Make the themes, notices, channels and live programmes of the document's scope equal to it; a theme does without its banner."""
    rows = from_document(document, Programmes)
    _drop(Theme, "audience", rows.scope, [one.uid for one in rows.themes])
    _drop(Notice, "scope", rows.scope, [one.uid for one in rows.notices])
    _drop(Channel, "audience", rows.scope, [one.uid for one in rows.channels])
    _drop(LiveProgramme, "audience", rows.scope, [one.uid for one in rows.lives])
    for theme in rows.themes:
        _accept_theme(theme, missing)
    for notice in rows.notices:
        Notice.objects.update_or_create(uid=notice.uid, defaults={**_plain(notice, "unit"), "unit": unit_by_code(notice.unit)})
    for live in rows.lives:
        LiveProgramme.objects.update_or_create(uid=live.uid, defaults={**_plain(live, "unit"), "unit": unit_by_code(live.unit)})
    for channel in rows.channels:
        _accept_channel(channel)


def _drop(model: type[Theme] | type[Notice] | type[Channel] | type[LiveProgramme], field: str, scope: str, kept: Iterable[UUID]) -> None:
    """What the document does not name any more; the other document's rows are not ours to touch."""
    held = model.objects.filter(**{field: "/"}) if scope == ALL else model.objects.exclude(**{field: "/"})
    held.exclude(uid__in=list(kept)).delete()


def _plain(row: msgspec.Struct, *without: str) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in {"uid", *without}}


def _accept_theme(row: ThemeRow, missing: Collection[str]) -> None:
    banner = "" if row.banner in missing else row.banner
    values = {**_plain(row, "unit", "columns"), "unit": unit_by_code(row.unit), "banner": banner}
    theme, _made = Theme.objects.update_or_create(uid=row.uid, defaults=values)
    theme.columns.all().delete()
    ThemeColumn.objects.bulk_create(ThemeColumn(theme=theme, position=number, column_uid=uid) for number, uid in enumerate(row.columns, 1))


def _accept_channel(row: ChannelRow) -> None:
    values = {**_plain(row, "unit", "blocks", "days"), "unit": unit_by_code(row.unit)}
    channel, _made = Channel.objects.update_or_create(uid=row.uid, defaults=values)
    channel.blocks.exclude(uid__in=[one.uid for one in row.blocks]).delete()
    for one in row.blocks:
        block, _made = Block.objects.update_or_create(uid=one.uid, defaults={**_plain(one, "items"), "channel": channel})
        block.items.all().delete()
        BlockItem.objects.bulk_create(BlockItem(block=block, position=number, item_uid=uid) for number, uid in enumerate(one.items, 1))
    channel.airings.filter(day__in=[one.day for one in row.days]).delete()
    Airing.objects.bulk_create(
        [
            Airing(channel=channel, day=day.day, position=number, **_plain(airing))
            for day in row.days
            for number, airing in enumerate(day.airings)
        ],
        batch_size=500,
    )
