"""What is no film has a page of its own on the phone and leaves on the television: articles, pictures, documents, links."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.desks.conftest import Stock, photo
from tests.desks.test_tv_browser import open_with, television
from yuanjiao.courseware import commands
from yuanjiao.desks.tv.leaves import in_screens

pytestmark = pytest.mark.django_db(transaction=True)


def text(url: str, **cookies: str) -> str:
    client = Client()
    client.cookies.load(cookies)
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


@pytest.mark.clause("DLV08")
def test_an_article_is_read_where_it_stands_without_a_player(shown: Stock) -> None:
    page = text(reverse("desks:portal_item", args=[shown.article().uid]))
    assert "<strong>盐水</strong>" in page
    assert "data-player" not in page
    assert "data-aloud" in page
    assert "图文" in page


def test_pictures_say_their_size_first_to_those_who_save(shown: Stock) -> None:
    item = shown.made("果树修剪图解", "pictures")
    for caption in ("疏枝", "回缩"):
        commands.add_picture(courseware=item, content=photo(), caption=caption, by=shown.cast.actor("zhizuo"), at=shown.at)
    shown.release(item, "种养技术")
    url = reverse("desks:portal_item", args=[item.uid])
    assert text(url).count('width="800" height="600"') == 2
    assert "疏枝" in text(url)
    assert text(url, saving="1").count("看第") == 2
    assert '<img src="/blobs' not in text(url, saving="1")
    assert "2 张" in text("/search/")


def test_a_link_says_that_it_leads_away(shown: Stock) -> None:
    item = shown.release(shown.made("共产党员网", "link", address="https://www.12371.cn/a"), "政策解读")
    page = text(reverse("desks:portal_item", args=[item.uid]))
    assert "<b>www.12371.cn</b>" in page
    assert 'href="https://www.12371.cn/a" rel="noopener noreferrer"' in page
    assert reverse("desks:portal_qr", args=[item.uid]) in text(reverse("desks:tv_item", args=[item.uid]))


@pytest.mark.clause("CW20")
def test_kinds_and_ages_are_filters_that_stay_while_one_searches(shown: Stock) -> None:
    shown.article()
    pupils = shown.release(shown.made("小学生防溺水", "link", address="https://e.example/", age_band="primary"), "政策解读")
    page = text("/search/?age=primary")
    assert pupils.title in page
    assert "选种五步法" not in page
    assert 'name="age" value="primary"' in page
    page = text("/search/?kind=article")
    assert "选种五步法" in page
    assert pupils.title not in page
    assert "小学（6—12 岁）" in page


@pytest.mark.clause("DLV01")
@pytest.mark.browser
@pytest.mark.parametrize("box", ["sd640", "sd", "hd"])
def test_an_article_is_leafed_through_with_the_remote_control(chromium: Any, shown: Stock, live_server: Any, box: str) -> None:
    item = shown.article()
    page = television(chromium, box, live_server.url)
    page.goto(f"{live_server.url}{reverse('desks:tv_item', args=[item.uid])}?box={box}")
    open_with(page, "1", "/tv/read/")
    read = page.inner_text("#room")
    assert page.evaluate("document.activeElement.id") == "after", "OK alone leafs on"
    for _ in range(30):
        assert page.evaluate("document.getElementById('room').scrollHeight <= document.getElementById('room').clientHeight")
        if page.locator("#after").count() == 0:
            break
        open_with(page, "9", "/tv/read/")
        read += page.inner_text("#room")
    assert "".join(read.split()).count("浮起来的不要。") == 60, "not a word is lost"
    assert page.locator("#room img").count() == 1, "the picture has a leaf of its own"
    open_with(page, "7", "/tv/read/")
    open_with(page, "0", "/tv/items/")


def test_screens_hold_what_fits_and_lose_nothing() -> None:
    screens = in_screens(["一" * 95, "二" * 3, "三" * 40], letters=11, lines=5)
    assert "".join(part for screen in screens for part in screen) == "一" * 95 + "二" * 3 + "三" * 40
    assert all(sum(-(-len(part) // 10) for part in screen) <= 5 for screen in screens)
