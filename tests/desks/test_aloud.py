"""Reading aloud by the device's own voice, on the phone page and on the television: the words that stand there, in order, and it stops."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from tests.desks.conftest import Stock
from yuanjiao.courseware.models import Courseware

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
VOICE = """(() => {
  window.said = []; window.cancelled = 0;
  window.SpeechSynthesisUtterance = function (text) { this.text = text; };
  const voice = {
    speaking: false,
    speak(one) { window.said.push(one); this.speaking = true; },
    cancel() { window.cancelled += 1; this.speaking = false; },
  };
  Object.defineProperty(window, 'speechSynthesis', { value: voice, configurable: true });
})()"""
SAID = "window.said.map((one) => one.text).join('')"


def opened(chromium: Any, url: str, view: dict[str, int], *, voice: bool = True) -> Any:
    page = chromium.new_context(viewport=view, locale="zh-CN").new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.add_init_script(VOICE if voice else "delete window.SpeechSynthesisUtterance;")
    page.goto(url)
    return page


def test_an_article_is_read_to_its_end_in_chinese_and_stops_when_asked(chromium: Any, shown: Stock, live_server: Any) -> None:
    address = live_server.url + reverse("desks:portal_item", args=[shown.article().uid])
    page = opened(chromium, address, {"width": 390, "height": 844})
    page.click("[data-aloud]")
    said = page.evaluate(SAID)
    assert said.startswith("选种五步法")
    assert said.index("晒种两天") < said.rindex("盐水选种") < len(said)
    assert said.count("浮起来的不要") == 60, "nothing is left out and nothing is said twice"
    assert set(page.evaluate("window.said.map((one) => one.lang)")) == {"zh-CN"}
    assert max(page.evaluate("window.said.map((one) => one.text.length)")) < 100, "a sentence at a time"
    assert page.inner_text("[data-aloud]") == "停下"
    page.click("[data-aloud]")
    assert page.evaluate("window.cancelled") >= 1
    assert page.inner_text("[data-aloud]") == "读给我听"
    page.click("[data-aloud]")
    page.evaluate("window.said.at(-1).onend()")
    assert page.inner_text("[data-aloud]") == "读给我听", "at the end it can be asked again"
    assert page.errors == []


def test_a_device_without_a_voice_offers_none(chromium: Any, shown: Stock, live_server: Any) -> None:
    address = live_server.url + reverse("desks:portal_item", args=[shown.article().uid])
    page = opened(chromium, address, {"width": 390, "height": 844}, voice=False)
    assert page.is_hidden("[data-aloud]")
    assert page.errors == []


def test_the_film_falls_silent_while_its_words_are_read_and_leaving_the_page_stops_them(
    chromium: Any, shown: Stock, live_server: Any
) -> None:
    item = shown.items["春季仔猪保温与防疫"]
    page = opened(chromium, live_server.url + reverse("desks:portal_item", args=[item.uid]), {"width": 390, "height": 844})
    page.evaluate("document.querySelector('video').pause = () => { window.paused = true; }")
    page.click("[data-aloud]")
    assert page.evaluate("window.paused") is True
    assert item.summary in page.evaluate(SAID)
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    assert page.evaluate("window.cancelled") == 1


@pytest.mark.parametrize("keys", [("3",), ("ArrowDown", "ArrowDown", "Enter")], ids=["digit", "six keys"])
def test_the_television_reads_title_and_summary_as_they_stand(chromium: Any, shown: Stock, live_server: Any, keys: tuple[str, ...]) -> None:
    item = shown.items["春季仔猪保温与防疫"]
    Courseware.objects.filter(pk=item.pk).update(summary="低于 15 度 & 潮湿时保温。")
    page = opened(chromium, live_server.url + reverse("desks:tv_item", args=[item.uid]), {"width": 720, "height": 576})
    for key in keys:
        page.keyboard.press(key)
    assert page.evaluate(SAID) == "春季仔猪保温与防疫。低于 15 度 & 潮湿时保温。"
    page.keyboard.press(keys[-1])
    assert page.evaluate("window.cancelled") >= 1, "it begins anew, never twice at once"
    assert page.errors == []


def test_a_whiteboard_reads_when_it_is_touched(chromium: Any, shown: Stock, live_server: Any) -> None:
    item = shown.items["春季仔猪保温与防疫"]
    page = opened(chromium, live_server.url + reverse("desks:tv_item", args=[item.uid]), {"width": 1280, "height": 720})
    page.click("#aloud")
    assert page.evaluate(SAID).startswith("春季仔猪保温与防疫。")
    assert page.errors == []
