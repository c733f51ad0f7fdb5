"""A live programme in a real Chromium: on the portal by hls.js, its sound alone one tap away, and on television with six keys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.desks.test_axe import BOX, DESK, PHONE, findings
from tests.programmes.signals import Turns, sender
from tests.programmes.test_live_signal import announced
from yuanjiao.lib import clock
from yuanjiao.programmes.models import LiveSignal
from yuanjiao.simulation.cast import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
GOES = "id => { const film = document.getElementById(id); return film && film.currentTime > 1.5 && film.readyState > 1; }"
FRAMES = "id => document.getElementById(id).getVideoPlaybackQuality().totalVideoFrames"


@pytest.fixture
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        quiet = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def turns(at: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Turns]:
    made = Turns(at)
    monkeypatch.setattr(clock, "now", made.now)
    yield made
    made.close()


def picture(page: Any, name: str) -> None:
    """For who looks at pages: kept in the folder TEST_PICTURES names."""
    if folder := os.environ.get("TEST_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_a_live_programme_plays_says_that_its_signal_is_lost_and_goes_on(
    turns: Turns, cast: Cast, at: datetime, live_server: Any, chromium: Any
) -> None:
    page = chromium.new_context(viewport=PHONE, locale="zh-CN").new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with sender() as address:
        live = announced(cast, at, address)
        page.goto(live_server.url)
        with page.expect_navigation():
            page.click("text=春耕现场会")
        assert "正在等待现场信号" in page.content()
        turns.until(lambda: page.evaluate(GOES, "live"))
        assert page.evaluate(FRAMES, "live") > 5
        picture(page, "live-phone")
        with page.expect_navigation():
            page.click("text=只听声音")
        turns.until(lambda: page.evaluate(GOES, "live"))
        assert page.evaluate("document.getElementById('live').tagName") == "AUDIO"
        picture(page, "live-sound-phone")
        television = chromium.new_context(viewport={"width": 640, "height": 530}).new_page()
        television.goto(f"{live_server.url}/tv/?box=sd640")
        assert "现场直播" in television.evaluate("document.activeElement.textContent")
        picture(television, "tv-home")
        for pattern in ("/tv/lives/", f"/tv/lives/{live.uid}/"):
            with television.expect_navigation(url=f"**{pattern}**"):
                television.keyboard.press("Enter")
            picture(television, f"tv-{pattern.count('/')}")
        turns.until(lambda: television.evaluate(GOES, "film"))
        television.wait_for_selector("#message", state="hidden")
        picture(television, "tv-live")
        with television.expect_navigation(url="**/tv/lives/?**"):
            television.keyboard.press("Backspace")
    page.goto(f"{live_server.url}/lives/{live.uid}/")
    turns.until(lambda: LiveSignal.objects.get().state == "lost")
    turns.until(lambda: "信号中断，正在恢复" in page.inner_text("#live-message"))
    picture(page, "live-lost-phone")
    assert not errors


def test_a_telephone_that_plays_lists_by_itself_says_that_it_waits_and_asks_again(
    turns: Turns, cast: Cast, at: datetime, live_server: Any, chromium: Any
) -> None:
    page = chromium.new_context(viewport=PHONE, locale="zh-CN").new_page()
    page.add_init_script(
        "window.MediaSource = window.ManagedMediaSource = window.WebKitMediaSource = undefined;"
        "HTMLMediaElement.prototype.canPlayType = () => 'maybe';"
    )
    live = announced(cast, at, "rtmp://live.example.cn/hall/key")
    page.goto(f"{live_server.url}/lives/{live.uid}/")
    page.wait_for_function("() => document.getElementById('live-message').textContent === '正在等待现场信号。'")
    with page.expect_request("**/master.m3u8"):
        """It asks again by itself."""


def test_pages_of_live_programmes_have_no_serious_finding(turns: Turns, cast: Cast, at: datetime, live_server: Any, chromium: Any) -> None:
    on_air = announced(cast, at, "rtmp://live.example.cn/hall/key", lead="石桥镇田头，农技人员当面讲春耕整地。")
    coming = announced(
        cast,
        at,
        "rtmp://live.example.cn/hall/key",
        title="防汛部署会",
        starts_at=at + timedelta(hours=20),
        ends_at=at + timedelta(hours=22),
    )
    client = Client()
    client.force_login(cast.accounts["shiguan"], backend="django.contrib.auth.backends.ModelBackend")
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    public = ["/", f"/lives/{on_air.uid}/", f"/lives/{on_air.uid}/?v=sound", f"/lives/{coming.uid}/"]
    television = ["/tv/", "/tv/lives/", f"/tv/lives/{on_air.uid}/", f"/tv/lives/{coming.uid}/"]
    staff = ["/programmes/lives/", "/programmes/lives/new/", f"/programmes/lives/{on_air.uid}/", f"/programmes/lives/{coming.uid}/"]
    found = {}
    for view, addresses in ((PHONE, public), (BOX, television), (DESK, staff), (PHONE, staff[2:3])):
        context = chromium.new_context(viewport=view, locale="zh-CN")
        if addresses[0] in staff:
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}])
        page = context.new_page()
        for address in addresses:
            found[address] = findings(page, live_server.url + address)
            picture(
                page, f"axe{view['width']}{address.replace('/', '-').replace(str(on_air.uid), 'on').replace(str(coming.uid), 'coming')}"
            )
            if address == f"/tv/lives/{on_air.uid}/":
                page.wait_for_function("() => document.getElementById('message').textContent === '正在等待现场信号。'")
        context.close()
    assert found == {address: [] for address in found}
