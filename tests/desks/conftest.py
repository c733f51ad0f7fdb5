"""Real films on real columns for the faces towards learners, and a headless Chromium to look at them with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from PIL import Image

from yuanjiao.courseware import commands
from yuanjiao.courseware.models import Column, Courseware, CoursewareClass, CoursewareSource
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.simulation.cast import SINCE, Cast

CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:02.000\n乡亲们好\n\n00:02.000 --> 00:04.000\n今天讲仔猪保温\n"


def photo() -> bytes:
    target = BytesIO()
    Image.new("RGB", (800, 600), (90, 140, 60)).save(target, "JPEG")
    return target.getvalue()


def make_film(path: Path, *, picture: str, rate: int, seconds: int) -> Path:
    """A moving picture and a tone."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
    command += ["-f", "lavfi", "-i", f"testsrc2=size={picture}:rate={rate}:duration={seconds}"]
    command += ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="session")
def short_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "short.mp4", picture="320x240", rate=10, seconds=2)


@pytest.fixture(scope="session")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough for two rungs of the ladder, long enough to watch it go."""
    return make_film(tmp_path_factory.mktemp("film") / "long.mp4", picture="640x480", rate=12, seconds=24)


@pytest.fixture
def film(short_film: Path) -> Path:
    """What every item shows; tests that play override it."""
    return short_film


@dataclass
class Stock:
    """What the node has to show: columns by title, items by title. The film is encoded once per test, then reused by its key."""

    cast: Cast
    at: datetime
    film: Path
    columns: dict[str, Column] = field(default_factory=dict)
    items: dict[str, Courseware] = field(default_factory=dict)

    def column(self, title: str, **details: Any) -> Column:
        city = self.cast.units["ZZ-9901"]
        details = {"visible_from": SINCE, **details}
        self.columns[title] = commands.open_column(title=title, owner=city, by=self.cast.actor("shiguan"), at=self.at, **details)
        return self.columns[title]

    def publish(self, title: str, *columns: str, **details: Any) -> Courseware:
        self.items[title] = commands.publish_file(
            path=self.film,
            title=title,
            author=self.cast.actor("zhizuo"),
            reviewer=self.cast.actor("shenhe"),
            releaser=self.cast.actor("shiguan"),
            columns=[self.columns[name] for name in columns],
            now=lambda: self.at,
            **details,
        )
        return self.items[title]

    def release(self, item: Courseware, *columns: str) -> Courseware:
        """Sent, reviewed and put into columns by those who may."""
        commands.submit_courseware(courseware=item, by=self.cast.actor("zhizuo"), at=self.at)
        item.refresh_from_db()
        commands.approve_courseware(courseware=item, by=self.cast.actor("shenhe"), at=self.at)
        item.refresh_from_db()
        places = [self.columns[name] for name in columns]
        commands.release_courseware(courseware=item, columns=places, by=self.cast.actor("shiguan"), at=self.at)
        self.items[item.title] = item
        return item

    def made(self, title: str, kind: str, **details: Any) -> Courseware:
        by, sort = self.cast.actor("zhizuo"), (CoursewareClass.SERVICE, CoursewareSource.OWN)
        return commands.create_courseware(title=title, kind=Kind(kind), item_class=sort[0], source=sort[1], by=by, at=self.at, **details)

    def article(self, title: str = "选种五步法") -> Courseware:
        """With a picture, and words for more than one screen of a television."""
        item, by = self.made(title, "article"), self.cast.actor("zhizuo")
        commands.add_picture(courseware=item, content=photo(), caption="晒种", by=by, at=self.at)
        words = "晒种两天，再用**盐水**选种，浮起来的不要。" * 30
        commands.write_article(courseware=item, source=f"## 选种\n\n{words}\n\n[图1]\n\n## 催芽\n\n{words}", by=by, at=self.at)
        return self.release(item, "种养技术")

    def withdraw(self, title: str) -> None:
        commands.withdraw_courseware(courseware=self.items[title], reason="内容有误", by=self.cast.actor("shiguan"), at=self.at)


@pytest.fixture
def stock(cast: Cast, at: datetime, film: Path) -> Stock:
    return Stock(cast, at, film)


@pytest.fixture
def shown(stock: Stock) -> Stock:
    """Two columns and three items, one of them in both columns."""
    stock.column("种养技术", summary="放能照着做的办法")
    stock.column("政策解读")
    stock.publish("春季仔猪保温与防疫", "种养技术", summary="仔猪怕冷又怕湿。", speaker="王建国", captions=CAPTIONS.encode())
    stock.publish("医疗保险怎么报销", "政策解读")
    stock.publish("养殖补贴怎么申请", "种养技术", "政策解读")
    return stock


@pytest.fixture
def chromium() -> Iterator[Any]:
    """One Chromium per test: a second Playwright cannot run beside a living one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
