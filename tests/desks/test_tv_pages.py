"""The television page as a box without script sees it: plain links, the same items for every box."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from tests.desks.conftest import Stock
from tests.desks.test_portal_pages import Outline, text
from yuanjiao.desks.tv.boxes import BOXES, ROWS
from yuanjiao.simulation.cast import Cast

UID = re.compile(r"/items/([0-9a-f-]{36})/")
MODERN = {
    "let or const": r"\b(let|const)\s+[\w{\[]",
    "arrow function": r"=>",
    "template string": r"`",
    "class": r"\bclass\s+\w+\s*\{",
    "spread or rest": r"\.\.\.",
    "for … of": r"\bfor\s*\([^)]*\bof\b",
    "destructuring": r"\bvar\s*[{\[]",
    "default argument": r"function\s*\w*\([^)]*=[^)]*\)",
    "optional chaining": r"\?\.[\w\[(]",
    "nullish": r"\?\?",
    "exponent": r"\*\*",
    "promise, fetch, async": r"\b(Promise|fetch|async|await)\b",
    "collections of ES6": r"\bnew\s+(Map|Set|WeakMap|Symbol)\b|\bSymbol\b",
    "newer methods": r"\.(includes|startsWith|endsWith|padStart|repeat|find|findIndex|from|assign|entries)\(",
    "methods of ES5 arrays": r"\.(forEach|map|filter|some|every|reduce|bind)\(",
    "shorthand method": r"[{,]\s*(?!(?:function|if|for|while|switch|catch)\b)\w+\s*\([^)]*\)\s*\{",
    "newer DOM": r"\b(querySelector|addEventListener|classList|dataset|closest|append)\b",
}


def walk(client: Client, start: str, box: str) -> list[str]:
    """Item uids of a list, page by page by the link 下一页, as a box would go."""
    found: list[str] = []
    address = f"{start}?box={box}"
    while address:
        outline = Outline(text(address, client))
        found += [match[1] for link in outline.all("a") if "row" in link.get("class", "") and (match := UID.search(link["href"]))]
        address = next((link["href"] for link in outline.all("a") if link.get("id") == "after"), "")
    return found


def phone(start: str) -> list[str]:
    """Item uids of a portal list, page by page."""
    found: list[str] = []
    address = start
    while address:
        page = text(address)
        found += re.findall(r'href="/items/([0-9a-f-]{36})/" data-read', page)
        after = [link["href"] for link in Outline(page).all("a") if link.get("rel") == "next"]
        address = start.split("?")[0] + after[0] if after else ""
    return found


@pytest.mark.clause("DLV01")
def test_every_kind_of_box_and_the_phone_list_the_same_items_in_the_same_order(shown: Stock) -> None:
    for n in range(27):
        shown.publish(f"养鸡第{n}讲", "种养技术" if n % 2 else "政策解读")
    shown.withdraw("养鸡第5讲")
    everything = phone("/search/")
    assert len(everything) == len(set(everything)) == 29
    assert {UUID(uid) for uid in everything} == {item.uid for title, item in shown.items.items() if title != "养鸡第5讲"}
    for box in BOXES:
        assert walk(Client(), "/tv/all/", box) == everything
        for column in shown.columns.values():
            on_phone = phone(reverse("desks:portal_column", args=[column.uid]))
            assert walk(Client(), reverse("desks:tv_column", args=[column.uid]), box) == on_phone


@pytest.mark.clause("DLV07")
@pytest.mark.parametrize("box", sorted(BOXES))
def test_pages_are_plain_links_in_focus_order_with_digits_and_a_way_back(shown: Stock, box: str) -> None:
    item = reverse("desks:tv_item", args=[shown.items["医疗保险怎么报销"].uid])
    play = reverse("desks:tv_play", args=[shown.items["医疗保险怎么报销"].uid])
    for address in ("/tv/", "/tv/all/", item, play):
        outline = Outline(text(f"{address}?box={box}"))
        links = outline.all("a")
        assert all(link["href"] and "javascript" not in link["href"] and "onclick" not in link for link in links)
        order = [int(link["tabindex"]) for link in links if "tabindex" in link]
        assert len(order) == len(set(order))
        assert any(link.get("accesskey") == "1" for link in links) or address == play
        assert address == "/tv/" or next(link for link in links if link.get("id") == "back")["accesskey"] == "0"
        assert {script["src"] for script in outline.all("script")} == {"/static/desks/tv.js"}, "no framework"


def test_three_steps_lead_from_power_on_to_the_film(shown: Stock) -> None:
    client = Client()
    column = next(link for link in Outline(text("/tv/", client)).all("a") if "/columns/" in link["href"])
    row = next(link for link in Outline(text(column["href"], client)).all("a") if "row" in link.get("class", ""))
    film = next(link for link in Outline(text(row["href"], client)).all("a") if "/play/" in link["href"])
    (video,) = Outline(text(film["href"], client)).all("video")
    assert "autoplay" in video
    assert video["src"].endswith(".mp4")
    assert Client().get(video["src"], headers={"Range": "bytes=0-1"}).status_code == 206


def test_the_way_back_leads_to_the_same_page_and_row_of_the_same_list(shown: Stock) -> None:
    for n in range(ROWS):
        shown.publish(f"养鸡第{n}讲", "种养技术")
    column = reverse("desks:tv_column", args=[shown.columns["种养技术"].uid])
    row = [link for link in Outline(text(column + "?p=2")).all("a") if "row" in link.get("class", "")][1]
    film = next(link for link in Outline(text(row["href"])).all("a") if "/play/" in link["href"])
    for address in (row["href"], film["href"]):
        back = next(link for link in Outline(text(address)).all("a") if link.get("id") == "back")
        assert back["href"] == f"{column}?p=2#i2"


@pytest.mark.parametrize("query", ["c=nonsense&p=x&n=<b>", "c=&p=&n=", "box=unknown", "p=999", "v=audio"])
def test_odd_addresses_still_answer(shown: Stock, query: str) -> None:
    uid = shown.items["医疗保险怎么报销"].uid
    for name in ("tv_item", "tv_play"):
        page = text(reverse(f"desks:{name}", args=[uid]) + "?" + query)
        assert '<b>"' not in page
    assert Client().get("/tv/?" + query).status_code == 200
    assert Client().get("/tv/all/?" + query).status_code == 200


def test_more_than_nine_tiles_are_turned_with_the_ninth(stock: Stock) -> None:
    for n in range(12):
        stock.column(f"栏目{n}")
    first = Outline(text("/tv/")).all("a")
    turn = next(link for link in first if link.get("accesskey") == "9")
    second = text(turn["href"])
    seen = [link["href"] for link in (*first, *Outline(second).all("a")) if "/columns/" in link["href"]]
    assert len(seen) == len(set(seen)) == 12
    assert "更多栏目" in second


def test_a_box_is_remembered_by_cookie_or_by_its_address(shown: Stock) -> None:
    client = Client()
    assert client.get("/tv/box/?box=hd").status_code == 302
    assert 'class="hd720' in text("/tv/all/", client)
    kept = [link["href"] for link in Outline(text("/tv/?box=ipanel")).all("a")]
    assert all("box=ipanel" in href for href in kept if href != "/tv/box/"), "a box without cookies stays the box it is"


def test_only_a_box_that_belongs_to_a_site_is_led_to_recording(shown: Stock) -> None:
    assert "今天的课" not in text("/tv/")
    page = text("/tv/?site=ZD-1&key=123456789012")
    assert "/learning/tv/?site=ZD-1&amp;key=123456789012" in page


def test_an_empty_node_says_what_will_happen(cast: Cast) -> None:
    assert "还没有栏目" in text("/tv/")
    assert "还没有课件" in text("/tv/all/")


def test_a_missing_item_gets_a_page_the_remote_control_can_leave(cast: Cast) -> None:
    answer = Client().get("/tv/items/018f0000-0000-7000-8000-000000000000/")
    assert answer.status_code == 404
    (back,) = (link for link in Outline(answer.content.decode()).all("a") if link.get("id") == "back")
    assert back["href"] == "/tv/"


def bare(source: str) -> str:
    """The script without comments and string contents."""
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    return re.sub(r"'(?:\\.|[^'\\])*'", "''", source)


@pytest.mark.parametrize("feature", sorted(MODERN))
def test_the_script_of_the_television_page_keeps_to_what_old_boxes_read(feature: str) -> None:
    found = finders.find("desks/tv.js")
    assert isinstance(found, str)
    hits = re.findall(MODERN[feature], bare(Path(found).read_text()))
    assert not hits, feature


def test_the_script_is_small() -> None:
    found = finders.find("desks/tv.js")
    assert isinstance(found, str)
    assert Path(found).stat().st_size < 8_000
