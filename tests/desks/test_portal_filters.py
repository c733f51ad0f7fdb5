"""Filters of the portal: class, cases, and the labels of every taxonomy, one of each at a time, with words and without."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.desks.conftest import Stock
from yuanjiao.courseware import commands, search
from yuanjiao.courseware.models import Courseware, CoursewareClass, CoursewareSource, Topic
from yuanjiao.courseware.rules.kinds import CASE_PARTS, Kind

pytestmark = pytest.mark.django_db
TITLES = ("冬季选种示范", "冬季选种座谈", "冬季读书会", "冬季大棚一课")


@pytest.fixture
def labelled(stock: Stock) -> Stock:
    """Three links with labels, and a teaching case."""
    commands.ensure_usual_lists(by=stock.cast.actor("shiguan"), at=stock.at)
    stock.column("种养技术")
    make(stock, TITLES[0], "farming", "farmers", "show")
    make(stock, TITLES[1], "farming", "farmers", "talk")
    make(stock, TITLES[2], "culture", "elders", "talk", item_class=CoursewareClass.EDUCATION)
    case(stock, TITLES[3])
    search.catch_up()
    return stock


def make(stock: Stock, title: str, *codes: str, item_class: CoursewareClass = CoursewareClass.SERVICE) -> Courseware:
    item = commands.create_courseware(
        title=title, kind=Kind.LINK, item_class=item_class, source=CoursewareSource.OWN, address="https://a.example.cn/",
        topics=list(Topic.objects.filter(code__in=codes)), by=stock.cast.actor("zhizuo"), at=stock.at,
    )  # fmt: skip
    return stock.release(item, "种养技术")


def case(stock: Stock, title: str) -> Courseware:
    item, by = stock.made(title, "article", is_case=True), stock.cast.actor("zhizuo")
    commands.write_article(courseware=item, source="".join(f"## {part}\n\n有内容。\n\n" for part in CASE_PARTS), by=by, at=stock.at)
    return stock.release(item, "种养技术")


def page(**asked: Any) -> str:
    answer = Client().get("/search/?" + urlencode(asked, doseq=True))
    assert answer.status_code == 200
    return answer.content.decode()


def listed(**asked: Any) -> set[str]:
    return set(re.findall(r"data-read>([^<]+)</a></h3>", page(**asked)))


@pytest.mark.clause("CW04", "CW16")
@pytest.mark.parametrize("words", ["", "冬季"])
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"topic": "farming"}, TITLES[:2]),
        ({"topic": "elders"}, TITLES[2:3]),
        ({"topic": "talk"}, TITLES[1:3]),
        ({"topic": ["farming", "talk"]}, TITLES[1:2]),
        ({"topic": ["culture", "farmers"]}, ()),
        ({"class": "education"}, TITLES[2:3]),
        ({"class": "service", "topic": "talk"}, TITLES[1:2]),
        ({"case": "1"}, TITLES[3:]),
        ({"topic": "nonsense"}, TITLES),
    ],
    ids=str,
)
def test_labels_class_and_cases_narrow_the_list_with_words_and_without(
    labelled: Stock, words: str, asked: dict[str, Any], found: tuple[str, ...]
) -> None:
    assert listed(q=words, **asked) == set(found)


@pytest.mark.clause("CW16")
def test_a_label_replaces_the_other_of_its_taxonomy_and_stays_beside_the_rest(labelled: Stock) -> None:
    html = page(q="冬季", topic=["farming", "farmers"])
    ways = {name: address.replace("&amp;", "&") for address, name in re.findall(r'<a href="(\?[^"]+)"[^>]*>([^<]+)</a>', html)}
    assert ways["文化生活"].endswith("&topic=farmers&topic=culture")
    assert ways["座谈问答"].endswith("&topic=farming&topic=farmers&topic=talk")
    for name in ("农业技术", "种养农户"):
        assert re.search(rf'aria-current="true">{name}<', html)
    assert "法治安全" not in html, "a label that leads to nothing is not offered"
    assert '<input type="hidden" name="topic" value="farmers">' in html, "another word keeps the labels"
    assert '<details class="labels" open>' in html


@pytest.mark.clause("CW23")
def test_the_case_library_is_one_tap_away_where_there_are_cases(labelled: Stock) -> None:
    assert '<a href="?q=&amp;case=1">教学案例库</a>' in page()
    assert "<h2>教学案例库</h2>" in page(case="1")
    labelled.withdraw(TITLES[3])
    assert "教学案例库" not in page()
