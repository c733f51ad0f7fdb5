"""Packaging with the real ffmpeg: what comes out is decoded, measured and conformant; what cannot be packaged is named."""

from __future__ import annotations

import io
import re
from datetime import datetime
from pathlib import Path

import av
import pytest

from tests.courseware.conftest import ffmpeg
from yuanjiao.courseware import commands
from yuanjiao.courseware.models import Courseware, JobState, Rendition
from yuanjiao.courseware.packaging import encode, work
from yuanjiao.courseware.packaging.conform import prove_index_first, prove_playlist
from yuanjiao.courseware.packaging.flaw import NotProved
from yuanjiao.courseware.packaging.probe import NotUsable, probe
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.blobs import store
from yuanjiao.lib.errors import DiskFull
from yuanjiao.simulation.cast import Cast

FORMS = {"poster", "still", "hls-240", "box-sd", "box-sd-ts", "phone-low"}
SOUNDS = {"hls-audio-low", "hls-audio", "audio", "loudspeaker"}


def package(item: Courseware, film: Path, cast: Cast, at: datetime, tmp_path: Path) -> Courseware:
    copy = tmp_path / "original"
    copy.write_bytes(film.read_bytes())
    commands.take_original(courseware=item, path=copy, filename=film.name, by=cast.actor("zhizuo"), at=at)
    work.package_item(item.uid, now=lambda: at)
    item.refresh_from_db()
    return item


def rendition(item: Courseware, profile: str) -> Rendition:
    return item.renditions.get(profile=profile)


@pytest.mark.clause("CW10")
def test_one_upload_becomes_every_form_and_goes_to_review(
    draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path
) -> None:
    package(draft, films["plain.mp4"], cast, at, tmp_path)
    assert draft.state == State.IN_REVIEW, list(draft.jobs.values_list("profile", "reason"))
    assert set(draft.renditions.values_list("profile", flat=True)) == FORMS | SOUNDS
    assert all(store.has(one.blob) and one.size_bytes == store.path(one.blob).stat().st_size for one in draft.renditions.all())
    assert rendition(draft, "hls-240").codecs.startswith("avc1.4d40")
    assert re.fullmatch(r"avc1\.42[0-9a-f]{4},mp4a\.40\.2", rendition(draft, "box-sd").codecs)
    assert abs(rendition(draft, "box-sd").duration_s - 4) < 0.2


def test_hls_is_conformant_ranges_tile_the_file_and_each_segment_decodes_alone(
    draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path
) -> None:
    long = tmp_path / "long.mp4"
    ffmpeg("-stream_loop", "3", "-i", str(films["plain.mp4"]), "-c", "copy", str(long))
    package(draft, long, cast, at, tmp_path)
    for profile in ("hls-240", "hls-audio"):
        row = rendition(draft, profile)
        whole = store.path(row.blob).read_bytes()
        ranges = [(int(n), int(o)) for n, o in re.findall(r"(\d+)@(\d+)", row.playlist)]
        assert [o for _n, o in ranges] == [sum(n for n, _o in ranges[:k]) for k in range(len(ranges))]
        assert sum(n for n, _o in ranges) == len(whole)
        target = int(re.search(r"TARGETDURATION:(\d+)", row.playlist)[1])
        times = [float(t) for t in re.findall(r"#EXTINF:([\d.]+)", row.playlist)]
        assert len(times) == 3
        assert all(round(t) <= target for t in times)
        assert abs(sum(times) - 16) < 0.3
        assert "#EXT-X-ENDLIST" in row.playlist
        head = whole[: ranges[0][0]]
        for length, offset in ranges[1:]:
            with av.open(io.BytesIO(head + whole[offset : offset + length])) as container:
                frames = list(container.decode(container.streams[0]))
            assert frames
            assert profile == "hls-audio" or frames[0].key_frame
    assert rendition(draft, "hls-240").playlist.count("{blob}") == 4


CASES = [
    ("cut.mp4", "不完整"),
    ("no_index.mp4", "缺少索引"),
    ("letter.mp4", "不是能识别的视频"),
    ("empty.mp4", "空的"),
    ("talk.m4a", "没有活动画面"),
    ("photo.jpg", "不是能识别的视频"),
    ("blink.mp4", "至少要有"),
    ("list.m3u8", "播放清单"),
]


@pytest.mark.parametrize(("name", "why"), CASES)
def test_what_is_not_a_usable_video_is_named_and_kept_aside(
    name: str, why: str, draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path, settings: object
) -> None:
    received = tmp_path / "received"
    received.write_bytes(films[name].read_bytes())
    with pytest.raises(NotUsable, match=why):
        commands.take_original(courseware=draft, path=received, filename=name, by=cast.actor("zhizuo"), at=at)
    draft.refresh_from_db()
    assert draft.state == State.DRAFT
    assert why in draft.refusal
    assert not draft.jobs.exists()
    kept = list((Path(settings.MEDIA_ROOT) / "aside").iterdir())  # type: ignore[attr-defined]
    assert [one.read_bytes() for one in kept] == [films[name].read_bytes()]


def test_a_film_cut_off_in_a_way_no_index_tells_fails_at_the_proof_with_the_seconds_missing(
    draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path
) -> None:
    package(draft, films["cut.mkv"], cast, at, tmp_path)
    assert draft.state == State.PACKAGING
    job = draft.jobs.get(profile="hls-240")
    assert job.state == JobState.FAILED
    assert "标称 4.0 秒" in job.reason
    assert not draft.renditions.filter(kind="video").exists()


def test_a_silent_film_is_packaged_without_sound_and_that_is_said(
    draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path
) -> None:
    package(draft, films["silent.mp4"], cast, at, tmp_path)
    assert draft.state == State.IN_REVIEW, list(draft.jobs.values_list("profile", "reason"))
    assert set(draft.renditions.values_list("profile", flat=True)) == FORMS
    assert "没有声音" in draft.note
    assert "mp4a" not in rendition(draft, "box-sd").codecs


def test_the_portrait_film_is_turned_and_not_merely_squeezed(films: dict[str, Path]) -> None:
    found = probe(films["portrait.mp4"])
    assert (found.width, found.height) == (240, 320)


def test_the_same_film_is_never_encoded_twice(
    draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(draft, films["plain.mp4"], cast, at, tmp_path)
    monkeypatch.setattr(encode, "run", None)  # any call of it would fail
    again = commands.create_courseware(title="同一段影片", item_class=draft.item_class, source=draft.source, by=cast.actor("zhizuo"), at=at)
    package(again, films["plain.mp4"], cast, at, tmp_path)
    assert again.state == State.IN_REVIEW
    assert set(again.renditions.values_list("blob", flat=True)) == set(draft.renditions.values_list("blob", flat=True))


def test_a_full_disk_leaves_the_work_waiting_and_nothing_half_written(
    draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path, settings: object
) -> None:
    settings.MIN_FREE_BYTES = 1 << 60  # type: ignore[attr-defined]
    with pytest.raises(DiskFull):
        package(draft, films["plain.mp4"], cast, at, tmp_path)
    assert set(draft.jobs.values_list("state", flat=True)) == {JobState.WAITING}
    assert not draft.renditions.exists()


PLAYLIST = """#EXTM3U
#EXT-X-TARGETDURATION:6
#EXT-X-MAP:URI="v.m4s",BYTERANGE="100@0"
#EXTINF:6.000000,
#EXT-X-BYTERANGE:500@100
v.m4s
#EXTINF:2.000000,
#EXT-X-BYTERANGE:200@600
v.m4s
#EXT-X-ENDLIST
"""


def test_a_playlist_in_order_is_taken_and_its_peak_measured() -> None:
    text, peak = prove_playlist(PLAYLIST, "v.m4s", 800, 8.0, (0.0, 2.0, 4.0, 6.0))
    assert text.count("{blob}") == 3
    assert "v.m4s" not in text
    assert peak == 800


BROKEN = [
    ("a gap", PLAYLIST.replace("200@600", "200@601"), 801, (0.0, 6.0), "不相接"),
    ("a tail that no range covers", PLAYLIST, 900, (0.0, 6.0), "只覆盖"),
    ("a segment over the target", PLAYLIST.replace("DURATION:6", "DURATION:5"), 800, (0.0, 6.0), "长于目标"),
    ("a segment that starts between key pictures", PLAYLIST, 800, (0.0, 5.0), "关键画面"),
    ("no segments", "#EXTM3U\n#EXT-X-TARGETDURATION:6\n", 800, (0.0,), "没有片段"),
]


@pytest.mark.parametrize(("name", "text", "size", "keys", "why"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_playlist_that_is_wrong_is_refused(name: str, text: str, size: int, keys: tuple[float, ...], why: str) -> None:
    with pytest.raises(NotProved, match=why):
        prove_playlist(text, "v.m4s", size, 8.0, keys)


def test_a_progressive_file_whose_index_stands_last_is_refused(films: dict[str, Path], tmp_path: Path) -> None:
    prove_index_first(films["plain.mp4"])
    with pytest.raises(NotProved, match="索引"):
        prove_index_first(films["silent.mp4"])
