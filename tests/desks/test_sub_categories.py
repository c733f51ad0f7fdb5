"""Sub-categories of a column on the phone and on the television: offered with their numbers, and the list narrowed to one."""

from __future__ import annotations

import re
from datetime import date
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from tests.desks.conftest import Stock
from tests.desks.test_portal_pages import Outline
from yuanjiao.courseware import commands
from yuanjiao.courseware.models import ColumnCategory, Courseware, CoursewareClass, CoursewareSource
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.desks.tv.boxes import ROWS, TILES

pytestmark = [pytest.mark.django_db, pytest.mark.clause("CW15")]
IN_FIRST = ROWS + 2


@pytest.fixture
def sorted_column(stock: Stock) -> Stock:
    """A column with items in two of its three sub-categories, more than one sheet in the first, and one item in none."""
    stock.column("市委部署")
    titles = {"学习": IN_FIRST, "落实": 1, "空着的": 0}
    parts = {title: category(stock, title) for title in titles}
    for title, count in titles.items():
        for n in range(count):
            put(stock, f"{title}第{n}讲", parts[title])
    put(stock, "没有分类的", None)
    return stock


def category(stock: Stock, title: str) -> ColumnCategory:
    return commands.add_category(column=stock.columns["市委部署"], title=title, by=stock.cast.actor("shiguan"), at=stock.at)


def put(stock: Stock, title: str, part: ColumnCategory | None, **details: object) -> None:
    item = commands.create_courseware(
        title=title, kind=Kind.LINK, item_class=CoursewareClass.EDUCATION, source=CoursewareSource.OWN,
        address="https://a.example.cn/", by=stock.cast.actor("zhizuo"), at=stock.at,
    )  # fmt: skip
    stock.release(item, "市委部署")
    stock.columns["市委部署"].placements.filter(courseware=item).update(category=part)


def opened(address: str) -> tuple[str, list[dict[str, str]]]:
    answer = Client().get(address)
    assert answer.status_code == 200, address
    html = answer.content.decode()
    return html, Outline(html).all("a")


def uid_of(stock: Stock) -> UUID:
    return stock.columns["市委部署"].uid


def test_a_column_on_the_phone_is_narrowed_to_one_of_its_sub_categories(sorted_column: Stock) -> None:
    address = reverse("desks:portal_column", args=[uid_of(sorted_column)])
    html, _links = opened(address)
    ways = {name: way for way, name in re.findall(r'<a href="(\?[^"]*)"[^>]*>([^<]+)</a>', html)}
    assert list(ways) == ["全部", f"学习（{IN_FIRST}）", "落实（1）"], "an empty one leads to nothing"
    one, _links = opened(address + ways["落实（1）"])
    assert re.findall(r"data-read>([^<]+)</a></h3>", one) == ["落实第0讲"]
    assert 'aria-current="true">落实（1）<' in one
    assert opened(address + "?part=nonsense")[0].count("</h3>") == IN_FIRST + 2


def test_pages_of_a_sub_category_keep_to_it(sorted_column: Stock) -> None:
    part = ColumnCategory.objects.get(title="落实")
    for n in range(24):
        put(sorted_column, f"又一讲{n}", part)
    _html, links = opened(reverse("desks:portal_column", args=[uid_of(sorted_column)]) + f"?part={part.uid}")
    second = next(link["href"] for link in links if link.get("rel") == "next")
    assert opened(reverse("desks:portal_column", args=[uid_of(sorted_column)]) + second)[0].count("</h3>") == 1


def test_on_the_television_8_leads_to_the_sub_categories_and_back_to_them(sorted_column: Stock) -> None:
    column = reverse("desks:tv_column", args=[uid_of(sorted_column)])
    choice = next(link for link in opened(column)[1] if link.get("accesskey") == "8")["href"]
    html, tiles = opened(choice)
    assert re.findall(r'<span class="name">([^<]+)</span>', html) == ["全部", "学习", "落实"]
    assert [tile["accesskey"] for tile in tiles] == ["1", "2", "3", "0"]
    first, links = opened(tiles[1]["href"])
    assert first.count('class="row') == ROWS
    after = next(link["href"] for link in links if link.get("id") == "after")
    second, links = opened(after)
    assert second.count('class="row') == IN_FIRST - ROWS
    assert next(link["href"] for link in links if link.get("id") == "back") == choice
    item = next(link for link in links if "row" in link.get("class", ""))
    back = next(link["href"] for link in opened(item["href"])[1] if link.get("id") == "back")
    assert opened(back.split("#")[0])[0] == second
    assert back.endswith("#i1")


def test_a_column_without_sub_categories_offers_none(stock: Stock) -> None:
    stock.column("市委部署")
    put(stock, "一讲", None)
    assert "分类" not in opened(reverse("desks:portal_column", args=[uid_of(stock)]))[0]
    assert not any(link.get("accesskey") == "8" for link in opened(reverse("desks:tv_column", args=[uid_of(stock)]))[1])


def test_thirteen_sub_categories_are_turned_with_the_ninth_and_what_has_expired_is_not_counted(stock: Stock) -> None:
    stock.column("市委部署")
    for n in range(13):
        put(stock, f"第{n}讲", category(stock, f"分类{n}"))
    Courseware.objects.filter(title="第3讲").update(rights_to=date(2020, 1, 1))
    address = reverse("desks:tv_categories", args=[uid_of(stock)])
    first, links = opened(address)
    turn = next(link["href"] for link in links if link["accesskey"] == str(TILES))
    seen = re.findall(r'<span class="name">(分类\d+)</span>', first + opened(turn)[0])
    assert seen == [f"分类{n}" for n in range(13) if n != 3]
