"""Films on columns for programmes: two of different size, so that a channel crosses from one to the other."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column, Courseware
from yuanjiao.programmes import commands
from yuanjiao.programmes.models import Channel
from yuanjiao.simulation.cast import SINCE, Cast


def film(path: Path, picture: str, tone: int, seconds: int, pattern: str) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
    command += ["-f", "lavfi", "-i", f"{pattern}=size={picture}:rate=12:duration={seconds}"]
    command += ["-f", "lavfi", "-i", f"sine=frequency={tone}:duration={seconds}"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("programmes")
    return {
        "long": film(folder / "long.mp4", "320x240", 440, 20, "testsrc2"),
        "small": film(folder / "small.mp4", "256x192", 880, 14, "smptebars"),
        "short": film(folder / "short.mp4", "160x120", 660, 2, "testsrc2"),
    }


@pytest.fixture
def column(cast: Cast, at: datetime) -> Column:
    by = cast.actor("shiguan")
    return courseware.open_column(title="农技课堂", owner=cast.units["ZZ-9901"], visible_from=SINCE, by=by, at=at)


Publish = Callable[..., Courseware]


@pytest.fixture
def publish(cast: Cast, column: Column, films: dict[str, Path], at: datetime) -> Publish:
    """publish("标题", film="short") gives a released item in the column."""

    def make(title: str, film: str = "short", into: Column | None = None, **details: Any) -> Courseware:
        return courseware.publish_file(
            path=films[film], title=title, author=cast.actor("zhizuo"), reviewer=cast.actor("shenhe"), releaser=cast.actor("shiguan"),
            columns=[into or column], now=lambda: at, **details,
        )  # fmt: skip

    return make


@pytest.fixture
def channel(cast: Cast, at: datetime, column: Column) -> Channel:
    """远教频道 with the column as a loop from 15:50 to 16:10 each day: `at` (16:00) lies in the middle."""
    by = cast.actor("shiguan")
    row = commands.open_channel(title="远教频道", unit=cast.units["ZZ-9901"], by=by, at=at)
    commands.add_block(channel=row, weekdays="1234567", begins=time(15, 50), ends=time(16, 10), column=column.uid, by=by, at=at)
    return row
