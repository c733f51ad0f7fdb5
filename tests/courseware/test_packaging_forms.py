"""Every awkward film becomes forms that are what they promise: upright, square, in step, at one loudness, for every terminal."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from av.video.frame import PictureType

from tests.courseware.packaging_films import Films, Forms
from yuanjiao.courseware.packaging import recipe
from yuanjiao.courseware.packaging.conform import prove_ladder, ranges
from yuanjiao.courseware.rules.profiles import BY_NAME, LADDER, SLOW_LINE


@pytest.fixture(scope="session")
def odd_films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(tmp_path_factory.mktemp("odd-films"))


FILM = {"poster", "still", "hls-240", "box-sd", "box-sd-ts", "phone-low"}
SOUND = {"hls-audio-low", "hls-audio", "audio", "loudspeaker"}
SHAPES = [
    ("plain.mp4", (160, 120), 10, ""),
    ("portrait.mp4", (120, 160), 10, ""),
    ("wide_pixels.mkv", (256, 144), 10, "非方形像素"),
    ("odd.avi", (160, 120), 30000 / 1001, "奇数"),
    ("uneven.mp4", (160, 120), 20, ""),
    ("fast.mp4", (160, 120), 30, ""),
    ("large.mp4", (426, 240), 5, ""),
    ("fields.mpg", (176, 144), 25, "隔行"),
    ("wide_range.mp4", (160, 120), 10, "HDR"),
    ("six_channels.mkv", (160, 120), 10, "6 声道"),
    ("mono.mp4", (160, 120), 10, ""),
    ("cover.mp4", (160, 120), 10, ""),
]


@pytest.mark.clause("CW10", "DLV02")
@pytest.mark.parametrize(("name", "size", "rate", "note"), SHAPES, ids=[case[0] for case in SHAPES])
def test_every_kind_of_film_comes_out_whole_upright_square_and_even(
    name: str, size: tuple[int, int], rate: float, note: str, odd_films: Films
) -> None:
    forms = odd_films.forms(name)
    low, box = forms.proofs["hls-240"], forms.proofs["box-sd"]
    assert set(forms.proofs) >= FILM | SOUND
    assert (low.width, low.height) == size
    assert abs(low.frame_rate - rate) < 0.01
    assert (box.width, box.height) == (720, 576)
    assert box.frame_rate <= 25
    assert note in "；".join(forms.probe.notes)
    with av.open(str(forms.path("box-sd"))) as container:
        frame = next(container.decode(video=0))
        assert container.streams.video[0].sample_aspect_ratio == 16 / 15 or str(container.streams.video[0].sample_aspect_ratio) == "16/15"
        assert frame.rotation == 0


def test_only_a_large_film_has_the_high_rungs_and_the_fine_box(odd_films: Films) -> None:
    assert set(odd_films.forms("large.mp4").proofs) == FILM | SOUND | {"hls-480", "hls-720", "box-hd", "box-hd-ts"}
    assert set(odd_films.forms("plain.mp4").proofs) == FILM | SOUND
    assert set(odd_films.forms("silent.mp4").proofs) == FILM


@pytest.mark.clause("DLV24")
def test_sound_alone_goes_to_phones_loudspeakers_and_boxes(odd_films: Films) -> None:
    forms = odd_films.forms("talk.mp3", sound_only=True)
    assert set(forms.proofs) == SOUND | {"box-sd", "box-sd-ts"}
    assert forms.path("loudspeaker").read_bytes()[:2] in {b"\xff\xfb", b"\xff\xf3"}, "MP3 without tags, which old players stumble over"
    assert abs(forms.proofs["box-sd"].duration_s - 4) < 0.3
    with av.open(str(forms.path("box-sd"))) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert max(int(picture.max()) for picture in pictures) > 60, "something is to be seen: the sound as a line"


@pytest.mark.parametrize("name", ["portrait.mp4", "plain.mp4"])
def test_a_box_shows_the_whole_picture_in_its_own_shape_between_black_borders(name: str, odd_films: Films) -> None:
    with av.open(str(odd_films.forms(name).path("box-sd"))) as container:
        picture = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)][5]
    lit = np.argwhere(picture > 30)
    (top, left), (bottom, right) = lit.min(axis=0), lit.max(axis=0)
    across, down = (right - left + 1) * 16 / 15, bottom - top + 1
    wanted = 120 / 160 if name == "portrait.mp4" else 160 / 120
    assert abs(across / down - wanted) < 0.05 * wanted
    assert abs(left - (720 - 1 - right)) < 12, "in the middle"


# -- codecs -----------------------------------------------------------------------------------------------------------------

PROFILES_IDC = {
    "hls-240": (77, 21),
    "hls-480": (77, 31),
    "hls-720": (77, 31),
    "box-sd": (66, 30),
    "box-hd": (77, 31),
    "phone-low": (77, 21),
}


@pytest.mark.parametrize("name", sorted(PROFILES_IDC))
def test_the_codecs_string_is_what_the_streams_own_parameter_set_says(name: str, odd_films: Films) -> None:
    forms = odd_films.forms("large.mp4")
    raw = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(forms.path(name)), "-map", "0:v", "-c", "copy", "-f", "h264", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    at = re.search(rb"\x00\x00\x01[\x07\x27\x47\x67]", raw).end()  # type: ignore[union-attr]
    profile, constraints, level = raw[at], raw[at + 1], raw[at + 2]
    assert (profile, level) == PROFILES_IDC[name]
    assert forms.proofs[name].codecs.split(",")[0] == f"avc1.{profile:02x}{constraints:02x}{level:02x}"


def test_there_are_no_b_pictures_and_a_box_gets_baseline(odd_films: Films) -> None:
    for name in ("hls-240", "box-sd"):
        with av.open(str(odd_films.forms("plain.mp4").path(name))) as container:
            assert {PictureType(frame.pict_type).name for frame in container.decode(video=0)} <= {"I", "P"}


# -- in step ----------------------------------------------------------------------------------------------------------------


def test_all_rungs_change_segments_and_have_key_pictures_at_the_same_moments(odd_films: Films) -> None:
    forms = odd_films.forms("steps.mp4")
    rungs = [profile.name for profile in LADDER]
    prove_ladder({name: forms.proofs[name].playlist for name in rungs})
    keys = []
    for name in rungs:
        with av.open(str(forms.path(name))) as container:
            keys.append([round(float(p.pts * p.time_base), 3) for p in container.demux(video=0) if p.is_keyframe and p.pts is not None])
    assert keys[0] == keys[1] == keys[2]
    assert keys[0] == [0, 2, 4, 6, 8, 10, 12]
    assert [seconds for seconds, _, _ in ranges(forms.proofs["hls-240"].playlist) if seconds] == [6.0, 6.0, 2.0]


def test_what_has_the_same_pictures_is_encoded_once(odd_films: Films) -> None:
    forms = odd_films.forms("large.mp4")
    encoded = [p.name for p in forms.profiles if p.kind == "video" and recipe.ingredients(forms.original, p)[:1] in {(), (p.name,)}]
    assert encoded == ["hls-240", "hls-480", "hls-720", "box-sd"], "the fine box and the low phone are copies"


def test_a_narrow_film_has_pictures_of_its_own_on_the_fine_box(odd_films: Films) -> None:
    upright = recipe.Original(Path(), 1080, 1920, 30.0, 10.0, 10.0)
    assert recipe.ingredients(upright, BY_NAME["box-hd"]) == ("box-hd", "hls-audio")
    assert recipe.fitted_size(upright, BY_NAME["box-hd"]) == (406, 720) or recipe.fitted_size(upright, BY_NAME["box-hd"]) == (404, 720)


def flash_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return next(frame.time or 0.0 for frame in container.decode(video=0) if frame.to_ndarray(format="gray").mean() > 60)


def beep_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return next(frame.time or 0.0 for frame in container.decode(audio=0) if np.abs(frame.to_ndarray()).max() > 0.05)


@pytest.mark.parametrize(
    ("seen", "heard"),
    [("phone-low", "phone-low"), ("box-sd", "box-sd"), ("box-sd-ts", "box-sd-ts"), ("hls-240", "hls-audio"), ("hls-240", "hls-audio-low")],
)
def test_flash_and_beep_stay_together_also_in_two_files(seen: str, heard: str, odd_films: Films) -> None:
    forms = odd_films.forms("flash.mp4")
    assert abs(flash_s(forms.path(seen)) - beep_s(forms.path(heard))) < 0.06


# -- slow lines -------------------------------------------------------------------------------------------------------------


def wait_s(forms: Forms, names: tuple[str, ...], line: int) -> float:
    """Seconds a viewer waits before the forms, loaded side by side over a line of so many bits a second, play without a stop."""
    needed = []
    for name in names:
        with av.open(str(forms.path(name))) as container:
            needed += [(float(p.dts * p.time_base), p.size) for p in container.demux() if p.size and p.dts is not None]
    sent = sum(forms.path(name).stat().st_size for name in names) - sum(size for _, size in needed)  # what is not pictures or sound
    worst = 0.0
    for due, size in sorted(needed):
        sent += size
        worst = max(worst, sent * 8 / line - due)
    return worst


@pytest.mark.clause("DLV09")
@pytest.mark.parametrize("names", [("phone-low",), ("hls-240", "hls-audio-low")])
def test_the_low_forms_play_on_a_line_of_256_kbit_without_a_stop(names: tuple[str, ...], odd_films: Films) -> None:
    forms = odd_films.forms("steps.mp4")
    total = sum(forms.path(name).stat().st_size * 8 / 14 for name in names)
    assert total < 220_000
    assert wait_s(forms, names, SLOW_LINE) < 4


# -- loudness ---------------------------------------------------------------------------------------------------------------


def lufs(path: Path) -> tuple[float, float]:
    """Integrated loudness (LUFS) and true peak (dBTP) as heard: one channel is played by both ears."""
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats", "-i", str(path), "-vn", "-af",
         "aformat=channel_layouts=stereo,ebur128=peak=true:framelog=quiet", "-f", "null", "-"],
        check=True, capture_output=True, text=True,
    ).stderr.rpartition("Summary:")[2]  # fmt: skip
    return float(re.search(r"I:\s+(-?[\d.]+) LUFS", told)[1]), float(re.search(r"Peak:\s+(-?[\d.]+) dBFS", told)[1])  # type: ignore[index]


@pytest.mark.parametrize("film", ["quiet.mp4", "loud.mp4", "mono.mp4", "six_channels.mkv"])
@pytest.mark.parametrize("name", ["audio", "loudspeaker", "box-sd", "phone-low"])
def test_whispers_and_shouts_come_out_equally_loud(film: str, name: str, odd_films: Films) -> None:
    loudness, peak = lufs(odd_films.forms(film).path(name))
    assert abs(loudness + 16) < 1.5
    assert peak < 0


def test_silence_is_left_silent(odd_films: Films) -> None:
    with av.open(str(odd_films.forms("hushed.mp4").path("audio"))) as container:
        assert max(float(np.abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0)) < 1e-4


# -- key pictures -----------------------------------------------------------------------------------------------------------


def test_key_pictures_stand_in_one_strip_each_from_its_part(odd_films: Films) -> None:
    assert recipe.still_times(16.0) == (8.0,)
    assert recipe.still_times(90.0) == (15.0, 45.0, 75.0)
    assert len(recipe.still_times(7200.0)) == 12
    long = odd_films.path("long.mp4")
    forms = odd_films.forms("long.mp4")
    assert (forms.proofs["still"].width, forms.proofs["still"].height) == (160, 120)
    with av.open(str(forms.path("still"))) as container:
        strip = next(container.decode(video=0)).to_ndarray(format="gray").astype(int)
    with av.open(str(long)) as container:
        apart = {float(f.time): np.abs(f.to_ndarray(format="gray").astype(int) - strip).mean() for f in container.decode(video=0)}
    assert abs(min(apart, key=lambda time: apart[time]) - 8.0) < 0.2
