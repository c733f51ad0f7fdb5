"""The pages of learning: who sees what, one field to fill, and the lists that open the numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO

import openpyxl
import pytest
from django.test import Client

from tests.learning.stage import CITY, COUNTY, LI_SITE, hold, make_plan
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.models import Session, StudyDayPlan
from yuanjiao.lib import clock
from yuanjiao.lib.uid import new_uid
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]


@pytest.fixture
def now() -> datetime:
    return clock.now()


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page) or re.search(rf'value="([^"]*)" name="{name}"', page)
    assert found, name
    return found[1]


def today_plan(cast: Cast, now: datetime, **changes: object) -> StudyDayPlan:
    """A plan for today, whatever day the tests run on."""
    return make_plan(cast, now, days_of_month=(), single_on=clock.local_day(now), start_time=datetime.min.time(), **changes)


@pytest.mark.clause("LRN01")
def test_the_manager_records_todays_study_day_by_entering_the_heads_alone(cast: Cast, log_in: LogIn, now: datetime) -> None:
    item = ItemShown(uid=new_uid(), title="养猪技术")
    plan = today_plan(cast, now, items=[item])
    client = log_in("zhanguan")
    page = client.get("/learning/record/").content.decode()
    assert "李村站点" in page
    prefilled = {name: field(page, name) for name in ("uid", "start_time", "minutes", "heads_online", "plan")} | {
        "form": "group_viewing",
        f"items-{plan.uid}": str(item.uid),
    }
    assert prefilled["plan"] == str(plan.uid)
    answer = client.post("/learning/record/", prefilled | {"heads_onsite": "23"}, follow=True)
    assert "已登记：李村站点，23 人次" in answer.content.decode()
    session = Session.objects.get()
    assert (session.site_id, session.plan_uid, session.heads_onsite, session.minutes) == (LI_SITE, plan.uid, 23, 90)
    assert [shown.title for shown in session.items.all()] == ["养猪技术"]
    again = client.post("/learning/record/", prefilled | {"heads_onsite": "23"}, follow=True)
    assert again.status_code == 200
    assert Session.objects.count() == 1


def test_a_wrong_head_count_comes_back_with_everything_that_was_entered(cast: Cast, log_in: LogIn, now: datetime) -> None:
    client = log_in("zhanguan")
    sent = {"uid": str(new_uid()), "start_time": "00:00", "minutes": "45", "heads_online": "0", "plan": "", "form": "discussion"}
    answer = client.post("/learning/record/", sent | {"heads_onsite": "0"})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "至少应有 1 人" in page
    assert field(page, "minutes") == "45"
    assert field(page, "uid") == sent["uid"]
    assert not Session.objects.exists()


def test_an_officer_chooses_the_site_first_and_finds_no_site_of_another_county(cast: Cast, log_in: LogIn) -> None:
    page = log_in("xianguan").get("/learning/record/").content.decode()
    assert "李村站点" in page
    assert "高坪村" not in page
    assert log_in("xianguan").get(f"/learning/record/?site={LI_SITE}").status_code == 200
    assert log_in("linxian").get(f"/learning/record/?site={LI_SITE}").status_code == 404
    assert log_in("zhanguan").get("/learning/record/?site=S-990101100201").status_code == 404


@pytest.mark.clause("LRN02")
def test_the_city_plans_a_recurring_study_day_on_its_page(cast: Cast, log_in: LogIn) -> None:
    client = log_in("shiguan")
    sent = {
        "title": "逢六学习日", "scope": COUNTY, "unit": "ZZ-9901", "days": "6、16、26", "start_time": "19:30", "minutes": "60",
        "form": "group_viewing", "starts_on": "2026-01-01",
    }  # fmt: skip
    answer = client.post("/learning/plans/new/", sent, follow=True)
    page = answer.content.decode()
    assert "每月 6、16、26 日" in page
    assert "柳溪县" in page
    plan = StudyDayPlan.objects.get()
    assert plan.recurrence.days_of_month == {6, 16, 26}
    wrong = client.post("/learning/plans/new/", sent | {"days": "六"})
    assert wrong.status_code == 400
    assert "例如 6、16、26" in wrong.content.decode()
    assert "逢六学习日" in log_in("zhanguan").get("/learning/plans/").content.decode()
    assert "逢六学习日" not in log_in("linxian").get("/learning/plans/").content.decode()
    assert log_in("linxian").get(f"/learning/plans/{plan.uid}/").status_code == 404
    assert client.post(f"/learning/plans/{plan.uid}/end/", follow=True).status_code == 200
    plan.refresh_from_db()
    assert plan.ends_on == clock.today()


def test_an_edge_does_not_plan_because_plans_come_down(cast: Cast, log_in: LogIn) -> None:
    Node.objects.filter(is_self=True).update(kind=NodeKind.EDGE)
    answer = log_in("shiguan").get("/learning/plans/new/")
    assert answer.status_code == 400
    assert "中心" in answer.content.decode()


def test_the_session_list_is_scoped_filtered_and_exported(cast: Cast, log_in: LogIn, now: datetime) -> None:
    hold(cast, now, 23)
    hold(cast, now, 40, site="S-990102100200")
    hold(cast, now, 7, site="S-990101101201", ago=timedelta(days=62))
    month = f"{clock.today():%Y-%m}"
    officer = log_in("xianguan")
    page = officer.get("/learning/sessions/").content.decode()
    assert "石桥镇李村" in page
    assert "桃源乡𣵦里村" in page
    assert "高坪村" not in page
    narrowed = officer.get(f"/learning/sessions/?month={month}&place=990101000000&standing=counted").content.decode()
    assert "共 1 行" in narrowed
    assert "𣵦里村" not in narrowed.partition('id="table"')[2]
    book = openpyxl.load_workbook(BytesIO(b"".join(officer.get("/learning/sessions/?export=xlsx").streaming_content)))  # type: ignore[attr-defined]
    cells = [[cell.value for cell in row] for row in book.active.iter_rows()]  # type: ignore[union-attr]
    assert cells[0][0] == "学习场次台账"
    assert [row[2] for row in cells[3:5]] == ["李村站点", "𣵦里村站点"]


def test_a_record_is_set_right_on_its_page_and_the_outsider_does_not_find_it(cast: Cast, log_in: LogIn, now: datetime) -> None:
    session = hold(cast, now, 23)
    address = f"/learning/sessions/{session.uid}/"
    assert log_in("linxian").get(address).status_code == 404
    assert "改正原因" not in log_in("lingdao").get(address).content.decode()
    manager = log_in("zhanguan")
    sent = {"heads_onsite": "25", "heads_online": "0", "minutes": "60", "form": "group_viewing", "reason": "晚到两人"}
    page = manager.post(f"{address}correct/", sent, follow=True).content.decode()
    assert "晚到两人" in page
    assert "改为现场 25、线上 0" in page
    assert log_in("linxian").post(f"{address}correct/", sent).status_code == 404
    assert manager.post(f"{address}correct/", sent | {"cancel": "1", "reason": "没有开成"}, follow=True).status_code == 200
    session.refresh_from_db()
    assert session.cancelled


@pytest.mark.clause("LRN03")
def test_use_opens_from_county_to_town_to_site_and_each_number_to_its_sessions(cast: Cast, log_in: LogIn, now: datetime) -> None:
    hold(cast, now, 23)
    hold(cast, now, 5)
    city = log_in("shiguan").get("/learning/use/", follow=True).content.decode()
    assert "25.00%" in city  # one of the four sites of 柳溪县
    county = log_in("xianguan").get("/learning/use/", follow=True).content.decode()
    assert "石桥镇" in county
    town = log_in("xianguan").get("/learning/use/?place=990101100000", follow=True).content.decode()
    assert "王庄村站点" in town
    found = re.search(r'href="(/learning/sessions/\?q=S-990101100200[^"]*)">2<', town)
    assert found
    assert "共 2 行" in log_in("xianguan").get(found[1].replace("&amp;", "&")).content.decode()
    assert log_in("linxian").get("/learning/use/?place=990101100000", follow=True).status_code == 404


@pytest.mark.clause("LRN03")
def test_the_zero_use_page_lists_the_readers_unused_sites(cast: Cast, log_in: LogIn, now: datetime) -> None:
    hold(cast, now, 23)
    page = log_in("xianguan").get("/learning/zero-use/", follow=True).content.decode()
    assert "共 3 行" in page
    assert "李村站点" not in page.partition('id="table"')[2]
    assert "从未登记" in page
    assert "共 4 行" in log_in("shiguan").get("/learning/zero-use/", follow=True).content.decode()
    assert log_in("linxian").get("/learning/zero-use/?place=990101000000", follow=True).status_code == 404
    assert log_in("xianguan").get("/learning/zero-use/?month=2026-13").status_code == 400


@pytest.mark.parametrize("name", ["log_in", "duration_of_person", "dwell", "photo", "roll", "attendee"])
def test_learning_keeps_no_name_photo_or_time_of_a_person(name: str) -> None:
    """Requirements c1: counts of unit activities, never figures of persons."""
    fields = {one.name for model in (Session, StudyDayPlan) for one in model._meta.get_fields()}
    assert name not in fields
    assert CITY
