"""Required lists (CW05): asked of organisations, completed by their sessions, reported by organisation; no person is bound or counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some

from tests.learning.stage import CITY, COUNTY, LI, LI_SITE, hold
from yuanjiao.courseware.models import Courseware, CoursewareClass, CoursewareSource, FormerVersion
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.catalogue.shelf import ALL, Shelf
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.learning import queries, shelf
from yuanjiao.learning.commands import SessionRecord, assign_required_list, cancel_session, take_back_required_list
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.models import RequiredList, Session
from yuanjiao.learning.rules import Shown, Standing, completions
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import AuditRow
from yuanjiao.places.rules import Level
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
PIGS, TREES = ItemShown(uid=new_uid(), title="养猪技术"), ItemShown(uid=new_uid(), title="果树剪枝")
DAY = timedelta(days=1)
OTHER_SITE = "S-990101100201"


def assign(cast: Cast, at: datetime, **changes: Any) -> RequiredList:
    """Two items for every village of 柳溪县, within a month."""
    today = clock.local_day(at)
    wanted: dict[str, Any] = {
        "title": "三季度必学课件",
        "document": "柳组发〔2026〕8号",
        "unit": cast.units["ZZ-990101"],
        "place": cast.divisions["990101000000"],
        "level": Level.VILLAGE,
        "starts_on": today - 10 * DAY,
        "due_on": today + 20 * DAY,
        "items": [PIGS, TREES],
        "by": cast.actor("xianguan"),
        "at": at,
    }
    return assign_required_list(**(wanted | changes))


def show(cast: Cast, at: datetime, *items: ItemShown, site: str = LI_SITE, ago: timedelta = timedelta(0)) -> Session:
    return hold(cast, at, site=site, held=SessionRecord(held_at=at - ago, heads_onsite=9, items=items))


def standings(row: RequiredList, on: date) -> dict[str, tuple[int, Standing]]:
    found = queries.required_completion(row, [CITY], on)
    return {one.unit.division.name: (one.completion.done, one.completion.standing(row.due_on, on)) for one in found}


@pytest.mark.clause("CW05")
def test_an_organisation_has_completed_a_list_when_its_sessions_have_shown_every_item(cast: Cast, at: datetime) -> None:
    row, today = assign(cast, at), clock.local_day(at)
    assert standings(row, today)["李村"] == (0, Standing.OPEN)
    show(cast, at, PIGS, ago=2 * DAY)
    show(cast, at, PIGS, TREES, ago=20 * DAY)  # before the list began
    assert standings(row, today)["李村"] == (1, Standing.OPEN)
    assert standings(row, row.due_on + DAY)["李村"] == (1, Standing.OVERDUE)
    last = show(cast, at, TREES, ago=DAY)
    assert standings(row, today)["李村"] == (2, Standing.DONE)
    done = next(one.completion for one in queries.required_completion(row, [CITY], today) if one.unit.division.name == "李村")
    assert (done.done_on, done.sessions, done.missing) == (today - DAY, 2, ())
    cancel_session(session=last, reason="没有开成", by=cast.actor("zhanguan"), at=at)
    assert standings(row, today)["李村"] == (1, Standing.OPEN), "what was not held shows nothing"
    assert {one.unit.code for one in queries.required_completion(row, [LI], today)} == {"ZZ-990101100200"}, "a reader sees the own subtree"


def test_a_county_is_asked_as_a_whole_and_late_is_late(cast: Cast, at: datetime) -> None:
    today = clock.local_day(at)
    row = assign(cast, at, level=Level.COUNTY, due_on=today)
    show(cast, at, PIGS, ago=DAY)
    later = at + 3 * DAY
    show(cast, later, TREES, site=OTHER_SITE)
    assert standings(row, today + 3 * DAY) == {"柳溪县": (2, Standing.DONE_LATE)}


def test_a_newer_version_counts_for_the_one_that_was_asked_for(cast: Cast, at: datetime) -> None:
    row = assign(cast, at, items=[PIGS])
    sort = {"item_class": CoursewareClass.SERVICE, "source": CoursewareSource.OWN, "unit": cast.units["ZZ-9901"], "created_at": at}
    newer = Courseware.objects.create(title="养猪技术（新版）", state=State.RELEASED, released_at=at, **sort)
    FormerVersion.objects.create(uid=PIGS.uid, courseware=newer)
    show(cast, at, ItemShown(uid=newer.uid, title=newer.title))
    assert standings(row, clock.local_day(at))["李村"] == (1, Standing.DONE)


PLACES = (LI, COUNTY + "990101101000/", CITY)


@given(
    some.lists(some.tuples(*map(some.integers, (0, 0, 1, 0), (2, 2, 5, 400))), max_size=12),
    some.lists(some.integers(0, 2), unique=True, min_size=1, max_size=3),
)
def test_completions_are_those_of_a_plain_count(rows: list[tuple[int, int, int, int]], asked: list[int]) -> None:
    uids, first = [UUID(int=number) for number in range(3)], date(2026, 1, 1)
    shown = [Shown(PLACES[place], uids[item], session, first + on * DAY) for place, item, session, on in rows if item in asked]
    for place, found in completions([uids[item] for item in asked], shown, [CITY, COUNTY, LI]).items():
        under = [one for one in shown if one.path.startswith(place)]
        assert found.first_on == {item: min(one.on for one in under if one.item == item) for item in {one.item for one in under}}
        assert found.sessions == len({one.session for one in under})
        assert len(found.missing) + found.done == len(asked)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": " "}, "名称"),
        ({"document": ""}, "依据"),
        ({"items": []}, "课件"),
        ({"items": [PIGS, PIGS]}, "一次"),
        ({"level": Level.CITY}, "没有这一级"),
        ({"due_on": date(2020, 1, 1)}, "期限"),
    ],
)
def test_a_wrong_list_is_refused_with_its_reason(cast: Cast, at: datetime, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        assign(cast, at, **changes)
    assert not RequiredList.objects.exists()


def test_nobody_asks_outside_the_own_subtree(cast: Cast, at: datetime) -> None:
    with pytest.raises(NotFound):
        assign(cast, at, by=cast.actor("linxian"))
    with pytest.raises(Forbidden):
        assign(cast, at, by=cast.actor("zhanguan"))
    row = assign(cast, at)
    with pytest.raises(NotFound):
        take_back_required_list(required=row, on=clock.local_day(at), by=cast.actor("linxian"), at=at)
    take_back_required_list(required=row, on=clock.local_day(at), by=cast.actor("xianguan"), at=at)
    with pytest.raises(Conflict):
        take_back_required_list(required=row, on=clock.local_day(at), by=cast.actor("xianguan"), at=at)
    assert queries.required_at(LI, clock.local_day(at)) == []
    assert {row.action for row in AuditRow.objects.all()} >= {"布置必学清单", "收回必学清单"}


def test_lists_go_down_and_a_changed_or_dropped_one_follows(cast: Cast, at: datetime) -> None:
    one_shelf: Shelf = shelf
    row = assign(cast, at)
    above = one_shelf.offer(ALL)
    RequiredList.objects.all().delete()
    one_shelf.accept(above.document)
    here = RequiredList.objects.get(uid=row.uid)
    assert [(item.courseware_uid, item.title) for item in here.items.all()] == [(PIGS.uid, PIGS.title), (TREES.uid, TREES.title)]
    assert one_shelf.offer(ALL) == above
    here.items.filter(position=2).delete()
    changed = one_shelf.offer(ALL)
    one_shelf.accept(above.document)
    one_shelf.accept(changed.document)
    assert here.items.count() == 1
    RequiredList.objects.all().delete()
    one_shelf.accept(one_shelf.offer(ALL).document)
    assert not RequiredList.objects.exists()


@pytest.mark.clause("CW05")
def test_who_records_ticks_what_is_still_asked_for_and_the_officer_sees_who_has_done_it(cast: Cast, log_in: LogIn) -> None:
    now = clock.now()
    row = assign(cast, now)
    manager, officer = log_in("zhanguan"), log_in("xianguan")
    page = manager.get("/learning/record/").content.decode()
    assert "养猪技术" in page
    assert "必学清单里本站还没放过的" in page
    sent = {"uid": str(new_uid()), "plan": "", "start_time": "00:00", "minutes": "60", "heads_online": "0", "heads_onsite": "12"}
    manager.post("/learning/record/", sent | {"form": "group_viewing", "required": [str(PIGS.uid), str(TREES.uid), str(new_uid())]})
    assert [item.title for item in Session.objects.get().items.all()] == ["养猪技术", "果树剪枝"], "what nobody asked for is dropped"
    assert "必学清单里本站还没放过的" not in manager.get("/learning/record/").content.decode()
    told = officer.get(f"/learning/required/{row.uid}/").content.decode()
    assert "1 / 1 个组织完成" in told
    assert "按期完成" in told
    open_only = officer.get(f"/learning/required/{row.uid}/?standing=open").content.decode().partition('id="table"')[2]
    assert "李村" not in open_only
    book = openpyxl.load_workbook(BytesIO(b"".join(officer.get(f"/learning/required/{row.uid}/?export=xlsx").streaming_content)))  # type: ignore[attr-defined]
    cells = [cell for line in book.active.iter_rows(values_only=True) for cell in line]  # type: ignore[union-attr]
    assert "2 / 2" in cells
    assert log_in("linxian").get(f"/learning/required/{row.uid}/").status_code == 404
    assert "三季度必学课件" not in log_in("linxian").get("/learning/required/").content.decode()


def test_the_page_asks_for_a_list_and_takes_it_back(cast: Cast, log_in: LogIn) -> None:
    officer, today = log_in("xianguan"), clock.today()
    assert officer.get("/learning/required/new/").status_code == 200
    sent = {
        "title": "必学", "document": "柳组发1号", "scope": "990101000000", "level": "5", "unit": "ZZ-990101", "starts_on": f"{today}",
        "due_on": f"{today + 9 * DAY}", "items": [str(new_uid())],
    }  # fmt: skip
    assert officer.post("/learning/required/new/", sent).status_code == 400, "an item that is not released cannot be asked for"
    row = assign(cast, clock.now())
    assert "收回清单" in officer.get(f"/learning/required/{row.uid}/").content.decode()
    assert "已收回" in officer.post(f"/learning/required/{row.uid}/end/", follow=True).content.decode()
    Node.objects.filter(is_self=True).update(kind=NodeKind.EDGE)
    assert officer.get("/learning/required/new/").status_code == 400
