"""Planning and recording: who may, what is refused and why, and that nothing is recorded twice."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.learning.stage import CITY, COUNTY, LI_SITE, hold, make_plan
from yuanjiao.flow.journal.models import Entry
from yuanjiao.learning import queries
from yuanjiao.learning.commands import SessionRecord, cancel_session, correct_session, end_study_day_plan
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.models import RecordedVia, Session, StudyDayPlan
from yuanjiao.learning.rules import SessionForm
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import AuditRow
from yuanjiao.simulation.cast import Cast


@pytest.mark.clause("LRN02")
def test_a_planned_study_day_reminds_every_place_of_its_scope_and_no_other(cast: Cast, at: datetime) -> None:
    make_plan(cast, at, scope=COUNTY, by=cast.actor("xianguan"), unit=cast.units["ZZ-990101"])
    days = queries.upcoming([cast.sites[LI_SITE].division.path], date(2026, 3, 2), 30)
    assert [day.on for day in days] == [date(2026, 3, 2), date(2026, 3, 16), date(2026, 3, 26)]
    assert queries.upcoming([cast.sites["S-990102100200"].division.path], date(2026, 3, 2), 30) == []
    assert len(queries.upcoming([CITY], date(2026, 3, 2), 30)) == 3
    assert AuditRow.objects.filter(action="安排学习日").count() == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": "  "}, "名称"),
        ({"days_of_month": ()}, "二者选一"),
        ({"single_on": date(2026, 3, 3)}, "二者选一"),
        ({"days_of_month": {0, 6}}, "1 到 31"),
        ({"ends_on": date(2025, 12, 31)}, "早于"),
        ({"minutes": 0}, "时长"),
        ({"minutes": 721}, "时长"),
    ],
)
def test_a_wrong_plan_is_refused_with_its_reason(cast: Cast, at: datetime, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        make_plan(cast, at, **changes)
    assert not StudyDayPlan.objects.exists()


def test_nobody_plans_outside_the_own_subtree(cast: Cast, at: datetime) -> None:
    with pytest.raises(NotFound):
        make_plan(cast, at, scope=COUNTY, by=cast.actor("linxian"))
    with pytest.raises(NotFound):
        make_plan(cast, at, scope=COUNTY, unit=cast.units["ZZ-9901"], by=cast.actor("xianguan"))
    with pytest.raises(Forbidden):
        make_plan(cast, at, by=cast.actor("zhanguan"))


def test_an_ended_plan_reminds_no_more_and_keeps_its_past(cast: Cast, at: datetime) -> None:
    plan = make_plan(cast, at)
    end_study_day_plan(plan=plan, last_on=date(2026, 3, 20), by=cast.actor("shiguan"), at=at)
    assert [day.on for day in queries.upcoming([CITY], date(2026, 3, 1), 31)] == [date(2026, 3, 2), date(2026, 3, 16)]
    with pytest.raises(Conflict):
        end_study_day_plan(plan=plan, last_on=date(2026, 3, 20), by=cast.actor("shiguan"), at=at)


@pytest.mark.clause("LRN01")
def test_a_session_keeps_items_time_place_and_heads(cast: Cast, at: datetime) -> None:
    plan = make_plan(cast, at)
    shown = (ItemShown(uid=new_uid(), title="养猪技术"), ItemShown(uid=new_uid(), title="果树剪枝"))
    held = SessionRecord(held_at=at, heads_onsite=23, heads_online=2, minutes=90, form=SessionForm.DISCUSSION, items=shown)
    session = hold(cast, at, plan=plan, held=held)
    assert (session.site_id, session.path) == (LI_SITE, cast.sites[LI_SITE].division.path)
    assert (session.heads_onsite, session.heads_online, session.minutes) == (23, 2, 90)
    assert session.held_on == date(2026, 3, 2)
    assert [item.title for item in session.items.all()] == ["养猪技术", "果树剪枝"]
    assert session.plan_uid == plan.uid
    assert session.recorder_uid == cast.people["zhanguan"].uid
    assert session.recorded_via == RecordedVia.PAGE


@pytest.mark.clause("LRN10")
@pytest.mark.parametrize("form", list(SessionForm))
def test_every_form_of_the_dictionary_can_be_planned_and_recorded(cast: Cast, at: datetime, form: SessionForm) -> None:
    plan = make_plan(cast, at, form=form)
    session = hold(cast, at, plan=plan, held=SessionRecord(held_at=at, heads_onsite=5, form=form))
    assert session.get_form_display() == plan.get_form_display() != form


def test_pressing_twice_records_once(cast: Cast, at: datetime) -> None:
    uid = new_uid()
    first, second = hold(cast, at, uid=uid), hold(cast, at, uid=uid)
    assert first == second
    assert Session.objects.count() == Entry.objects.filter(kind="learning.session_held/1").count() == 1


def test_a_study_day_is_recorded_once_at_a_site_and_leaves_nothing_behind_when_refused(cast: Cast, at: datetime) -> None:
    plan = make_plan(cast, at)
    hold(cast, at, plan=plan)
    with pytest.raises(Conflict, match="已登记（23 人次）"):
        hold(cast, at, 24, plan=plan)
    assert Entry.objects.filter(kind="learning.session_held/1").count() == 1
    hold(cast, at, 11, site="S-990101100201", plan=plan)


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({"heads_onsite": 0}, "至少"),
        ({"heads_onsite": 99999}, "多按"),
        ({"heads_onsite": 5, "minutes": 0}, "时长"),
        ({"heads_onsite": 5, "held_at": timedelta(hours=2)}, "还没有到"),
        ({"heads_onsite": 5, "held_at": -timedelta(days=100)}, "不能补登"),
    ],
)
def test_a_wrong_record_is_refused_with_its_reason(cast: Cast, at: datetime, held: dict[str, Any], reason: str) -> None:
    moment = at + held.pop("held_at", timedelta(0))
    with pytest.raises(Refused, match=reason):
        hold(cast, at, held=SessionRecord(held_at=moment, **held))
    assert not Session.objects.exists()


def test_a_manager_records_at_the_own_site_only(cast: Cast, at: datetime) -> None:
    with pytest.raises(NotFound):
        hold(cast, at, site="S-990101100201", by=cast.actor("zhanguan"))
    with pytest.raises(NotFound):
        hold(cast, at, by=cast.actor("linxian"))
    with pytest.raises(Forbidden):
        hold(cast, at, by=cast.actor("lingdao"))


def test_a_plan_of_another_county_cannot_be_recorded_here(cast: Cast, at: datetime) -> None:
    plan = make_plan(cast, at, scope=CITY + "990102000000/", unit=cast.units["ZZ-990102"])
    with pytest.raises(Refused, match="不包括"):
        hold(cast, at, plan=plan)


def test_a_correction_needs_a_reason_a_change_and_the_scope(cast: Cast, at: datetime) -> None:
    session = hold(cast, at)
    same: dict[str, Any] = {"session": session, "heads_online": 0, "minutes": 60, "form": SessionForm.GROUP_VIEWING, "at": at}
    with pytest.raises(Refused, match="原因"):
        correct_session(heads_onsite=24, reason=" ", by=cast.actor("zhanguan"), **same)
    with pytest.raises(Conflict, match="没有变化"):
        correct_session(heads_onsite=23, reason="重数", by=cast.actor("zhanguan"), **same)
    with pytest.raises(NotFound):
        correct_session(heads_onsite=24, reason="重数", by=cast.actor("linxian"), **same)
    correct_session(heads_onsite=24, reason="重数", by=cast.actor("zhanguan"), **same)
    session.refresh_from_db()
    assert session.heads_onsite == 24
    assert [row.reason for row in queries.corrections_of(session.uid)] == ["重数"]


def test_a_cancelled_session_counts_nowhere_and_makes_room_for_the_right_one(cast: Cast, at: datetime) -> None:
    plan = make_plan(cast, at)
    session = hold(cast, at, plan=plan)
    cancel_session(session=session, reason="没有开成", by=cast.actor("zhanguan"), at=at)
    assert queries.use_of(CITY, date(2026, 3, 1), date(2026, 4, 1)).sessions == 0
    hold(cast, at, 30, plan=plan)
    assert queries.use_of(CITY, date(2026, 3, 1), date(2026, 4, 1)).onsite == 30
    session.refresh_from_db()
    with pytest.raises(Conflict):
        cancel_session(session=session, reason="再作废", by=cast.actor("zhanguan"), at=at)
