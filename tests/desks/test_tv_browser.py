"""The television page walked in a real Chromium with six keys only, at every canvas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.desks.conftest import Stock
from yuanjiao.desks.tv.boxes import BOXES
from yuanjiao.programmes.models import PlayTally

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CANVASES = ("sd640", "sd", "hd")
FOCUSED = "document.activeElement.textContent.replace(/\\s+/g, ' ').trim()"
GOES = """([least]) => { const film = document.getElementById('film');
  return film && film.currentTime > least && film.videoWidth > 0 && film.getVideoPlaybackQuality().totalVideoFrames > 5; }"""
STRAYS = """() => [...document.querySelectorAll('#canvas a, #canvas h1, #canvas p, #canvas span')].filter(one => {
  const is = one.getBoundingClientRect(), all = document.getElementById('canvas').getBoundingClientRect();
  const [x, y] = [all.width * 0.05 - 1, all.height * 0.048];
  return is.width && (is.left < x || is.top < y || is.right > all.width - x || is.bottom > all.height - y);
}).map(one => one.outerHTML.slice(0, 90))"""
SMALL_PRINT = """() => [...document.querySelectorAll('#canvas *')].filter(one =>
  [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
  && one.getClientRects().length && parseFloat(getComputedStyle(one).fontSize) < 24).map(one => one.outerHTML.slice(0, 90))"""
SEND = """code => { const key = new Event('keydown', {bubbles: true, cancelable: true});
  Object.defineProperty(key, 'keyCode', {value: code}); document.body.dispatchEvent(key); }"""


@pytest.fixture
def film(long_film: Path) -> Path:
    return long_film


def television(chromium: Any, box: str, url: str) -> Any:
    canvas = BOXES[box].canvas
    page = chromium.new_context(viewport={"width": canvas.width, "height": canvas.height}).new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(f"{url}/tv/?box={box}")
    return page


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def open_with(page: Any, key: str, pattern: str) -> None:
    with page.expect_navigation(url=f"**{pattern}**"):
        page.keyboard.press(key)


@pytest.mark.clause("DLV07")
@pytest.mark.parametrize("box", CANVASES)
def test_six_keys_find_and_play_a_film_and_come_back_to_its_row(chromium: Any, shown: Stock, live_server: Any, box: str) -> None:
    page = television(chromium, box, live_server.url)
    assert "全部课件" in page.evaluate(FOCUSED), "something is chosen from the start"
    press(page, "ArrowRight")
    assert "种养技术" in page.evaluate(FOCUSED)
    open_with(page, "Enter", "/tv/columns/")
    press(page, "ArrowDown")
    wanted = page.evaluate(FOCUSED)
    open_with(page, "Enter", "/tv/items/")
    assert page.inner_text("#title") in wanted
    assert "播放" in page.evaluate(FOCUSED)
    open_with(page, "Enter", "/tv/play/")
    page.wait_for_function(GOES, arg=[2.0], timeout=20_000)
    press(page, "Enter")
    assert page.evaluate("document.getElementById('film').paused")
    press(page, "Enter")
    page.wait_for_function("!document.getElementById('film').paused")
    press(page, "ArrowRight")
    page.wait_for_function(GOES, arg=[14.0], timeout=20_000)
    open_with(page, "Backspace", "/tv/columns/")
    assert page.evaluate(FOCUSED) == wanted
    open_with(page, "Backspace", "/tv/")
    assert page.errors == []


@pytest.mark.clause("DLV07")
def test_digits_alone_reach_the_film_in_three_presses(chromium: Any, shown: Stock, live_server: Any) -> None:
    page = television(chromium, "sd640", live_server.url)
    open_with(page, "2", "/tv/columns/")
    open_with(page, "1", "/tv/items/")
    open_with(page, "1", "/tv/play/")
    page.wait_for_function(GOES, arg=[0.5], timeout=20_000)
    open_with(page, "0", "/tv/columns/")


@pytest.mark.parametrize(
    ("box", "down", "ok", "back"), [("ipanel", 2, 13, 340), ("enrich", 83, 13, 8), ("dvn", 40, 4097, 640), ("sd", 2, 4097, 640)]
)
def test_remote_controls_of_other_makers_work_by_their_own_codes(
    chromium: Any, shown: Stock, live_server: Any, box: str, down: int, ok: int, back: int
) -> None:
    page = television(chromium, box, live_server.url)
    with page.expect_navigation(url="**/tv/all/**"):
        page.evaluate(SEND, ok)
    first = page.evaluate(FOCUSED)
    page.evaluate(SEND, down)
    assert page.evaluate(FOCUSED) not in {first, ""}
    with page.expect_navigation(url="**/tv/?box=**"):
        page.evaluate(SEND, back)


def test_the_end_of_a_film_leads_back_to_the_list(chromium: Any, shown: Stock, live_server: Any) -> None:
    page = television(chromium, "hd", live_server.url)
    open_with(page, "1", "/tv/all/")
    open_with(page, "1", "/tv/items/")
    open_with(page, "1", "/tv/play/")
    page.wait_for_function(GOES, arg=[0.2], timeout=20_000)
    with page.expect_navigation(url="**/tv/all/**"):
        page.evaluate("film = document.getElementById('film'), film.currentTime = film.duration - 0.3")


@pytest.mark.clause("DLV07")
@pytest.mark.parametrize("box", CANVASES)
def test_pages_keep_to_the_canvas_its_safe_margin_and_letters_of_24_px(chromium: Any, shown: Stock, live_server: Any, box: str) -> None:
    for n in range(6):
        shown.column(f"柳溪县基层党员专栏风采展示第{n}部")
    long = "关于做好当前春季农业生产、森林防火、动物疫病防控以及农村饮水安全等各项重点工作的通知要点逐条解读与问答"
    shown.publish(long, "种养技术", summary="讲课人带着看圈舍、铺草、红外灯挂多高，打哪几针、隔几天打。" * 12, speaker="王建国")
    page = television(chromium, box, live_server.url)
    canvas = BOXES[box].canvas
    item = f"/tv/items/{shown.items[long].uid}/"
    for address in ("/tv/", "/tv/all/", item, "/tv/box/", "/tv/items/018f0000-0000-7000-8000-000000000000/"):
        page.goto(live_server.url + address)
        assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
            canvas.width,
            canvas.height,
        ]
        assert page.evaluate(STRAYS) == [], address
        assert page.evaluate(SMALL_PRINT) == [], address
    page.goto(live_server.url + item)
    cut = "document.getElementById('room').scrollHeight - document.getElementById('room').clientHeight"
    assert page.evaluate(cut) <= 0, "title and summary fit"


@pytest.mark.clause("DLV22")
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1366, 768), (1024, 768)])
def test_a_whiteboard_fills_its_screen_and_is_led_by_a_finger(
    chromium: Any, shown: Stock, live_server: Any, width: int, height: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height}, has_touch=True)
    page = context.new_page()
    page.goto(f"{live_server.url}/tv/?box=board")
    is_wide = page.evaluate("document.getElementById('canvas').getBoundingClientRect().toJSON()")
    assert max(is_wide["width"] / width, is_wide["height"] / height) == pytest.approx(1, abs=0.01), "as large as the screen"
    assert is_wide["left"] == pytest.approx((width - is_wide["width"]) / 2, abs=1)
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [width, height]
    for place, pattern in (("#i2", "/tv/columns/"), ("#i1", "/tv/items/"), ("#i1", "/tv/play/")):
        with page.expect_navigation(url=f"**{pattern}**"):
            page.tap(place)
    page.wait_for_function(GOES, arg=[0.5], timeout=20_000)
    page.touchscreen.tap(width / 2, height / 3)
    page.wait_for_function("document.getElementById('film').paused")
    for place in ("#back", "#pause", "#rewind", "#forward", "#whole"):
        assert page.locator(place).bounding_box()["height"] >= 44, place
    page.tap("#whole")
    page.wait_for_function("document.fullscreenElement !== null")
    page.tap("#pause")
    page.wait_for_function("!document.getElementById('film').paused")
    with page.expect_navigation(url="**/tv/columns/**"):
        page.tap("#back")


def test_a_row_looks_as_before_once_the_choice_has_moved_on(chromium: Any, shown: Stock, live_server: Any) -> None:
    page = television(chromium, "hd", live_server.url)
    open_with(page, "1", "/tv/all/")
    drawn = "JSON.stringify(document.getElementById('i1').getBoundingClientRect())"
    before = page.evaluate(drawn), page.get_attribute("#i1", "class").removesuffix(" on")
    press(page, "ArrowDown")
    assert (page.evaluate(drawn), page.get_attribute("#i1", "class")) == before


@pytest.mark.clause("FBK08")
def test_a_film_seen_to_its_end_on_the_television_is_counted_once(chromium: Any, shown: Stock, live_server: Any) -> None:
    del shown
    page = television(chromium, "sd", live_server.url)
    for digit, pattern in (("1", "/tv/all/"), ("1", "/tv/items/"), ("1", "/tv/play/")):
        open_with(page, digit, pattern)
    page.wait_for_function(GOES, arg=[1.0], timeout=20_000)
    row = PlayTally.objects.get()
    assert (row.started, row.finished) == (1, 0)
    with page.expect_request(f"**/plays/{row.item_uid}/finished/"):
        page.evaluate("const film = document.getElementById('film'); film.currentTime = film.duration - 0.6")
    page.wait_for_url("**/tv/all/**")
    row.refresh_from_db()
    assert (row.started, row.finished) == (1, 1)
