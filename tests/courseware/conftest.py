"""Small real videos, made once by the same ffmpeg that packages, and an item in each state people meet."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import imageio_ffmpeg
import pytest

from yuanjiao.courseware import commands
from yuanjiao.courseware.models import Column, Courseware, CoursewareClass, CoursewareSource
from yuanjiao.simulation.cast import SINCE, Cast

PICTURES = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=4"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:duration=4"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac", "-shortest"]


def ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-hide_banner", "-loglevel", "error", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files by what is special about them."""
    folder = tmp_path_factory.mktemp("films")
    path = {name: folder / name for name in FILM_NAMES}
    ffmpeg(*PICTURES, *SOUND, *H264, *AAC, "-movflags", "+faststart", str(path["plain.mp4"]))
    ffmpeg(*PICTURES, *H264, str(path["silent.mp4"]))
    ffmpeg("-i", str(path["plain.mp4"]), "-t", "1.2", "-vf", "scale=160:120", *H264, "-c:a", "aac", str(path["short.mp4"]))
    ffmpeg("-display_rotation", "90", "-i", str(path["plain.mp4"]), "-c", "copy", str(path["portrait.mp4"]))
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=352x288:rate=25:duration=3",
        *SOUND,
        "-vf",
        "setsar=16/11",
        *H264,
        *AAC,
        str(path["wide_pixels.mkv"]),
    )
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x240:rate=30000/1001:duration=3,format=yuv444p,scale=321:241",
        *SOUND,
        "-c:v",
        "mjpeg",
        "-q:v",
        "3",
        "-c:a",
        "pcm_s16le",
        str(path["odd.avi"]),
    )
    ffmpeg(*SOUND, "-c:a", "aac", str(path["talk.m4a"]))
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=0.2", *H264, str(path["blink.mp4"]))
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x240:duration=1", "-frames:v", "1", "-update", "1", str(path["photo.jpg"]))
    ffmpeg("-i", str(path["plain.mp4"]), "-c", "copy", str(path["whole.mkv"]))
    whole = path["plain.mp4"].read_bytes()
    path["cut.mp4"].write_bytes(whole[: len(whole) // 2])
    late_index = folder / "late.mp4"
    ffmpeg("-i", str(path["plain.mp4"]), "-c", "copy", str(late_index))
    path["no_index.mp4"].write_bytes(late_index.read_bytes()[: len(whole) // 2])
    mkv = path["whole.mkv"].read_bytes()
    path["cut.mkv"].write_bytes(mkv[: len(mkv) // 2])
    path["letter.mp4"].write_bytes("这是一封信，不是视频。".encode() * 200)
    path["empty.mp4"].write_bytes(b"")
    path["list.m3u8"].write_text("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    return path


FILM_NAMES = (
    "plain.mp4", "silent.mp4", "short.mp4", "portrait.mp4", "wide_pixels.mkv", "odd.avi", "talk.m4a", "blink.mp4", "photo.jpg",
    "whole.mkv", "cut.mp4", "no_index.mp4", "cut.mkv", "letter.mp4", "empty.mp4", "list.m3u8",
)  # fmt: skip


@pytest.fixture
def draft(cast: Cast, at: datetime) -> Courseware:
    """孙文博's draft."""
    return commands.create_courseware(
        title="果树冬季修剪技术", summary="疏枝、短截、刻芽的要领", speaker="刘师傅", item_class=CoursewareClass.SERVICE,
        source=CoursewareSource.PRACTITIONER, by=cast.actor("zhizuo"), at=at,
    )  # fmt: skip


@pytest.fixture
def column(cast: Cast, at: datetime) -> Column:
    """An official column of the city, open to everybody."""
    return commands.open_column(
        title="农技课堂", owner=cast.units["ZZ-9901"], visible_from=SINCE, by=cast.actor("shiguan"), at=at, summary="只收农业技术课件"
    )


@pytest.fixture
def released(cast: Cast, column: Column, films: dict[str, Path], at: datetime) -> Courseware:
    """A film on its whole way, packaged for real."""
    return publish(cast, column, films["short.mp4"], at)


def publish(cast: Cast, column: Column, path: Path, at: datetime, title: str = "果树冬季修剪技术", **details: object) -> Courseware:
    return commands.publish_file(
        path=path, title=title, author=cast.actor("zhizuo"), reviewer=cast.actor("shenhe"), releaser=cast.actor("shiguan"),
        columns=[column], now=lambda: at, **details,
    )  # fmt: skip


Publish = Callable[..., Courseware]
