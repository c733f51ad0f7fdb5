"""Nothing broken passes: bytes are flipped, ends cut off, streams swapped, playlists bent; and files that lie are not taken at all."""

from __future__ import annotations

import io
import random
import shutil
import struct
import zipfile
from pathlib import Path

import pytest

from tests.courseware.conftest import ffmpeg
from tests.courseware.packaging_films import Films, Forms
from yuanjiao.courseware.packaging import codecs
from yuanjiao.courseware.packaging.conform import prove_ladder
from yuanjiao.courseware.packaging.flaw import NotProved
from yuanjiao.courseware.packaging.probe import NotUsable, probe

NAMES = ["poster", "still", "hls-audio-low", "audio", "loudspeaker", "hls-240", "box-sd", "phone-low", "box-sd-ts"]
HEADERS_SHARE = 0.06
"""So much of a small file may be headers in which some bytes mean nothing to anybody."""


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(tmp_path_factory.mktemp("whole-films"))


@pytest.fixture
def forms(whole: Films, tmp_path: Path) -> Forms:
    """A copy of proved forms that a test may spoil."""
    good = whole.forms("long.mp4")
    folder = shutil.copytree(good.folder, tmp_path / "forms")
    return Forms(good.probe, good.original, folder, good.profiles)


@pytest.mark.clause("DLV02")
@pytest.mark.parametrize("name", NAMES)
def test_flipped_bytes_are_found(name: str, forms: Forms) -> None:
    path, draw = forms.path(name), random.Random(name)
    good, missed = path.read_bytes(), 0
    assert forms.prove(name)
    for width in [1, 1, 1, 1, 4, 16]:
        bad = bytearray(good)
        at = draw.randrange(int(len(good) * HEADERS_SHARE), len(good) - width)
        for place in range(at, at + width):
            bad[place] ^= draw.randrange(1, 256)
        path.write_bytes(bad)
        try:
            forms.prove(name)
            missed += 1
        except NotProved:
            pass
    # a transport stream's packets have marks of their own that carry neither picture nor sound
    assert missed <= (1 if name == "box-sd-ts" else 0)


@pytest.mark.parametrize("name", NAMES)
def test_an_end_cut_off_is_found(name: str, forms: Forms) -> None:
    path = forms.path(name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 5])
    with pytest.raises(NotProved):
        forms.prove(name)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_or_missing_file_is_found(name: str, forms: Forms) -> None:
    forms.path(name).write_bytes(b"")
    with pytest.raises(NotProved, match="没有产生文件"):
        forms.prove(name)


def test_a_copy_of_another_film_is_found(forms: Forms, whole: Films) -> None:
    shutil.copy(whole.forms("plain.mp4").path("phone-low"), forms.path("phone-low"))
    with pytest.raises(NotProved, match="走样"):
        forms.prove("phone-low")


def test_sound_that_comes_late_is_found(forms: Forms) -> None:
    late = forms.folder / "late.mp4"
    ffmpeg(
        "-i", str(forms.path("hls-240")), "-itsoffset", "0.5", "-i", str(forms.path("hls-audio-low")), "-map", "0", "-map", "1",
        "-c", "copy", "-movflags", "+faststart", str(late),
    )  # fmt: skip
    late.replace(forms.path("phone-low"))
    with pytest.raises(NotProved, match="起点相差"):
        forms.prove("phone-low")


def test_a_stream_too_many_is_found(forms: Forms) -> None:
    more = forms.folder / "more.mp4"
    ffmpeg("-i", str(forms.path("audio")), "-map", "0", "-map", "0", "-c", "copy", str(more))
    more.replace(forms.path("audio"))
    with pytest.raises(NotProved, match="2 路流"):
        forms.prove("audio")


def test_parameters_that_contradict_each_other_are_found() -> None:
    sps = bytes([0x67, 0x4D, 0x40, 0x15, 0xD9])
    box = bytes([1, 0x4D, 0x40, 0x15, 0xFF, 0xE1]) + len(sps).to_bytes(2, "big") + sps
    assert codecs.avc1(box) == "avc1.4d4015"
    with pytest.raises(NotProved, match="不符"):
        codecs.avc1(bytes([1, 0x64, 0x00, 0x1F]) + box[4:])
    with pytest.raises(NotProved, match="AAC-LC"):
        codecs.mp4a(bytes([5 << 3, 0]))


LADDER = (
    "#EXTM3U\n#EXTINF:6.0,\n#EXT-X-BYTERANGE:10@0\nx\n#EXTINF:{},\n#EXT-X-BYTERANGE:10@10\nx\n#EXTINF:2.0,\n#EXT-X-BYTERANGE:10@20\nx\n"
)


def test_a_ladder_out_of_step_is_found() -> None:
    prove_ladder({"hls-240": LADDER.format(6.0), "hls-480": LADDER.format(6.0)})
    with pytest.raises(NotProved, match="同一时刻"):
        prove_ladder({"hls-240": LADDER.format(6.0), "hls-480": LADDER.format(5.9)})
    with pytest.raises(NotProved, match="不能换档"):
        prove_ladder({"hls-240": LADDER.format(6.0), "hls-480": LADDER.format(6.0)[:60]})


# -- files that lie ---------------------------------------------------------------------------------------------------------


LENGTH = b"\x44\x89\x88"
"""Matroska's Duration: a number of eight bytes follows, in milliseconds."""


@pytest.mark.parametrize("hours", [2, 100])
def test_a_film_of_two_seconds_that_claims_hours_is_refused(hours: float, whole: Films, tmp_path: Path) -> None:
    honest, liar = tmp_path / "honest.mkv", tmp_path / "liar.mkv"
    ffmpeg("-i", str(whole.path("plain.mp4")), "-c", "copy", str(honest))
    film = honest.read_bytes()
    at = film.index(LENGTH) + len(LENGTH)
    liar.write_bytes(film[:at] + struct.pack(">d", hours * 3_600_000) + film[at + 8 :])
    assert probe(honest).duration_s < 3
    with pytest.raises(NotUsable, match="标称时长"):
        probe(liar)


def test_a_picture_held_for_hours_is_refused(whole: Films, tmp_path: Path) -> None:
    held = tmp_path / "held.mp4"
    ffmpeg("-i", str(whole.path("silent.mp4")), "-c", "copy", "-bsf:v", "setts=ts='if(gte(N,10),TS+10240*10800,TS)'", str(held))
    with pytest.raises(NotUsable, match="标称时长"):
        probe(held)


def test_a_large_film_that_ends_long_before_its_claimed_end_is_refused(whole: Films, tmp_path: Path) -> None:
    """Bytes enough for the claim, but the pictures stop: nobody would see it before the packaging is over."""
    film, padded = whole.path("long.mp4"), tmp_path / "padded.mp4"
    ffmpeg("-i", str(film), "-an", "-c", "copy", "-bsf:v", "setts=ts='if(gte(N,80),TS+10240*900,TS)'", str(padded))
    padded.write_bytes(padded.read_bytes() + struct.pack(">I4s", 200_000, b"free") + bytes(199_992))
    with pytest.raises(NotUsable, match="实际内容只到 7"):
        probe(padded)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("index.html", "<script>alert(1)</script>")
    return file.getvalue()


PAGE_BOX = struct.pack(">I4s", 48, b"free") + b"<script>alert(1)</script>".ljust(40)
POLYGLOTS = [
    ("a film with an archive behind it", lambda film: film + zipped(), "压缩包"),
    ("a film with a page in its first box", lambda film: PAGE_BOX + film, "网页"),
    ("a page", lambda _film: b"<!DOCTYPE html><html><video src=x></html>" * 20, "网页"),
    ("a drawing with script", lambda _film: b"<?xml version='1.0'?><svg onload='alert(1)'/>" * 20, "网页"),
    ("a program", lambda film: b"MZ" + film, "程序"),
    ("a document", lambda film: b"%PDF-1.7\n" + film, "PDF"),
    ("an archive", lambda _film: zipped(), "压缩包"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "why"), POLYGLOTS, ids=[case[0] for case in POLYGLOTS])
def test_a_file_that_is_two_things_is_refused(name: str, make: object, why: str, whole: Films, tmp_path: Path) -> None:
    disguised = tmp_path / "film.mp4"
    disguised.write_bytes(make(whole.path("plain.mp4").read_bytes()))  # type: ignore[operator]
    with pytest.raises(NotUsable, match=why):
        probe(disguised)


def test_an_ordinary_film_whose_bytes_happen_to_hold_an_archives_mark_is_taken(whole: Films, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(whole.path("plain.mp4").read_bytes() + struct.pack(">I4s", 64, b"free") + b"PK\x05\x06".ljust(56, b"\x01"))
    assert probe(film).duration_s > 1
