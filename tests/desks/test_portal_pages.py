"""The portal as a browser without script sees it."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from uuid import uuid4

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from tests.desks.conftest import Stock
from yuanjiao.flow.models import Node
from yuanjiao.simulation.cast import Cast
from yuanjiao.ui.templatetags.zh import size

FIRST_PAGE_BYTES = 60_000


def text(url: str, client: Client | None = None, **headers: str) -> str:
    answer = (client or Client(headers=headers)).get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def item_url(stock: Stock, title: str) -> str:
    return reverse("desks:portal_item", args=[stock.items[title].uid])


def column_url(stock: Stock, title: str) -> str:
    return reverse("desks:portal_column", args=[stock.columns[title].uid])


class Outline(HTMLParser):
    """Tags with their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, wanted: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag == wanted]


def test_the_first_page_says_what_to_do_while_there_is_nothing(cast: Cast) -> None:
    page = text("/")
    assert "还没有上架的课件" in page
    assert "几分钟后刷新" in page


def test_the_first_page_shows_columns_and_the_newest_items_without_log_in(shown: Stock) -> None:
    page = text("/")
    for title in (*shown.columns, *shown.items):
        assert title in page
    assert reverse("people:log_in") in page


@pytest.mark.clause("DLV03")
def test_a_column_stands_on_every_kind_of_terminal_from_its_first_day_to_its_last(shown: Stock) -> None:
    shown.column("旧专栏", visible_from=date(2025, 1, 1), visible_to=date(2025, 6, 1))
    shown.column("将来的专栏", visible_from=date(2099, 1, 1))
    for face in ("/", "/tv/"):
        page = text(face)
        assert page.index("种养技术") < page.index("政策解读"), "columns stand in their order"
        assert "旧专栏" not in page
        assert "将来的专栏" not in page
    assert Client().get(column_url(shown, "旧专栏")).status_code == 404


def test_a_column_page_lists_only_its_items_and_turns_pages(shown: Stock) -> None:
    for n in range(25):
        shown.publish(f"养鸡第{n}讲", "种养技术")
    first, second = text(column_url(shown, "种养技术")), text(column_url(shown, "种养技术") + "?p=2")
    assert "医疗保险怎么报销" not in first + second
    assert 'rel="next"' in first
    assert 'rel="prev"' in second
    titles = [f"养鸡第{n}讲" for n in range(25)] + ["春季仔猪保温与防疫", "养殖补贴怎么申请"]
    assert all((f">{title}<" in first) != (f">{title}<" in second) for title in titles)


def test_search_finds_chinese_words_and_keeps_to_the_column_asked_for(shown: Stock) -> None:
    found = text("/search/?q=仔猪")
    assert "春季仔猪保温与防疫" in found
    assert "医疗保险怎么报销" not in found
    within = text(f"/search/?q=怎么&column={shown.columns['种养技术'].uid}")
    assert "养殖补贴怎么申请" in within
    assert "医疗保险怎么报销" not in within


def test_a_search_without_result_says_what_to_do_next(shown: Stock) -> None:
    page = text("/search/?q=挖掘机驾照")
    assert "没有找到“挖掘机驾照”" in page
    assert "换一个短一点的词" in page


def test_a_searched_word_cannot_become_markup(shown: Stock) -> None:
    assert "<script>alert" not in text("/search/?q=<script>alert(1)</script>")


@pytest.mark.parametrize("query", ["p=99", "p=x", "p=-1", "column=nonsense", "q=" + "长" * 500])
def test_odd_addresses_of_lists_still_answer(shown: Stock, query: str) -> None:
    assert Client().get(f"/search/?{query}").status_code == 200


def test_the_film_plays_without_script_from_a_plain_mp4_of_this_very_node(shown: Stock) -> None:
    outline = Outline(text(item_url(shown, "春季仔猪保温与防疫")))
    (video,), (source,) = outline.all("video"), outline.all("source")
    assert "controls" in video
    assert video["preload"] == "none"
    assert video["poster"].endswith(".jpg")
    assert source["type"] == "video/mp4"
    assert re.fullmatch(r"/blobs/[0-9a-f]{64}\.mp4", source["src"])
    film = Client().get(source["src"], headers={"Range": "bytes=0-99"})
    assert film.status_code == 206
    assert film["Content-Type"] == "video/mp4"


@pytest.mark.clause("DLV09")
def test_sizes_stand_before_playing_and_sound_alone_and_saving_are_one_tap_away(shown: Stock) -> None:
    sizes = {one.profile: one.size_bytes for one in shown.items["春季仔猪保温与防疫"].renditions.all()}
    listed, page = text("/"), text(item_url(shown, "春季仔猪保温与防疫"))
    assert f"看 {size(sizes['box-sd'])}<" in listed
    assert f"听 {size(sizes['audio'])}<" in listed
    for size_bytes in (sizes["box-sd"], sizes["audio"]):
        assert f"<small>{size(size_bytes)}<" in page
    ways = {one["data-choice"]: one["href"] for one in Outline(page).all("a") if "data-choice" in one}
    assert {"low", "std", "audio"} <= set(ways)
    sound = Outline(text(item_url(shown, "春季仔猪保温与防疫") + ways["audio"]))
    assert not sound.all("video")
    assert sound.all("source")[0]["type"] == "audio/mp4"
    assert sound.all("source")[0]["src"].endswith(".m4a")


@pytest.mark.clause("DLV09")
def test_saving_traffic_and_wifi_only_are_settings_of_the_device_that_need_no_script(shown: Stock) -> None:
    client = Client()
    assert client.post("/reading/", {"letters": "18", "saving": "on", "wifi_only": "on"}).status_code == 302
    assert "<img" not in text("/", client), "no pictures while saving"
    page = Outline(text(item_url(shown, "春季仔猪保温与防疫"), client))
    player = next(one for one in page.all("div") if "data-player" in one)
    assert player["data-wifi"] == "1"
    current = [one["data-choice"] for one in page.all("a") if one.get("aria-current") and "data-choice" in one]
    assert current == ["low"]


@pytest.mark.clause("DLV09")
def test_the_first_page_weighs_less_than_60_kb_without_pictures(stock: Stock) -> None:
    for n in range(8):
        stock.column(f"栏目名称第{n}个")
    for n in range(14):
        stock.publish(f"关于做好当前春季农业生产和森林防火以及动物疫病防控工作的通知第{n}讲", f"栏目名称第{n % 8}个", summary="讲" * 200)
    page = text("/")
    outline = Outline(page)
    needed = [one["href"] for one in outline.all("link") if one["rel"] == "stylesheet"] + [one["src"] for one in outline.all("script")]
    weight = len(page.encode())
    for address in needed:
        found = finders.find(address.removeprefix("/static/"))
        assert isinstance(found, str)
        with open(found, "rb") as file:
            weight += len(file.read())
    assert weight <= FIRST_PAGE_BYTES
    assert not outline.all("script"), "lists need no script at all"


def test_no_page_leads_to_another_machine(shown: Stock) -> None:
    item = item_url(shown, "春季仔猪保温与防疫")
    for url in ("/", "/search/", column_url(shown, "种养技术"), item, "/reading/", "/tv/", "/tv/all/"):
        page = text(url)
        assert set(re.findall(r'(?:href|src|action|poster|data)="(?:https?:)?//([^/"]+)', page)) <= {"testserver"}


@pytest.mark.clause("DLV18")
def test_a_shared_link_carries_title_and_picture_and_opens_without_log_in(shown: Stock) -> None:
    url = item_url(shown, "春季仔猪保温与防疫")
    told = {one["property"]: one["content"] for one in Outline(text(url)).all("meta") if "property" in one}
    assert told["og:title"] == "春季仔猪保温与防疫"
    assert told["og:url"] == f"http://testserver{url}"
    picture = Client().get(told["og:image"].removeprefix("http://testserver"))
    assert picture.status_code == 200
    assert picture["Content-Type"] == "image/jpeg"


def test_the_address_in_a_qr_code_is_the_public_one_of_this_node(shown: Stock, settings: object) -> None:
    settings.PUBLIC_URL = "https://edu.example/"  # type: ignore[attr-defined]
    url = item_url(shown, "春季仔猪保温与防疫")
    assert f'content="https://edu.example{url}"' in text(url)
    code = Client().get(url + "qr.svg")
    assert code["Content-Type"] == "image/svg+xml"
    assert code.content.startswith(b"<svg xmlns")


def test_captions_are_a_track_and_a_text_to_read(shown: Stock) -> None:
    page = text(item_url(shown, "春季仔猪保温与防疫"))
    (track,) = Outline(page).all("track")
    assert Client().get(track["src"])["Content-Type"] == "text/vtt"
    assert "乡亲们好，今天讲仔猪保温" in page


def test_a_withdrawn_item_is_gone_from_lists_and_addresses_of_both_faces(shown: Stock) -> None:
    url = item_url(shown, "医疗保险怎么报销")
    shown.withdraw("医疗保险怎么报销")
    answer = Client().get(url)
    assert answer.status_code == 404
    assert "没有这个内容" in answer.content.decode()
    assert "回首页" in answer.content.decode()
    uid = shown.items["医疗保险怎么报销"].uid
    for name in ("desks:tv_item", "desks:tv_play", "desks:portal_qr"):
        assert Client().get(reverse(name, args=[uid])).status_code == 404
    for face in ("/", "/search/", "/search/?q=医疗保险", "/tv/all/"):
        assert "医疗保险怎么报销</" not in text(face)


def test_an_unknown_item_gets_a_page_that_leads_on(cast: Cast) -> None:
    answer = Client().get(f"/items/{uuid4()}/")
    assert answer.status_code == 404
    assert reverse("desks:portal_search") in answer.content.decode()


def test_the_elder_version_is_one_link_away_on_every_page_and_comes_back_to_it(shown: Stock) -> None:
    client = Client()
    url = column_url(shown, "种养技术") + "?p=1"
    link = next(one["href"] for one in Outline(text(url, client)).all("a") if one["href"].startswith("/reading/24/"))
    answer = client.get(link)
    assert answer["Location"] == url
    assert 'class="px24 elder"' in text(url, client)
    client.get("/reading/18/")
    assert 'class="px18"' in text(url, client)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_the_letter_link_never_leads_away(cast: Cast, target: str) -> None:
    assert Client().get("/reading/24/", {"next": target})["Location"] == "/"


def test_unknown_letter_sizes_and_broken_cookies_are_harmless(cast: Cast) -> None:
    assert Client().get("/reading/17/").status_code == 404
    client = Client()
    client.cookies["letters"] = "9999"
    assert 'class="px18"' in text("/", client)


def test_nothing_is_recorded_of_who_looks(shown: Stock) -> None:
    client = Client()
    for url in ("/", item_url(shown, "春季仔猪保温与防疫"), "/search/?q=猪", "/tv/", "/tv/all/"):
        client.get(url)
    assert not client.cookies, "no session, no mark on the device unless it asked for a setting"


def test_below_the_top_only_columns_for_the_place_this_node_serves_are_shown(shown: Stock) -> None:
    liuxi, shiling = (shown.cast.divisions[code].path for code in ("990101000000", "990102000000"))
    shown.column("柳溪专栏", audience=liuxi)
    assert "柳溪专栏" in text("/"), "the top shows every open column"
    Node.objects.create(kind="centre", name="青禾市", public_key=b"k" * 32, is_parent=True, enrolled_at=shown.at)
    for place, there in ((liuxi, True), (shiling, False)):
        Node.objects.filter(is_self=True).update(scope=place)
        for face in ("/", "/tv/"):
            page = text(face)
            assert ("柳溪专栏" in page) == there
            assert "种养技术" in page
