"""A real signal on the air: taken in, lost, taken in again, ended, and then an item like any other (DLV11)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from tests.programmes.signals import HEARD, SHOWN, Turns, decodes, sender
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column, Courseware
from yuanjiao.courseware.packaging.work import original_path, package_item
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.blobs import store
from yuanjiao.lib import clock
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.models import LiveProgramme, LiveSignal
from yuanjiao.programmes.packaging import onair
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def turns(at: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Turns]:
    made = Turns(at)
    monkeypatch.setattr(clock, "now", made.now)
    yield made
    made.close()


def announced(cast: Cast, at: datetime, signal: str, **more: Any) -> LiveProgramme:
    recorder = cast.people["zhizuo"].uid
    values = {
        "title": "春耕现场会",
        "unit": cast.units["ZZ-9901"],
        "starts_at": at,
        "ends_at": at + timedelta(hours=1),
        "recorder": recorder,
    }
    return commands.announce_live(**{**values, "signal": signal, "by": cast.actor("shiguan"), "at": at, **more})


def segments(client: Client, live: LiveProgramme, rendition: str = "picture") -> list[str]:
    """The segments the playlist names; nothing is asked for before there are any, for the log's sake."""
    if not (onair.home(live.uid) / f"{rendition}.m3u8").exists():
        return []
    return re.findall(r"(?m)^[^#].*$", client.get(f"/onair/{live.uid}/{rendition}.m3u8").content.decode())


@pytest.mark.clause("DLV11")
def test_one_item_is_live_and_then_on_demand(turns: Turns, cast: Cast, column: Column, at: datetime, client: Client) -> None:
    with sender() as address:
        live = announced(cast, at, address, column=column.uid)
        turns.until(lambda: len(segments(client, live)) >= 2)
        assert queries.live_now(live.uid, at=turns.now()).on_air
        playlist = client.get(f"/onair/{live.uid}/picture.m3u8")
        assert "#EXT-X-ENDLIST" not in playlist.content.decode()
        assert playlist["Cache-Control"] == "no-store"
        master = client.get(f"/onair/{live.uid}/master.m3u8").content.decode()
        assert "picture.m3u8" in master
        assert "sound.m3u8" in master
        first = client.get(f"/onair/{live.uid}/{segments(client, live)[0]}")
        assert (first.content[:1], first["Content-Type"]) == (b"\x47", "video/mp2t")
        assert "immutable" in first["Cache-Control"]
        assert client.get(f"/onair/{live.uid}/{segments(client, live, 'sound')[0]}").content[:1] == b"\x47"
    # the sender is gone
    turns.until(lambda: LiveSignal.objects.get().state == "lost")
    assert "信号中断，正在恢复" in client.get(f"/lives/{live.uid}/").content.decode()
    seen = len(segments(client, live))
    with sender(urlsplit(address).port or 0):
        turns.until(lambda: LiveSignal.objects.get().state == "on_air" and len(segments(client, live)) >= seen + 2)
        text = client.get(f"/onair/{live.uid}/picture.m3u8").content.decode()
        assert text.count("#EXT-X-DISCONTINUITY\n") == 1
        commands.end_live(live=live, by=cast.actor("shiguan"), at=turns.now())
        turns.until(lambda: LiveSignal.objects.get().state == "over")
    assert client.get(f"/onair/{live.uid}/picture.m3u8").content.decode().endswith("#EXT-X-ENDLIST\n")
    # the recording goes the way of every item
    assert commands.make_recordings(at=turns.now(), keeper=turns.keeper) == 1
    assert commands.make_recordings(at=turns.now(), keeper=turns.keeper) == 0
    item = Courseware.objects.get()
    assert (item.title, item.author, item.state) == ("春耕现场会", cast.people["zhizuo"], State.PACKAGING)
    assert "农技课堂" in item.original_name
    assert decodes(original_path(item.uid)) == ""
    package_item(item.uid, now=turns.now)
    item.refresh_from_db()
    assert item.state == State.IN_REVIEW
    courseware.approve_courseware(courseware=item, by=cast.actor("shenhe"), at=turns.now())
    assert queries.live_now(live.uid, at=turns.now()).item is None, "not before it is released"
    courseware.release_courseware(courseware=item, columns=[column], by=cast.actor("shiguan"), at=turns.now())
    assert queries.live_now(live.uid, at=turns.now()).item == item.uid
    assert f"/items/{item.uid}/" in client.get(f"/lives/{live.uid}/").content.decode()
    assert decodes(store.path(item.renditions.get(profile="box-sd").blob)) == ""
    # what lay there for players is gone after a while
    turns.ahead = timedelta(minutes=11)
    turns.until(lambda: LiveSignal.objects.get().cleared)
    assert not onair.home(live.uid).exists()
    assert client.get(f"/onair/{live.uid}/picture.m3u8").status_code == 404


def test_a_recording_that_is_damaged_at_its_end_comes_out_as_far_as_it_goes(turns: Turns, cast: Cast, at: datetime, client: Client) -> None:
    with sender() as address:
        live = announced(cast, at, address)
        turns.until(lambda: len(segments(client, live)) >= 3)
        turns.close()  # the machine went down
    last = sorted(onair.home(live.uid).glob("1/picture-*.ts"))[-1]
    last.write_bytes(last.read_bytes()[: last.stat().st_size // 2 - 77])
    turns.ahead = timedelta(hours=1)
    turns.until(lambda: LiveSignal.objects.get().state == "over")
    turns.ahead += timedelta(minutes=1)
    assert commands.make_recordings(at=turns.now(), keeper=turns.keeper) == 1
    item = Courseware.objects.get()
    assert item.duration_s > 3.5
    assert item.state == State.PACKAGING


@pytest.mark.parametrize(("inputs", "there", "missing"), [(SHOWN, "picture", "sound"), (HEARD, "sound", "picture")])
def test_a_signal_without_sound_or_without_pictures_is_taken_in_as_it_is(
    turns: Turns, cast: Cast, at: datetime, client: Client, inputs: tuple[str, ...], there: str, missing: str
) -> None:
    with sender(inputs=inputs) as address:
        live = announced(cast, at, address)
        turns.until(lambda: bool(segments(client, live, there)))
    assert segments(client, live, there)
    assert not segments(client, live, missing)
    assert f"{missing}.m3u8" not in client.get(f"/onair/{live.uid}/master.m3u8").content.decode()


def test_of_two_processes_one_keeps_the_signal_and_the_other_takes_over_when_it_is_gone(
    turns: Turns, cast: Cast, at: datetime, client: Client
) -> None:
    with sender() as address:
        live = announced(cast, at, address)
        turns.until(lambda: bool(turns.keeper.airs))
        other = onair.Keeper()
        assert commands.keep_live(at=turns.now(), keeper=other) == 0
        turns.until(lambda: bool(segments(client, live)))
        turns.close()
        later = turns.now() + timedelta(seconds=30)
        assert commands.keep_live(at=later, keeper=other) == 1
        assert commands.keep_live(at=later, keeper=turns.keeper) == 0
        other.drop(live.uid)
    assert onair.run_numbers(live.uid) == [1, 2]


def test_a_full_disk_stops_the_recording_first_and_then_the_stream(
    turns: Turns, cast: Cast, at: datetime, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk(free_bytes: int) -> None:
        usage = type(shutil.disk_usage("/"))(2 * free_bytes, free_bytes, free_bytes)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    with sender() as address:
        live = announced(cast, at, address)
        turns.until(lambda: bool(segments(client, live)))
        disk(settings.MIN_FREE_BYTES + 100 * 2**20)
        turns.until(lambda: LiveSignal.objects.get().recording == "stopped")
        signal = LiveSignal.objects.get()
        assert "磁盘空间不足" in signal.recording_words
        assert signal.state == "on_air"
        kept = list(onair.recording(live.uid, (signal.last_run or 0, signal.last_segment or 0)))
        turns.until(lambda: len(list(onair.recording(live.uid, None))) > len(kept))
        assert list(onair.recording(live.uid, (signal.last_run or 0, signal.last_segment or 0))) == kept
        disk(settings.MIN_FREE_BYTES)
        turns.until(lambda: LiveSignal.objects.get().state == "full")
        assert not turns.keeper.airs
        assert "磁盘已满" in client.get(f"/lives/{live.uid}/").content.decode()
        commands.end_live(live=live, by=cast.actor("shiguan"), at=turns.now())
        turns.until(lambda: LiveSignal.objects.get().state == "over")
        assert commands.make_recordings(at=turns.now(), keeper=turns.keeper) == 0
        assert "磁盘空间不足" in LiveSignal.objects.get().recording_words
        disk(2**40)
        assert commands.make_recordings(at=turns.now() + timedelta(minutes=2), keeper=turns.keeper) == 1
    assert "录像提前停止" in LiveSignal.objects.get().recording_words


def test_segments_that_nobody_asks_for_any_more_are_removed_and_the_recording_stays(tmp_path: Path, at: datetime) -> None:
    uid = uuid4()
    folder = onair.home(uid) / "1"
    folder.mkdir(parents=True)
    for rendition in ("picture", "sound"):
        lines = ["#EXTM3U"]
        for number in range(100):
            path = folder / f"{rendition}-{number:06d}.ts"
            path.write_bytes(b"x")
            os.utime(path, (1e9 + 2 * number, 1e9 + 2 * number))
            lines += ["#EXTINF:2.000000,", path.name]
        (folder / f"{rendition}.m3u8").write_text("\n".join(lines) + "\n")
    onair.clear_passed(uid, recording=True, mark=None)
    assert len(list(folder.glob("picture-*.ts"))) == 100
    assert len(list(folder.glob("sound-*.ts"))) == 46
    onair.clear_passed(uid, recording=True, mark=(1, 9))
    assert sorted(path.name for path in folder.glob("picture-*.ts"))[:11] == [f"picture-{n:06d}.ts" for n in [*range(10), 54]]
    for line in onair.playlist(uid, "picture", over=False).splitlines():
        assert line.startswith("#") or onair.segment(uid, 1, line.partition("/")[2]).read_bytes() == b"x"
