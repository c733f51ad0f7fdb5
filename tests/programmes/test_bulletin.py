"""The weekly bulletin for telephones is composed from what was released."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from tests.programmes.conftest import Publish
from yuanjiao.courseware.models import Courseware
from yuanjiao.lib import clock
from yuanjiao.programmes.rules.bulletin import ALONE, compose, parts

LogIn = Callable[[str], Client]


def test_the_text_names_the_items_the_way_to_them_and_the_way_out() -> None:
    text = compose("青禾远教", date(2026, 2, 24), date(2026, 3, 2), ["果树 冬剪", "医保\n问答"], "https://edu.example/")
    assert text == "【青禾远教】2月24日至3月2日新课件：1.果树 冬剪；2.医保 问答。观看：https://edu.example/ 退订回T"


@pytest.mark.parametrize(("letters", "number"), [(1, 1), (ALONE, 1), (ALONE + 1, 2), (134, 2), (135, 3)])
def test_a_long_text_is_several_messages(letters: int, number: int) -> None:
    assert parts("远" * letters) == number
    assert parts("𣵦" * (letters // 2)) <= number


def test_only_what_was_released_in_the_week_is_named_and_withdrawn_items_are_not(
    publish: Publish, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    publish("果树冬剪")
    Courseware.objects.filter(pk=publish("上上周的课").pk).update(released_at=at - timedelta(days=9))
    Courseware.objects.filter(pk=publish("撤下的课").pk).update(state="withdrawn", withdrawn_at=at)
    client = log_in("shiguan")
    page = client.get("/programmes/bulletin/").content.decode()
    assert "1.果树冬剪。" in page
    assert "上上周的课" not in page
    assert "撤下的课" not in page
    assert "上上周的课" in client.get("/programmes/bulletin/?week=1").content.decode()
    assert "这一周没有发布课件" in client.get("/programmes/bulletin/?week=3&n=900").content.decode()
    file = client.get("/programmes/bulletin/?as=txt")
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert "1.果树冬剪。" in file.content.decode()
    assert log_in("zhizuo").get("/programmes/bulletin/").status_code == 403
