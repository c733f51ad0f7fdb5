"""The recording of a live programme is not lost: by what breaks off, by an ordinary edit, by a draft that is somebody else's (DLV11)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import imageio_ffmpeg
import pytest
from django.conf import settings
from django.test import Client

from tests.programmes.signals import decodes
from tests.programmes.test_live import LogIn, lay
from tests.programmes.test_live_signal import announced
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column, Courseware, CoursewareClass, CoursewareSource
from yuanjiao.courseware.packaging.probe import probe
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.models import Membership
from yuanjiao.people.rules import Role
from yuanjiao.programmes import commands
from yuanjiao.programmes.commands.onair import _look_after_disk, _off_air
from yuanjiao.programmes.models import LiveProgramme, LiveSignal
from yuanjiao.programmes.packaging import onair
from yuanjiao.programmes.rules import live as rules
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SIGNAL = "rtmp://live.example.cn/hall/key"


@pytest.fixture
def live(cast: Cast, at: datetime) -> LiveProgramme:
    """One hour from the tests' moment on, its recording meant for the producer of the city."""
    return announced(cast, at, SIGNAL)


@pytest.fixture
def shown(live: LiveProgramme, films: dict[str, Path]) -> LiveProgramme:
    """What was shown lies there: one real segment."""
    lay(live.uid, 1, range(1))
    target = onair.home(live.uid) / "1" / "picture-000000.ts"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", str(films["long"]), "-t", "6", "-c", "copy", str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    commands.keep_live(at=live.ends_at)
    return live


def stands() -> LiveSignal:
    return LiveSignal.objects.get()


def aged(uid: UUID, run: int, modified: float) -> None:
    """Every segment of a run, as old as that."""
    for path in (onair.home(uid) / str(run)).glob("*.ts"):
        os.utime(path, (modified, modified))


def second_producer(cast: Cast) -> UUID:
    Membership.objects.create(person=cast.people["shenhe"], unit=cast.units["ZZ-9901"], role=Role.PRODUCER, valid_from="2026-01-01")
    return cast.people["shenhe"].uid


# -- what breaks off --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["kill -9 $$", "kill -2 $$", "exit 255", "exit 228"])
def test_a_joining_that_was_broken_off_is_tried_again(
    shown: LiveProgramme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, request: pytest.FixtureRequest
) -> None:
    was = signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests may have it ignored, and a child inherits that
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, was))
    real, broken = imageio_ffmpeg.get_ffmpeg_exe(), tmp_path / "ffmpeg"
    broken.write_text(f"#!/bin/sh\n{end}\n")
    broken.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(broken))
    assert commands.make_recordings(at=shown.ends_at) == 0
    assert stands().recording == "wanted"
    assert "打断" in stands().recording_words
    commands.keep_live(at=shown.ends_at + HOUR)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: real)
    assert commands.make_recordings(at=shown.ends_at + HOUR) == 1
    assert Courseware.objects.get().state == State.PACKAGING


def test_a_recording_that_failed_is_kept_some_days_and_may_be_tried_again_by_hand(
    shown: LiveProgramme, cast: Cast, films: dict[str, Path], log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = onair.home(shown.uid) / "1" / "picture-000000.ts"
    good = segment.read_bytes()
    segment.write_bytes(b"no film")
    commands.make_recordings(at=shown.ends_at)
    assert stands().recording == "failed"
    assert not Courseware.objects.exists(), "no empty draft either"
    commands.keep_live(at=shown.ends_at + HOUR)
    segment.write_bytes(good)
    monkeypatch.setattr(clock, "now", lambda: shown.ends_at + HOUR)
    officer = log_in("shiguan")
    assert "转交并重试" in officer.get(f"/programmes/lives/{shown.uid}/").content.decode()
    officer.post(f"/programmes/lives/{shown.uid}/act/", {"hand": str(cast.people["zhizuo"].uid)})
    assert commands.make_recordings(at=shown.ends_at + HOUR) == 1
    with pytest.raises(Conflict):
        commands.hand_recording(live=shown, recorder=cast.people["zhizuo"].uid, by=cast.actor("shiguan"), at=shown.ends_at + HOUR)
    LiveSignal.objects.update(recording="failed")
    commands.keep_live(at=shown.ends_at + timedelta(days=6))
    assert segment.exists()
    commands.keep_live(at=shown.ends_at + timedelta(days=8))
    assert stands().cleared
    assert not segment.exists()


def test_a_disk_that_answers_with_an_error_is_told_and_tried_again(shown: LiveProgramme) -> None:
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "incoming").write_text("a file where a folder should be")
    assert commands.make_recordings(at=shown.ends_at) == 0
    assert "读写文件出错" in stands().recording_words
    assert (stands().recording, stands().due_at, stands().runner) == ("wanted", shown.ends_at + MINUTE, None)
    (folder / "incoming").unlink()
    assert commands.make_recordings(at=shown.ends_at + MINUTE) == 1


# -- an ordinary edit -------------------------------------------------------------------------------------------------------


def test_saving_the_page_loses_neither_a_recorder_who_has_left_nor_a_column_that_is_closed(
    live: LiveProgramme, cast: Cast, column: Column, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at + MINUTE)
    LiveProgramme.objects.update(column_uid=column.uid)
    Column.objects.update(visible_from=at.date() - timedelta(days=9), visible_to=at.date() - timedelta(days=2))
    Membership.objects.filter(person=cast.people["zhizuo"]).update(valid_to=at.date() - timedelta(days=1))
    cast.accounts["zhizuo"].is_active = False
    cast.accounts["zhizuo"].save()
    officer, address, recorder = log_in("shiguan"), f"/programmes/lives/{live.uid}/", cast.people["zhizuo"].uid
    page = officer.get(address).content.decode()
    for chosen in (recorder, column.uid):
        assert f'<option value="{chosen}" selected>' in page
    sent = {"lead": "", "signal": "", "starts_at": "2026-03-02T16:00", "ends_at": "2026-03-02T17:30", "column": str(column.uid)}
    assert officer.post(address, {**sent, "title": "改名", "recorder": str(recorder)}).status_code == 302
    live.refresh_from_db()
    assert (live.title, live.column_uid) == ("改名", column.uid)
    assert (stands().recorder_uid, stands().recording) == (recorder, "wanted")
    with pytest.raises(Refused):
        commands.change_live(
            live=live, title="改", lead="", starts_at=at, ends_at=live.ends_at, recorder=uuid4(), by=cast.actor("shiguan"), at=at
        )


def test_who_wants_no_recording_any_more_may_think_again_while_it_is_on(live: LiveProgramme, cast: Cast, at: datetime) -> None:
    lay(live.uid, 1, range(20))
    aged(live.uid, 1, 1e9)
    words: dict[str, Any] = {"live": live, "title": live.title, "lead": "", "starts_at": at, "ends_at": live.ends_at}
    commands.change_live(**words, recorder=None, by=cast.actor("shiguan"), at=at + MINUTE)
    lay(live.uid, 2, range(40))
    aged(live.uid, 2, 1e9 + 500)
    (onair.home(live.uid) / "2" / "picture-000039.ts").touch()
    _look_after_disk(stands())
    assert [path.parent.name for path in onair.recording(live.uid, None)] == ["1"] * 20 + ["2"] * 12, "the last are in the playlist"
    commands.change_live(**words, recorder=cast.people["zhizuo"].uid, by=cast.actor("shiguan"), at=at + 2 * MINUTE)
    assert (stands().recording, stands().last_run, stands().last_segment) == ("wanted", None, None)


# -- whose draft ------------------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_no_empty_draft(shown: LiveProgramme, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    assert commands.make_recordings(at=shown.ends_at) == 0
    assert "磁盘空间不足" in stands().recording_words
    assert not Courseware.objects.exists()


def begun(live: LiveProgramme, cast: Cast, at: datetime, **values: Any) -> Courseware:
    """A draft of the first producer to whom the recording was meant to go."""
    kinds = {"item_class": CoursewareClass.EDUCATION, "source": CoursewareSource.OWN, "kind": Kind.VIDEO}
    item = courseware.create_courseware(title=live.title, summary="", by=cast.actor("zhizuo"), at=at, **kinds)
    Courseware.objects.filter(pk=item.pk).update(**values)
    LiveProgramme.objects.filter(pk=live.pk).update(item_uid=item.uid)
    return item


def test_the_draft_of_another_producer_is_left_to_them_and_a_new_one_is_made(shown: LiveProgramme, cast: Cast) -> None:
    old = begun(shown, cast, shown.ends_at)
    second = second_producer(cast)
    commands.hand_recording(live=shown, recorder=second, by=cast.actor("shiguan"), at=shown.ends_at)
    assert commands.make_recordings(at=shown.ends_at) == 1
    shown.refresh_from_db()
    assert shown.item_uid != old.uid
    assert Courseware.objects.get(uid=shown.item_uid).author == cast.people["shenhe"]


def test_what_its_producer_put_into_the_draft_is_not_taken_for_the_recording(shown: LiveProgramme, cast: Cast) -> None:
    old = begun(shown, cast, shown.ends_at, state=State.PACKAGING, original_name="自己的片子.mp4")
    assert commands.make_recordings(at=shown.ends_at) == 1
    shown.refresh_from_db()
    assert shown.item_uid != old.uid
    assert Courseware.objects.get(uid=shown.item_uid).original_name.startswith("直播录像20260302")


def test_a_film_that_was_taken_before_the_process_died_is_not_taken_twice(shown: LiveProgramme) -> None:
    assert commands.make_recordings(at=shown.ends_at) == 1
    LiveSignal.objects.update(recording="wanted")
    assert commands.make_recordings(at=shown.ends_at) == 1
    assert Courseware.objects.count() == 1
    assert stands().recording == "taken"


# -- on the disk ------------------------------------------------------------------------------------------------------------


def test_after_an_outage_every_segment_of_the_playlist_is_there(at: datetime) -> None:
    uid = uuid4()
    for rendition in ("picture", "sound"):
        lay(uid, 1, range(20), rendition)
        lay(uid, 2, range(3), rendition, '{"seconds": 40.0, "segments": {"picture": 20, "sound": 20}, "runs": {"picture": 1, "sound": 1}}')
    aged(uid, 1, 1e9)
    aged(uid, 2, 1e9 + 600)
    onair.clear_passed(uid, recording=False, mark=None)
    for rendition in ("picture", "sound"):
        named = [line for line in onair.playlist(uid, rendition, over=False).splitlines() if line.endswith(".ts")]
        assert len(named) == 12
        for line in named:
            onair.segment(uid, int(line.partition("/")[0]), line.partition("/")[2])
    assert not (onair.home(uid) / "1" / "picture-000010.ts").exists()


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"sec'])
def test_where_the_count_of_a_run_cannot_be_read_it_is_worked_out_again(torn: str) -> None:
    uid = uuid4()
    lay(uid, 1, range(30))
    lay(uid, 2, range(5), before='{"seconds": 60.0, "segments": {"picture": 30}, "runs": {"picture": 1}}')
    lay(uid, 3, range(2), before=torn)
    text = onair.playlist(uid, "picture", over=False)
    assert "#EXT-X-MEDIA-SEQUENCE:25\n" in text
    lay(uid, 1, range(30), before=torn)
    lay(uid, 4, range(20), before=torn)
    assert "#EXT-X-MEDIA-SEQUENCE:45\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n" in onair.playlist(uid, "picture", over=False)


def test_a_run_whose_folder_was_being_laid_when_the_machine_went_down_does_not_count(at: datetime) -> None:
    uid = uuid4()
    (onair.home(uid) / "1.new").mkdir(parents=True)
    assert onair.run_numbers(uid) == []
    keeper = onair.Keeper()
    keeper.start(uid, 1, "http://127.0.0.1:9/x", at)
    keeper.drop(uid)
    assert json.loads((onair.home(uid) / "1" / "before.json").read_text())["seconds"] == 0.0


# -- pictures that come and go ----------------------------------------------------------------------------------------------


def encoded(uid: UUID, run: int, film: Path, **streams: bool) -> None:
    """A run as the encoder makes it, of a film on this machine instead of a signal."""
    offset_s = 4.0 * (run - 1)
    told = rules.encoder_arguments("udp://239.1.1.1:5000", offset_s=offset_s, **streams)
    told[told.index("-protocol_whitelist") + 1] = "file"
    told[told.index("-i") + 1] = str(film)
    folder = onair.home(uid) / str(run)
    folder.mkdir(parents=True)
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-t", "4", *told], cwd=folder, check=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(("order", "seconds", "left_out"), [("pspp", 16, False), ("spp", 8, True), ("ss", 8, False)])
def test_the_sound_of_runs_without_pictures_is_kept_and_joined(
    films: dict[str, Path], tmp_path: Path, order: str, seconds: int, left_out: bool
) -> None:
    """The first run of a film says what it has; p is one with pictures and sound, s one with sound alone."""
    uid, film = uuid4(), tmp_path / "film.mp4"
    for run, one in enumerate(order, 1):
        encoded(uid, run, films["long"], pictures=one == "p")
        aged(uid, run, 1e9 + 500 * run)
    onair.clear_passed(uid, recording=True, mark=None)
    onair.put_together(uid, None, film)
    assert decodes(film) == ""
    found = probe(film, sound_only="p" not in order)
    assert found.duration_s == pytest.approx(seconds, abs=0.3)
    assert found.has_audio
    assert bool(found.width) == ("p" in order)
    assert onair.left_out(uid, None) == left_out
    assert sound_s(film) == pytest.approx(seconds, abs=0.3)


def sound_s(film: Path) -> float:
    """Seconds of sound that can be heard."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(film), "-map", "0:a", "-ac", "1", "-ar", "8000", "-f", "u8", "-"]
    return len(subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout) / 8000


# -- leases -----------------------------------------------------------------------------------------------------------------


def test_a_process_that_ends_in_order_leaves_its_programmes_to_others_at_once(live: LiveProgramme, at: datetime) -> None:
    one, other = onair.Keeper(), onair.Keeper()
    assert commands.keep_live(at=at, keeper=one) == 1
    assert commands.keep_live(at=at, keeper=other) == 0
    commands.leave_live(keeper=other)
    assert stands().runner == one.me, "what another holds is not given back"
    process = one.airs[live.uid].process
    commands.leave_live(keeper=one)
    assert process.poll() is not None
    assert commands.keep_live(at=at, keeper=other) == 1
    commands.leave_live(keeper=other)


def test_who_copies_a_recording_holds_it_as_long_as_it_takes_and_no_longer(
    shown: LiveProgramme, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, seconds = onair.Keeper(), onair.Keeper(), iter(range(0, 10**6, 600))
    put_together, seen = onair.put_together, []

    def slowly(uid: UUID, mark: onair.Mark, target: Path, still: Any) -> None:
        """Each look at the clock is ten minutes later; another process comes by at each."""
        for _ in range(4):
            still()
            seen.append(commands.make_recordings(at=shown.ends_at + timedelta(seconds=600 * (len(seen) + 1)), keeper=other))
        put_together(uid, mark, target)

    monkeypatch.setattr(onair, "put_together", slowly)
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    assert commands.make_recordings(at=shown.ends_at, keeper=one) == 1
    assert seen == [0, 0, 0, 0]
    assert stands().runner is None


# -- smaller ----------------------------------------------------------------------------------------------------------------


def test_a_programme_made_longer_in_the_last_moment_does_not_end(live: LiveProgramme) -> None:
    row = LiveSignal.objects.select_related("programme").get()
    LiveProgramme.objects.update(ends_at=live.ends_at + HOUR)
    _off_air(row, live.ends_at, onair.Keeper())
    live.refresh_from_db()
    assert live.ended_at is None
    assert stands().state != "over"


def test_on_a_machine_below_nothing_is_changed_ended_or_cancelled(live: LiveProgramme, cast: Cast, at: datetime, client: Client) -> None:
    Node.objects.filter(is_self=True).update(kind="edge")
    who: dict[str, Any] = {"live": live, "by": cast.actor("shiguan")}
    with pytest.raises(Refused, match="上级"):
        commands.change_live(title="改", lead="", starts_at=at, ends_at=live.ends_at, at=at, **who)
    with pytest.raises(Refused, match="上级"):
        commands.cancel_live(at=at - MINUTE, **who)
    with pytest.raises(Refused, match="上级"):
        commands.end_live(at=at + MINUTE, **who)
