"""Playlists and what the faces may ask: masters with the right codecs, sound alone, captions; sizes before playing; search."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from django.test import Client

from tests.courseware.conftest import publish
from yuanjiao.courseware import queries
from yuanjiao.courseware.models import Column, Courseware
from yuanjiao.courseware.packaging import recipe
from yuanjiao.courseware.packaging.recipe import Loudness, Original, batches
from yuanjiao.courseware.rules import playlists
from yuanjiao.courseware.rules.profiles import BY_NAME, PROFILES, applicable, encoding_key
from yuanjiao.simulation.cast import Cast

ON = date(2026, 3, 2)
LogIn = Callable[[str], Client]


def stream(profile: str, kind: str, peak: int = 300_000, codecs: str = "avc1.4d4015") -> playlists.Stream:
    return playlists.Stream(profile, kind, codecs, 320, 240, 25.0, peak // 2, peak)


def test_a_master_lists_pictures_from_light_to_heavy_then_sound_alone() -> None:
    text = playlists.master(
        [
            stream("hls-480", "video", 900_000, "avc1.4d401f"),
            stream("hls-audio", "audio", 100_000, "mp4a.40.2"),
            stream("hls-audio-low", "audio", 50_000, "mp4a.40.2"),
            stream("hls-240", "video"),
            stream("captions", "captions", 0, ""),
        ]
    )
    variants = ["hls-240.m3u8", "hls-480.m3u8", "hls-audio-low.m3u8", "hls-audio.m3u8"]
    assert [line for line in text.splitlines() if line.endswith(".m3u8")] == variants
    assert 'CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=320x240' in text
    assert "BANDWIDTH=1000000," in text
    assert "BANDWIDTH=350000," in text, "the lightest pictures go with the lightest sound"
    assert text.count('AUDIO="sound-hls-audio-low"') == 2
    assert text.count('AUDIO="sound-hls-audio"') == 2
    assert text.count('SUBTITLES="captions"') == 4


def test_a_silent_master_names_no_sound() -> None:
    text = playlists.master([stream("hls-240", "video")])
    assert "AUDIO" not in text
    assert "mp4a" not in text


@pytest.mark.clause("DLV09")
def test_the_public_playlists_lead_to_blobs_with_sound_alone_and_a_low_rate(released: Courseware, client: Client) -> None:
    master = client.get(f"/play/{released.uid}/master.m3u8")
    assert master["Content-Type"] == "application/vnd.apple.mpegurl"
    assert "hls-240.m3u8" in master.content.decode()
    sound = client.get(f"/play/{released.uid}/hls-audio.m3u8").content.decode()
    assert "{blob}" not in sound
    address = re.search(r'URI="(/blobs/[0-9a-f]{64}\.m4s)",BYTERANGE="(\d+)@0"', sound)
    part = client.get(address[1], headers={"Range": f"bytes=0-{int(address[2]) - 1}"})
    assert part.status_code == 206
    assert b"ftyp" in part.getvalue()[:12]
    sizes = queries.released_items(on=ON)[0].sizes
    assert sizes["audio"] < sizes["box-sd"]
    assert sizes["hls-240"] == queries.item_detail(released.uid, on=ON).rendition("hls-240").size_bytes


def test_unreleased_items_play_only_for_those_who_work_on_them(draft: Courseware, released: Courseware, log_in: LogIn) -> None:
    Courseware.objects.filter(pk=released.pk).update(state="in_review")
    assert Client().get(f"/play/{released.uid}/master.m3u8").status_code == 404
    assert Client().get(f"/courseware/{released.uid}/preview/master.m3u8").status_code == 302
    assert log_in("shenhe").get(f"/courseware/{released.uid}/preview/master.m3u8").status_code == 200
    assert log_in("zhizuo").get(f"/courseware/{released.uid}/preview/hls-240.m3u8").status_code == 200
    assert log_in("zhizuo").get(f"/courseware/{draft.uid}/preview/master.m3u8").status_code == 404
    assert log_in("lingdao").get(f"/courseware/{released.uid}/preview/master.m3u8").status_code == 403


def test_items_are_counted_per_column_and_listed_in_parts(column: Column, films: dict[str, Path], cast: Cast, at: datetime) -> None:
    for title in ("果树授粉", "桃园管理", "果树修剪"):
        publish(cast, column, films["short.mp4"], at, title=title)
    assert queries.columns_now(on=ON)[0].items == 3
    assert len(queries.released_items(on=ON, limit=2)) == 2
    assert len(queries.released_items(on=ON, limit=2, offset=2)) == 1


def test_every_item_has_the_forms_that_old_and_new_boxes_phones_and_loudspeakers_need(released: Courseware) -> None:
    detail = queries.item_detail(released.uid, on=ON)
    assert {one.profile for one in detail.renditions} >= {"box-sd", "audio", "poster"}
    assert any(one.hls and one.kind == "video" for one in detail.renditions)


STILLS, SOUNDS = ["poster", "still"], ["hls-audio-low", "hls-audio", "audio", "loudspeaker"]
SIZES = [
    ((320, 240, True), [*STILLS, *SOUNDS, "hls-240", "box-sd", "phone-low", "box-sd-ts"]),
    ((3840, 2160, False), [*STILLS, "hls-240", "hls-480", "hls-720", "box-sd", "box-hd", "phone-low", "box-sd-ts", "box-hd-ts"]),
    ((1080, 1920, True), [*STILLS, *SOUNDS, "hls-240", "hls-480", "hls-720", "box-sd", "box-hd", "phone-low", "box-sd-ts", "box-hd-ts"]),
    ((176, 144, False), [*STILLS, "hls-240", "box-sd", "phone-low", "box-sd-ts"]),
    ((0, 0, True), [*SOUNDS, "box-sd", "box-sd-ts"]),
    ((0, 0, False), []),
]


@pytest.mark.parametrize(("original", "names"), SIZES)
def test_no_picture_is_made_larger_and_none_goes_without_a_rung(original: tuple[int, int, bool], names: list[str]) -> None:
    width, height, has_audio = original
    assert [p.name for p in applicable(width=width, height=height, has_audio=has_audio)] == names


def test_the_key_of_an_encoding_depends_on_input_profile_and_edition_and_never_changes() -> None:
    keys = {encoding_key(sha256, profile) for sha256 in ("a" * 64, "b" * 64) for profile in PROFILES}
    keys |= {encoding_key("a" * 64, replace(profile, edition=profile.edition + 1)) for profile in PROFILES}
    assert len(keys) == 3 * len(PROFILES)
    assert encoding_key("a" * 64, BY_NAME["poster"]) == "b2ddbf44df2e641f515cce4478b333248d83778a6813763748ffe80263ef53d5"
    assert encoding_key("a" * 64, replace(BY_NAME["poster"], title="另一个名字")) == encoding_key("a" * 64, BY_NAME["poster"])


def test_who_changes_what_ffmpeg_is_told_raises_the_edition() -> None:
    """A changed line here is right only together with a raised edition in rules/profiles.py of every profile it concerns."""
    film = Original(Path("film"), 1920, 1080, 25.0, 90.0, 90.0, 0, 1, loudness=Loudness(-20.0, 5.0, -3.0, -30.0))
    sounds, rest = batches(applicable(width=1920, height=1080, has_audio=True))
    told = [
        *recipe.sound_arguments(film, sounds),
        *recipe.picture_arguments(film, [p for p in rest if not p.pictures_of and not p.whole_of]),
    ]
    told = [word for word, before in zip(told[1:], told, strict=False) if before != "-threads"]
    editions = ",".join(f"{profile.name}:{profile.edition}" for profile in PROFILES)
    assert hashlib.sha256("\x1f".join([editions, *told]).encode()).hexdigest()[:16] == "117cedcb1657c915"
