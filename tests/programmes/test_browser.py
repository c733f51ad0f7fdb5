"""A channel in a real Chromium by hls.js: the picture goes on over the border of two films of different size."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.programmes.conftest import Publish
from yuanjiao.lib import clock
from yuanjiao.programmes import commands
from yuanjiao.programmes.models import Channel

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WATCH = """() => { const film = document.getElementById('live'); window.seen = [];
  setInterval(() => { const w = film.videoWidth, last = window.seen[window.seen.length - 1];
    if (w && (!last || last.width !== w))
      window.seen.push({width: w, frames: film.getVideoPlaybackQuality().totalVideoFrames, at: film.currentTime});
    window.frames_now = film.getVideoPlaybackQuality().totalVideoFrames; }, 100);
  film.muted = true; film.play(); }"""
CROSSED = "() => window.seen.length > 1 && window.frames_now > window.seen[window.seen.length - 1].frames + 12"


@pytest.fixture
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.mark.clause("DLV10")
def test_a_channel_plays_on_over_the_border_of_two_films(
    channel: Channel, publish: Publish, at: datetime, live_server: Any, chromium: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("大", "long")
    publish("小", "small")
    commands.lay_days(at=at)
    begun = time.monotonic()
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(seconds=time.monotonic() - begun))
    page = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{live_server.url}/channels/{channel.uid}/")
    assert "正在播" in page.content()
    page.wait_for_function("() => document.getElementById('live').readyState > 1", timeout=90_000)
    page.evaluate(WATCH)
    page.wait_for_function(CROSSED, timeout=120_000)
    assert {one["width"] for one in page.evaluate("window.seen")} == {320, 256}
    assert page.evaluate("document.getElementById('live-message').textContent") == ""
    assert not errors
