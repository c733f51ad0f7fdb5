"""The portal in a real Chromium: films that go, the place kept on the device, letters and colours people can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from tests.desks.conftest import Stock

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}
GOES = """([least]) => {
  const film = document.querySelector('video, audio');
  const frames = film.tagName === 'AUDIO' || (film.videoWidth > 0 && film.getVideoPlaybackQuality().totalVideoFrames > 5);
  return film.currentTime > least && frames;
}"""
PLAY = "document.querySelector('video, audio').play().catch(() => 'not before the library is here')"
SMALL_PRINT = """() => [...document.querySelectorAll('body *')].filter(one =>
  [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
  && one.getClientRects().length && !one.closest('.unseen, .skip, script')
  && parseFloat(getComputedStyle(one).fontSize) < 18).map(one => one.outerHTML.slice(0, 90))"""
SMALL_TARGETS = """([least]) => [...document.querySelectorAll('a, button, select, summary, input')].filter(one =>
  !one.matches('[type=hidden], [type=radio], [type=checkbox]') && !one.closest('.skip, .item')
  && one.getClientRects().length && one.getBoundingClientRect().height < least - 0.5).map(one => one.outerHTML.slice(0, 90))"""
WITHDRAWN = "/items/018f0000-0000-7000-8000-000000000000/"


@pytest.fixture
def film(long_film: Path) -> Path:
    return long_film


@pytest.fixture
def address(shown: Stock, live_server: Any) -> str:
    """The page of a film with captions and a poster."""
    return live_server.url + reverse("desks:portal_item", args=[shown.items["春季仔猪保温与防疫"].uid])


def page_of(chromium: Any, **context: Any) -> Any:
    """A phone's page that fails the test on any error of a script."""
    page = chromium.new_context(viewport=PHONE, locale="zh-CN", **context).new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    return page


def goes(page: Any, least_s: float = 2.0) -> None:
    page.wait_for_function(GOES, arg=[least_s], timeout=20_000)


@pytest.mark.clause("DLV08")
def test_a_film_streams_by_hls_on_a_phone_and_really_goes(chromium: Any, address: str) -> None:
    page = page_of(chromium)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector("[data-streaming='hls.js']")
    page.wait_for_load_state("networkidle")
    assert not any("hls.min.js" in url for url in asked), "the library waits until somebody plays"
    page.evaluate(PLAY)
    goes(page)
    assert page.evaluate("document.querySelector('video').src").startswith("blob:"), "fed by hls.js"
    assert page.evaluate("document.querySelector('video source')") is None, "the plain file is let go: a narrow line has no room for both"
    assert any(url.endswith("/master.m3u8") for url in asked)
    assert page.get_attribute("[data-choice=auto]", "aria-current") == "true"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.errors == []


@pytest.mark.clause("DLV08")
def test_without_script_the_same_film_goes_as_a_plain_file(chromium: Any, address: str) -> None:
    page = page_of(chromium, java_script_enabled=False)
    page.goto(address)
    page.mouse.click(195, 220)  # the browser's own player: a tap on the picture starts it
    page.focus("video")
    page.keyboard.press("Space")
    shots = []
    for _second in range(4):
        page.wait_for_timeout(700)
        shots.append(page.locator("video").screenshot())
    assert len(set(shots)) > 1, "the picture moves"


def test_a_phone_that_has_no_hls_plays_the_plain_file(chromium: Any, address: str) -> None:
    page = page_of(chromium)
    page.route("**/*.m3u8", lambda route: route.abort())
    page.goto(address)
    page.wait_for_selector("[data-streaming='hls.js']")
    page.evaluate(PLAY)
    goes(page)
    assert page.evaluate("document.querySelector('video').currentSrc").endswith(".mp4")


def test_a_phone_that_cannot_fetch_the_library_plays_the_plain_file(chromium: Any, address: str) -> None:
    page = page_of(chromium)
    page.route("**/hls.min.js", lambda route: route.abort())
    page.goto(address)
    page.wait_for_selector("[data-streaming='hls.js']")
    page.evaluate(PLAY)
    goes(page)
    assert page.evaluate("document.querySelector('video').src").endswith(".mp4")


@pytest.mark.clause("DLV09")
def test_low_rate_and_sound_alone_go_after_one_tap(chromium: Any, address: str) -> None:
    page = page_of(chromium)
    page.goto(address)
    page.click("[data-choice=low]")
    page.wait_for_load_state()
    page.evaluate(PLAY)
    goes(page, 1.0)
    assert page.evaluate("document.querySelector('video').videoHeight") <= 240
    page.click("[data-choice=audio]")
    page.wait_for_selector("audio")
    page.evaluate(PLAY)
    goes(page, 1.0)
    assert page.errors == []


def test_the_place_is_kept_on_the_device_and_nowhere_else(chromium: Any, address: str) -> None:
    page = page_of(chromium)
    page.goto(address)
    page.wait_for_selector("[data-streaming]")
    page.evaluate(PLAY)
    goes(page, 6.0)
    page.evaluate("document.querySelector('video').pause()")
    page.reload()
    assert "接着放" in page.inner_text("[data-resume]")
    page.wait_for_selector("[data-streaming]")
    page.evaluate(PLAY)
    goes(page, 6.5)
    assert page.context.cookies() == []
    page.reload()
    page.click("[data-resume] button")
    page.wait_for_function("document.querySelector('video').currentTime < 5 && !document.querySelector('video').paused")


@pytest.mark.clause("DLV09")
def test_wifi_only_asks_before_it_spends_traffic(chromium: Any, address: str) -> None:
    page = page_of(chromium)
    page.context.add_cookies([{"name": "wifi", "value": "1", "url": address}])
    page.goto(address)
    page.wait_for_selector("[data-streaming]")
    page.evaluate("document.querySelector('video').play().catch(() => 0)")
    page.wait_for_selector("[data-ask]:not([hidden])")
    assert page.evaluate("document.querySelector('video').paused")
    page.click("[data-ask] button")
    goes(page, 1.0)


def test_speed_and_keys_work(chromium: Any, address: str) -> None:
    page = page_of(chromium)
    page.goto(address)
    page.wait_for_selector("[data-streaming]")
    page.select_option("[data-speed]", "1.5")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("k")
    goes(page, 1.0)
    assert page.evaluate("document.querySelector('video').playbackRate") == 1.5
    page.keyboard.press("k")
    page.wait_for_function("document.querySelector('video').paused")
    before = page.evaluate("document.querySelector('video').currentTime")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.querySelector('video').currentTime > {before} + 4")


@pytest.mark.parametrize("letters", ["18", "24", "30"])
def test_pages_have_no_serious_finding_of_axe_and_letters_and_targets_are_large(
    chromium: Any, shown: Stock, live_server: Any, address: str, letters: str
) -> None:
    axe = finders.find("vendor/axe.min.js")
    assert isinstance(axe, str)
    page = page_of(chromium)
    page.context.add_cookies([{"name": "letters", "value": letters, "url": live_server.url}])
    column = reverse("desks:portal_column", args=[shown.columns["种养技术"].uid])
    for url in ("/", column, "/search/?q=猪", "/search/?q=挖掘机", "/reading/", address.removeprefix(live_server.url), WITHDRAWN):
        page.goto(live_server.url + url)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        page.add_script_tag(path=axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
        assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == [], url
        assert page.evaluate(SMALL_PRINT) == [], url
        assert page.evaluate(SMALL_TARGETS, [60 if letters != "18" else 44]) == [], url
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url
