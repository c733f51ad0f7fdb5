"""A channel in a real Chromium by hls.js: the picture goes on over the border of two films of different size."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.desks.test_axe import BOX, PHONE, findings
from tests.programmes.conftest import Publish
from yuanjiao.courseware.models import Column
from yuanjiao.lib import clock
from yuanjiao.programmes import commands
from yuanjiao.programmes.models import Channel
from yuanjiao.simulation.cast import Cast

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


def test_channels_notices_and_themes_have_no_serious_finding(
    channel: Channel, column: Column, publish: Publish, cast: Cast, at: datetime, live_server: Any, chromium: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    by, unit = cast.actor("shiguan"), cast.units["ZZ-9901"]
    silent = commands.open_channel(title="夜间频道", unit=unit, by=by, at=at)
    publish("大", "long")
    commands.lay_days(at=at)
    monkeypatch.setattr(clock, "now", lambda: at)
    theme = commands.open_theme(
        title="安全月",
        summary="用电、防火、防汛。",
        unit=unit,
        starts_on=at.date(),
        ends_on=at.date() + timedelta(days=9),
        columns=[column.uid],
        by=by,
        at=at,
    )
    box = [f"/tv/channels/{channel.uid}/", f"/tv/channels/{silent.uid}/", "/tv/channels/"]
    found = {}
    for view, addresses in ((PHONE, [f"/channels/{channel.uid}/", f"/channels/{silent.uid}/", f"/themes/{theme.uid}/"]), (BOX, box)):
        page = chromium.new_context(viewport=view, locale="zh-CN").new_page()
        found |= {address: findings(page, live_server.url + address) for address in addresses}
    commands.issue_notice(
        title="暴雨红色预警",
        body="请立即转移。",
        document="防指〔2026〕1 号",
        scope=unit.division.path,
        unit=unit,
        ends_at=at + timedelta(hours=9),
        by=by,
        at=at,
    )
    for view, address in ((PHONE, "/"), (BOX, "/tv/")):
        page = chromium.new_context(viewport=view, locale="zh-CN").new_page()
        found[f"notice before {address}"] = findings(page, live_server.url + address)
        assert "暴雨红色预警" in page.content()
    assert found == {address: [] for address in found}
