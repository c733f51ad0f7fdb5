"""Letters (DLV17): one text, printed by every unit in its own name, with a one-off lesson; no parent, no addressee anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some

from tests.learning.stage import CITY, COUNTY, make_plan
from yuanjiao.flow.catalogue.shelf import ALL, Shelf
from yuanjiao.learning import queries, shelf
from yuanjiao.learning.commands import end_letter, issue_letter
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.models import Letter
from yuanjiao.learning.rules import GAPS, fill_letter, letter_fault
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.rules import Level
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
BODY = "各位家长：\n{地方}将于{时间}组织收看{课程}。\n\n请配合。{单位}"


def write(cast: Cast, at: datetime, **changes: Any) -> Letter:
    wanted: dict[str, Any] = {
        "title": "致家长的一封信",
        "body": BODY,
        "unit": cast.units["ZZ-9901"],
        "place": cast.divisions["990100000000"],
        "plan": None,
        "by": cast.actor("shiguan"),
        "at": at,
    }
    return issue_letter(**(wanted | changes))


@pytest.mark.parametrize(
    ("body", "fault"),
    [(" \n", "正文"), ("{家长姓名}好", "不认识"), ("{单位", "不成对"), ("单位}", "不成对"), (BODY, ""), ("没有空格要填", "")],
)
def test_only_known_gaps_are_taken(body: str, fault: str) -> None:
    assert (fault in letter_fault(body)) if fault else not letter_fault(body)


@given(some.lists(some.sampled_from([*GAPS, "甲", "乙"]), min_size=1), some.dictionaries(some.sampled_from(GAPS), some.just("填好")))
def test_every_gap_is_filled_or_a_line_to_write_on(words: list[str], filled: dict[str, str]) -> None:
    text = "".join(f"{{{word}}}" if word in GAPS else word for word in words)
    (line,) = fill_letter(text, filled)
    assert not set("{}") & set(line)
    assert line.count("填好") == sum(word in filled for word in words)
    assert line.count("＿＿＿＿＿＿") == sum(word in GAPS and word not in filled for word in words)


def test_who_may_write_and_what_is_refused(cast: Cast, at: datetime) -> None:
    with pytest.raises(NotFound):
        write(cast, at, by=cast.actor("xianguan"))
    with pytest.raises(Forbidden):
        write(cast, at, by=cast.actor("zhanguan"))
    with pytest.raises(Refused, match="标题"):
        write(cast, at, title=" ")
    with pytest.raises(Refused, match="不认识"):
        write(cast, at, body="{姓名}")
    narrow = make_plan(cast, at, scope=COUNTY)
    with pytest.raises(Refused, match="不包括"):
        write(cast, at, plan=narrow)
    row = write(cast, at)
    end_letter(letter=row, on=clock.local_day(at), by=cast.actor("shiguan"), at=at)
    with pytest.raises(Conflict):
        end_letter(letter=row, on=clock.local_day(at), by=cast.actor("shiguan"), at=at)


def test_letters_go_down_and_are_the_same_below(cast: Cast, at: datetime) -> None:
    one_shelf: Shelf = shelf
    row = write(cast, at, plan=make_plan(cast, at))
    above = one_shelf.offer(ALL)
    Letter.objects.all().delete()
    one_shelf.accept(above.document)
    here = Letter.objects.get(uid=row.uid)
    assert (here.title, here.body, here.plan_uid, here.unit.code) == (row.title, row.body, row.plan_uid, "ZZ-9901")
    assert one_shelf.offer(ALL) == above
    Letter.objects.all().delete()
    empty = one_shelf.offer(ALL)
    one_shelf.accept(above.document)
    one_shelf.accept(empty.document)
    assert not Letter.objects.exists()


@pytest.mark.clause("DLV17")
def test_each_unit_prints_the_letter_in_its_own_name_with_the_lesson_to_scan(cast: Cast, log_in: LogIn, settings: Any) -> None:
    now, film = clock.now(), ItemShown(uid=new_uid(), title="开学第一课")
    settings.PUBLIC_URL = "https://edu.example"
    lesson = make_plan(cast, now, title="开学第一课", days_of_month=(), single_on=date(2099, 9, 1), items=[film], scope=CITY)
    row = write(cast, now, plan=lesson)
    own = log_in("xianguan").get(f"/learning/letters/{row.uid}/print/").content.decode()
    assert "柳溪县将于2099-09-01 15:00组织收看开学第一课。" in own
    assert own.count('class="letter"') == 1
    assert f"https://edu.example/items/{film.uid}/" in own
    assert "<svg" in own
    city = log_in("shiguan").get(f"/learning/letters/{row.uid}/print/?level=3").content.decode()
    assert re.findall(r'class="signed">([^<]*)', city) == ["柳溪县委组织部", "石岭县委组织部"]
    county = log_in("xianguan").get(f"/learning/letters/{row.uid}/print/?level=3").content.decode()
    assert re.findall(r'class="signed">([^<]*)', county) == ["柳溪县委组织部"], "nobody prints for a neighbour"
    manager = log_in("zhanguan").get(f"/learning/letters/{row.uid}/print/").content.decode()
    assert "柳溪县石桥镇李村将于" in manager
    assert [unit.code for unit in queries.units_printing(row, [CITY], clock.today(), level=Level.VILLAGE)] == ["ZZ-990101100200"]


@pytest.mark.clause("DLV17")
def test_the_pages_write_show_and_end_a_letter(cast: Cast, log_in: LogIn) -> None:
    city = log_in("shiguan")
    sent = {"title": "致家长的一封信", "body": BODY, "scope": "990101000000", "unit": "ZZ-9901", "plan": ""}
    wrong = city.post("/learning/letters/new/", sent | {"body": "{班主任}"})
    assert wrong.status_code == 400
    assert "不认识“{班主任}”" in wrong.content.decode()
    page = city.post("/learning/letters/new/", sent, follow=True).content.decode()
    assert "＿＿＿＿＿＿" in page
    row = Letter.objects.get()
    assert "致家长的一封信" in log_in("zhanguan").get("/learning/letters/").content.decode()
    assert log_in("linxian").get(f"/learning/letters/{row.uid}/").status_code == 404
    assert log_in("linxian").get(f"/learning/letters/{row.uid}/print/").status_code == 404
    assert "已停用" in city.post(f"/learning/letters/{row.uid}/end/", follow=True).content.decode()
    assert log_in("xianguan").get(f"/learning/letters/{row.uid}/print/").status_code == 400
