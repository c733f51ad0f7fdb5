"""Agreements and their clocks: hours on the official calendar, duty, urging in both chains, nothing sent without a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.conftest import YES, World
from yuanjiao.faults import commands, jobs
from yuanjiao.faults.jobs import draft_urgings
from yuanjiao.faults.models import AgreedHours, Agreement, CalendarDay, Urging
from yuanjiao.faults.queries import agreements as queries
from yuanjiao.faults.queries.orders import orders_summary
from yuanjiao.faults.rules.calendar import Counting, DayKind, WorkCalendar, after, days_told, ends_soon
from yuanjiao.faults.rules.urging import Rung, addressees, late_words, rungs_due
from yuanjiao.items import commands as items
from yuanjiao.items.models import Item
from yuanjiao.items.rules import ItemKind, State
from yuanjiao.lib import clock
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import AuditRow, Responsibility
from yuanjiao.people.rules import SYSTEM
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
MADE_UP = {date(2026, 3, 4): DayKind.HOLIDAY, date(2026, 3, 7): DayKind.WORKDAY}  # a Wednesday off, the Saturday worked instead
WEEK = WorkCalendar(CHINA, time(8), time(18), MADE_UP)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (local(2, 8), 10, local(2, 18)),
        (local(2, 16), 4, local(3, 10)),
        (local(3, 17), 3, local(5, 10)),  # the holiday between does not count
        (local(6, 17), 2, local(7, 9)),  # the Saturday is worked
        (local(7, 17), 2, local(9, 9)),  # the Sunday is not
        (local(2, 3), 1, local(2, 9)),
        (local(2, 22), 1, local(3, 9)),
    ],
)
@pytest.mark.clause("OPS16")
def test_working_hours_pass_on_worked_days_only(start: datetime, hours: int, end: datetime) -> None:
    assert after(start, hours, Counting.WORKING_HOURS, WEEK) == end
    assert after(start, hours, Counting.ROUND_THE_CLOCK, WEEK) == start + timedelta(hours=hours)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(minutes=st.integers(0, 20_000), first=st.integers(1, 60), second=st.integers(1, 60))
def test_hours_add_up_and_never_end_outside_working_time(minutes: int, first: int, second: int) -> None:
    start = local(1, 0) + timedelta(minutes=minutes)
    half = after(start, first, Counting.WORKING_HOURS, WEEK)
    whole = after(start, first + second, Counting.WORKING_HOURS, WEEK)
    assert after(half, second, Counting.WORKING_HOURS, WEEK) == whole
    assert WEEK.is_worked(half.astimezone(CHINA).date())
    assert time(8) <= half.astimezone(CHINA).time() <= time(18)


def test_an_arrangement_is_read_line_by_line_and_a_bad_line_is_named() -> None:
    told = days_told("2026-10-01 放假 国庆节\n\n2026-10-10，上班，国庆节调休\n")
    assert told == [(date(2026, 10, 1), DayKind.HOLIDAY, "国庆节"), (date(2026, 10, 10), DayKind.WORKDAY, "国庆节调休")]
    with pytest.raises(ValueError, match="第 2 行"):
        days_told("2026-10-01 放假\n10月2日 放假")


def test_a_calendar_without_working_days_promises_nothing() -> None:
    never = WorkCalendar(CHINA, time(8), time(18), {local(1, 0).date() + timedelta(days=n): DayKind.HOLIDAY for n in range(500)})
    with pytest.raises(ValueError, match="working days"):
        after(local(1, 8), 1, Counting.WORKING_HOURS, never)


@dataclass(frozen=True)
class Answering:
    name: str
    chain: str
    kind: str
    level: int


def test_each_chain_gives_its_nearest_person_and_its_first_where_there_is_no_direct_one() -> None:
    people = [
        Answering("村", "organisation", "site_manager", 5),
        Answering("县直接", "organisation", "direct", 3),
        Answering("县第一", "organisation", "first", 3),
        Answering("公司第一", "operator", "first", 3),
        Answering("市第一", "organisation", "first", 2),
    ]
    assert [one.name for one in addressees(people, Rung.DIRECT)] == ["公司第一", "县直接"]
    assert [one.name for one in addressees(people, Rung.FIRST)] == ["公司第一", "县第一"]
    assert addressees([], Rung.FIRST) == []
    assert rungs_due(timedelta(hours=-1)) == []
    assert rungs_due(timedelta(hours=2)) == [Rung.DIRECT]
    assert rungs_due(timedelta(hours=24)) == [Rung.DIRECT, Rung.FIRST]


def test_a_sheet_says_how_late_or_how_soon_and_never_a_negative_number(at: datetime) -> None:
    told = [late_words(at, at + timedelta(hours=hours)) for hours in (-75, -2, 0, 2, 50)]
    assert told == ["还有 3 天到期", "不到一天就到期", "已超期", "已超期", "已超期 2 天"]


def sign(world: World, **changes: object) -> Agreement:
    units = world.cast.units
    fields = {
        "number": "柳维〔2026〕1号", "title": "维护协议", "client": units["ZZ-990101"], "operator": units["DX-990101"],
        "valid_from": date(2026, 1, 1), "valid_to": date(2026, 4, 30), "counting": "working", "opens": time(8), "closes": time(18),
    } | changes  # fmt: skip
    return commands.sign_agreement(by=world.cast.actor("shiguan"), at=world.at, **fields)  # type: ignore[arg-type]


def promised(world: World, agreement: Agreement, area: str = "village") -> None:
    commands.promise_hours(
        agreement=agreement,
        fault_class="equipment",
        area=area,
        respond_hours=4,
        restore_hours=20,
        by=world.cast.actor("shiguan"),
        at=world.at,
    )


@pytest.mark.clause("OPS14", "OPS16")
def test_an_order_takes_its_dates_from_the_agreement_in_force_when_it_is_dispatched(world: World) -> None:
    city = world.cast.actor("shiguan")
    plain = world.order()
    agreement = sign(world)
    promised(world, agreement)
    promised(world, agreement, "town")
    commands.enter_calendar(text="2026-03-03 放假 测试节", document="测试通知〔2026〕1号", by=city, at=world.at)
    order = world.order(code="S-990101100201")
    assert (plain.agreement_number, order.agreement_number) == ("", "柳维〔2026〕1号")
    # Monday 16:00; two hours today, Tuesday is off
    assert order.item.due_at is not None
    assert order.item.due_at.astimezone(CHINA) == datetime(2026, 3, 5, 16, 0, tzinfo=CHINA)
    assert order.item.respond_due_at == datetime(2026, 3, 4, 10, 0, tzinfo=CHINA)
    plain.item.refresh_from_db()
    assert plain.item.due_at == plain.item.original_due_at, "an order under way keeps its dates"
    later = datetime(2026, 5, 4, 9, 0, tzinfo=CHINA)
    assert queries.promise_for("equipment", order.subject.division, later).agreement_number == "", "the agreement has ended"
    assert queries.promise_for("line", order.subject.division, world.at).agreement_number == "", "nothing is promised for lines"


@pytest.mark.clause("OPS16")
def test_the_end_of_an_agreement_is_told_sixty_days_ahead_until_it_is_renewed(world: World) -> None:
    sign(world)
    county, other = world.cast.actor("xianguan"), world.cast.actor("linxian")
    assert ends_soon(date(2026, 4, 30), date(2026, 3, 1))
    assert not ends_soon(date(2026, 4, 30), date(2026, 2, 28))
    assert queries.agreements_ending(county, date(2026, 2, 28)).count() == 0
    assert queries.agreements_ending(county, date(2026, 3, 1)).count() == 1
    assert queries.agreements_ending(other, date(2026, 3, 1)).count() == 0
    sign(world, number="柳维〔2026〕2号", valid_from=date(2026, 5, 1), valid_to=date(2027, 4, 30))
    assert queries.agreements_ending(county, date(2026, 3, 1)).count() == 0


def test_the_clock_stops_at_the_play_test(world: World) -> None:
    """Handed in in time but playing only after the date is late; and a reopened order has no test."""
    order = world.order(State.SUBMITTED)
    due, path = order.item.due_at, world.cast.divisions["990101000000"].path
    assert due is not None
    when = due + timedelta(hours=1)
    world.plays("S-990101100200", at=when)
    order = commands.verify_order(order=order, answers=YES, by=world.cast.actor("xianguan"), at=when + timedelta(minutes=5))
    ratio = orders_summary(path, world.at - timedelta(days=1), when + timedelta(days=1)).in_time
    assert (ratio.part, ratio.whole) == (0, 1)
    again = commands.reopen_order(order=order, reason="又坏了", by=world.cast.actor("xianguan"), at=when + timedelta(hours=1))
    assert again.test_at is None


@pytest.mark.clause("OPS21")
def test_late_orders_are_drafted_to_both_chains_and_to_who_is_on_duty(world: World) -> None:
    order, cast = world.order(), world.cast
    due = order.item.due_at
    assert due is not None
    day = clock.local_day(due)
    unit, person = cast.units["DX-990101"], cast.people["gongcheng"]
    commands.enter_duty(unit=unit, person=person, starts_on=day, ends_on=day, by=cast.actor("rexian"), at=world.at)
    with pytest.raises(Conflict):
        commands.enter_duty(unit=unit, person=person, starts_on=day, ends_on=day, by=cast.actor("rexian"), at=world.at)
    with pytest.raises(Refused, match="本单位"):
        commands.enter_duty(unit=unit, person=cast.people["xianguan"], starts_on=day, ends_on=day, by=cast.actor("rexian"), at=world.at)
    assert draft_urgings(due - timedelta(minutes=1)) == 0
    assert draft_urgings(due) == 2
    assert draft_urgings(due + timedelta(minutes=10)) == 0, "nothing twice"
    rows = {(row.person.name, row.chain, row.rung, row.on_duty) for row in Urging.objects.all()}
    assert rows == {("赵敏芝", "organisation", 1, False), ("王建军", "operator", 1, True)}
    assert draft_urgings(due + timedelta(hours=24)) == 2
    assert Urging.objects.filter(rung=Rung.FIRST).count() == 2


def test_no_sheet_leaves_without_a_person_and_the_trail_says_who(world: World, log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    order = world.order()
    due = order.item.due_at
    assert due is not None
    draft_urgings(due)
    first, second = Urging.objects.order_by("pk")
    at = due + timedelta(hours=1)
    with pytest.raises(Refused, match="由人批准"):
        commands.decide_urging(urging=first, approved=True, note="", by=SYSTEM, at=at)
    with pytest.raises(NotFound):
        commands.decide_urging(urging=first, approved=True, note="", by=world.cast.actor("linxian"), at=at)
    with pytest.raises(Forbidden):
        commands.decide_urging(urging=second, approved=True, note="", by=world.cast.actor("xianguan"), at=at)
    assert "<form" not in page_of(log_in("xianguan"), second), "the sheet goes to this person"
    monkeypatch.setattr(clock, "now", lambda: at)
    city = log_in("shiguan")
    page = page_of(city, first)
    assert "请督促办理" in page
    assert city.post(reverse("faults:urging", args=[first.pk]), {"decision": "send"}).status_code == 302
    assert city.post(reverse("faults:urging", args=[first.pk]), {"decision": "drop", "note": "已电话催过"}).status_code == 409
    assert city.post(reverse("faults:urging", args=[second.pk]), {"decision": "drop"}).status_code == 400
    assert city.post(reverse("faults:urging", args=[second.pk]), {"decision": "drop", "note": "已电话催过"}).status_code == 302
    assert list(Urging.objects.order_by("pk").values_list("approved", "decided_by")) == [(True, "陈启明"), (False, "陈启明")]
    assert [(row.actor_name, row.action) for row in AuditRow.objects.filter(action__contains="催办单").order_by("pk")] == [
        ("陈启明", "批准催办单"), ("陈启明", "不发催办单"),
    ]  # fmt: skip
    assert log_in("linxian").get(reverse("faults:urging", args=[first.pk])).status_code == 404


def page_of(client: Client, urging: Urging) -> str:
    """What stands on the sheet's page, without the menu."""
    return client.get(reverse("faults:urging", args=[urging.pk])).content.decode().split('<main id="content"')[1]


def late_task(world: World) -> Item:
    cast, at = world.cast, world.at
    item = items.create_item(
        kind=ItemKind.TASK, title="检修", division=cast.divisions["990101000000"], lead_unit=cast.units["DX-990101"], expected_result="好",
        measure="修", starts_on=date(2026, 3, 2), by=cast.actor("shiguan"), at=at,
    )  # fmt: skip
    return items.issue_item(item=item, due_at=at + timedelta(hours=1), by=cast.actor("shiguan"), at=at)


def test_a_sheet_is_seen_by_who_reads_the_item_and_decided_by_who_may_hand_it_back(world: World) -> None:
    item, cast, at = late_task(world), world.cast, world.at + timedelta(hours=2)
    draft_urgings(at)
    sheet = Urging.objects.get(item=item, chain="operator")
    assert queries.urging_seen_by(cast.actor("gongcheng"), sheet.pk) == sheet
    for clerk in ("rexian", "linxian"):
        with pytest.raises(NotFound):
            queries.urging_seen_by(cast.actor(clerk), sheet.pk)
    for stranger in ("rexian", "gongcheng"):
        with pytest.raises(Forbidden):
            commands.decide_urging(urging=sheet, approved=True, note="", by=cast.actor(stranger), at=at)
    assert not queries.may_decide(sheet, cast.actor("gongcheng"))
    assert queries.may_decide(sheet, cast.actor("xianguan")), "who gave it out and is not told by it"
    assert commands.decide_urging(urging=sheet, approved=True, note="", by=cast.actor("xianguan"), at=at).approved


def test_a_sheet_about_what_is_no_longer_late_does_not_leave_and_a_later_date_is_urged_anew(world: World) -> None:
    item, city, at = late_task(world), world.cast.actor("shiguan"), world.at + timedelta(hours=2)
    draft_urgings(at)
    old = Urging.objects.get(item=item, chain="operator")
    item = items.extend_item(item=item, due_at=at + timedelta(hours=3), reason="配件晚到", by=city, at=at)
    with pytest.raises(Conflict, match="不再适用"):
        commands.decide_urging(urging=old, approved=True, note="", by=city, at=at)
    assert draft_urgings(at + timedelta(hours=1)) == 0
    at += timedelta(hours=4)
    assert draft_urgings(at) == 2
    assert draft_urgings(at) == 0
    with pytest.raises(Conflict, match="不再适用"):
        commands.decide_urging(urging=old, approved=True, note="", by=city, at=at)
    new = Urging.objects.get(item=item, chain="operator", due_at=item.due_at)
    assert commands.decide_urging(urging=new, approved=True, note="", by=city, at=at).approved
    assert commands.decide_urging(urging=old, approved=False, note="已延期", by=city, at=at).approved is False


def test_items_nobody_answers_for_do_not_hold_up_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SHEETS_PER_TURN", 1)
    monkeypatch.setattr(jobs, "TOGETHER", 1)
    item, at = late_task(world), world.at + timedelta(hours=2)
    Responsibility.objects.exclude(person=world.cast.people["xianguan"]).delete()
    forlorn = Item.objects.get(pk=item.pk)
    forlorn.pk, forlorn.uid, forlorn.code, forlorn.division = None, new_uid(), "QQQQQQQQ", world.cast.divisions["990102000000"]
    forlorn.due_at = item.issued_at
    forlorn.save(force_insert=True)
    assert draft_urgings(at) == 1
    assert Urging.objects.get().item == item


def test_hours_that_no_calendar_reaches_are_refused_and_open_the_order_by_the_service_terms(world: World) -> None:
    agreement = sign(world, closes=time(8, 1))
    with pytest.raises(Refused, match="核对"):
        promised(world, agreement)
    AgreedHours.objects.create(agreement=agreement, fault_class="equipment", area="village", respond_hours=4, restore_hours=20)
    order = world.order()
    assert (order.item.state, order.agreement_number) == (State.ISSUED, "")


def test_the_pages_enter_an_agreement_its_hours_the_calendar_and_duty(
    cast: Cast, log_in: LogIn, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    city, county = log_in("shiguan"), log_in("xianguan")
    signed = {
        "number": "柳维1", "title": "柳溪县维护协议", "client": "柳溪县委组织部", "operator": "DX-990101",
        "valid_from": "2026-01-01", "valid_to": "2026-04-01", "counting": "clock", "opens": "08:00", "closes": "18:00",
    }  # fmt: skip
    proposed = city.get(reverse("faults:agreement_new")).content.decode()
    assert ("<select" in proposed.split('name="client"')[0].rsplit("<div", 1)[1], '<datalist id="operators">' in proposed) == (False, True)
    assert city.post(reverse("faults:agreement_new"), signed | {"operator": "柳溪县委组织部"}).status_code == 400, "no operator"
    answer = city.post(reverse("faults:agreement_new"), signed)
    assert answer.status_code == 302
    hours = {"fault_class": "line", "area": "town", "respond_hours": 4, "restore_hours": 24}
    assert city.post(answer["Location"], hours).status_code == 302
    assert city.post(answer["Location"], hours | {"restore_hours": 2}).status_code == 400
    assert "30 天后到期" in county.get(reverse("faults:agreement_list")).content.decode()
    assert county.post(answer["Location"], hours).status_code == 403
    day = {"document": "测试通知", "text": "2026-05-01 放假 劳动节"}
    assert city.post(reverse("faults:calendar"), day).status_code == 302
    assert city.post(reverse("faults:calendar"), day | {"text": "五一放假"}).status_code == 400
    assert county.post(reverse("faults:calendar"), day).status_code == 403
    assert CalendarDay.objects.count() == 1
    turn = {"unit": "ZZ-990101", "name": "赵敏芝", "starts_on": "2026-05-01", "ends_on": "2026-05-03"}
    assert county.post(reverse("faults:duty"), turn | {"name": "王建军"}).status_code == 400, "of another unit"
    assert county.post(reverse("faults:duty"), turn | {"unit": "ZZ-990102", "name": "高志远"}).status_code == 400, "of another county"
    assert county.post(reverse("faults:duty"), turn).status_code == 302
    clerk = log_in("rexian")
    page = clerk.get(reverse("faults:duty")).content.decode().split('<main id="content"')[1]
    assert ("赵敏芝" in page, "<form" in page) == (True, False)
    assert clerk.post(reverse("faults:duty"), turn).status_code == 403, "who may not see people does not look for them here"
    assert "赵敏芝" in city.get(reverse("faults:duty")).content.decode()
