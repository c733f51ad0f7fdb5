"""Channels on real films: a day laid from a column, what is on now, playlists, guide, the days that go down."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.programmes.conftest import Publish
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.programmes import commands, queries, shelf
from yuanjiao.programmes.models import Airing, Channel
from yuanjiao.simulation.cast import Cast


@pytest.mark.clause("DLV11")
def test_a_column_goes_round_in_its_block_and_now_and_next_are_known(channel: Channel, publish: Publish, at: datetime) -> None:
    publish("甲", "long")
    publish("乙", "small")
    assert commands.lay_days(at=at) > 8 * 30
    assert commands.lay_days(at=at) == 0
    (shown,) = queries.channels_now(at=at)
    assert shown.now is not None
    assert shown.next is not None
    assert {shown.now.title, shown.next.title} == {"甲", "乙"}
    assert shown.now.ends_at == shown.next.starts_at
    assert queries.channels_now(at=at + timedelta(hours=1))[0].now is None
    assert queries.channels_now(at=at + timedelta(hours=1))[0].next is not None


def test_a_day_stands_once_laid_and_is_laid_anew_only_from_tomorrow(channel: Channel, publish: Publish, cast: Cast, at: datetime) -> None:
    publish("甲", "long")
    commands.lay_days(at=at)
    publish("乙", "small")
    today = local_day(at)
    before = list(Airing.objects.filter(day=today).values_list("title", "starts_at"))
    commands.lay_days(at=at)
    commands.relay_days(channel=channel, by=cast.actor("shiguan"), at=at)
    assert list(Airing.objects.filter(day=today).values_list("title", "starts_at")) == before
    assert set(Airing.objects.filter(day=today + timedelta(days=1)).values_list("title", flat=True)) == {"甲", "乙"}


@pytest.mark.clause("DLV10")
def test_the_playlists_of_a_channel_are_a_window_into_its_films(channel: Channel, publish: Publish, at: datetime, client: object) -> None:
    publish("甲", "long")
    publish("乙", "small")
    commands.lay_days(at=at)
    master = queries.live_master(channel.uid, at=at)
    assert 'URI="hls-audio.m3u8"' in master
    assert "hls-240.m3u8" in master
    pictures = queries.live_media(channel.uid, "hls-240", at=at)
    sound = queries.live_media(channel.uid, "hls-audio", at=at)
    assert "#EXT-X-DISCONTINUITY\n" in pictures
    assert "#EXT-X-ENDLIST" not in pictures
    assert "{blob}" not in pictures
    for line in ("#EXT-X-DISCONTINUITY-SEQUENCE",):
        assert [one for one in pictures.splitlines() if one.startswith(line)] == [one for one in sound.splitlines() if one.startswith(line)]
    with pytest.raises(NotFound):
        queries.live_media(channel.uid, "hls-240", at=at + timedelta(hours=2))
    with pytest.raises(NotFound):
        queries.live_master(channel.uid, at=at + timedelta(days=30))


def test_an_item_withdrawn_after_the_day_was_laid_is_not_on_the_air(channel: Channel, publish: Publish, cast: Cast, at: datetime) -> None:
    publish("甲", "long")
    gone = publish("乙", "small")
    commands.lay_days(at=at)
    courseware.withdraw_courseware(courseware=gone, reason="有误", by=cast.actor("shiguan"), at=at)
    (shown,) = queries.channels_now(at=at)
    assert "乙" not in {one.title for one in (shown.now, shown.next) if one}
    assert {one.title for one in queries.day_of(channel, local_day(at)) if not one.available} == {"乙"}


def test_blocks_are_checked(channel: Channel, publish: Publish, column: Column, cast: Cast, at: datetime) -> None:
    by = cast.actor("shiguan")
    said: dict[str, Any] = {"channel": channel, "weekdays": "1", "by": by, "at": at}
    with pytest.raises(Refused, match="重叠"):
        commands.add_block(**said, begins=time(16, 0), ends=time(17, 0), column=column.uid)
    with pytest.raises(Refused, match="二者选一"):
        commands.add_block(**said, begins=time(18, 0), ends=time(19, 0))
    with pytest.raises(Refused, match="跨夜"):
        commands.add_block(**said, begins=time(23, 0), ends=time(1, 0), column=column.uid)
    with pytest.raises(Refused, match="不能上频道"):
        commands.add_block(**said, begins=time(18, 0), ends=time(19, 0), items=[column.uid])
    own = commands.add_block(**said, begins=time(18, 0), ends=time(19, 0), items=[publish("一").uid], loop=False)
    assert commands.relay_days(channel=channel, by=by, at=at) > 0
    assert Airing.objects.filter(starts_at__hour=18).count() >= 1
    commands.drop_block(block=own, by=by, at=at)
    with pytest.raises(Conflict):
        commands.open_channel(title="远教频道", unit=cast.units["ZZ-9901"], by=by, at=at)
    with pytest.raises(NotFound):
        commands.drop_block(block=channel.blocks.get(), by=cast.actor("xianguan"), at=at)


@pytest.mark.clause("DLV10")
def test_the_guide_lists_the_week_in_xmltv(channel: Channel, publish: Publish, at: datetime) -> None:
    publish("甲", "long", summary="疏枝")
    commands.lay_days(at=at)
    today = local_day(at)
    root = ET.fromstring(queries.guide_of(channel, today, today + timedelta(days=6)))
    lines = root.findall("programme")
    assert len(lines) == Airing.objects.filter(day__lte=today + timedelta(days=6)).count()
    assert lines[0].get("start") == "20260302155000 +0800"
    assert lines[0].findtext("desc") == "疏枝"
    assert all(one.get("channel") == root.find("channel").get("id") for one in lines)  # type: ignore[union-attr]


def test_channels_and_their_days_go_down_whole_and_days_laid_below_stay(channel: Channel, publish: Publish, at: datetime) -> None:
    publish("甲", "long")
    commands.lay_days(at=at)
    offer = shelf.offer(ALL)
    assert shelf.offer(ALL) == offer
    rows = list(Airing.objects.values_list("day", "position", "starts_at", "item_uid"))
    Channel.objects.all().delete()
    shelf.accept(offer.document)
    assert list(Airing.objects.values_list("day", "position", "starts_at", "item_uid")) == rows
    late = at + timedelta(days=9)
    assert commands.lay_days(at=late) > 0, "cut off for longer than a week, a machine lays its days itself"
    kept = Airing.objects.count()
    shelf.accept(offer.document)
    assert Airing.objects.count() >= kept


def test_the_televisions_first_page_leads_to_the_channels_only_where_there_are_any(channel: Channel, cast: Cast, at: datetime) -> None:
    page = Client().get("/tv/").content.decode()
    assert 'href="/tv/channels/" id="i2" accesskey="2"' in page, "the second tile, its digit 2"
    commands.close_channel(channel=channel, by=cast.actor("shiguan"), at=at)
    assert "/tv/channels/" not in Client().get("/tv/").content.decode()


def test_a_form_proposes_the_persons_own_unit_first(cast: Cast, log_in: Callable[[str], Client]) -> None:
    page = log_in("shiguan").get("/programmes/channels/new/").content.decode()
    assert page.index('value="ZZ-9901"') < page.index('value="DX-9901"')
