"""The burden meter: what is asked of a unit in a month, caps that need a second person, months that stay as they were."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.burden import commands, models, queries
from yuanjiao.burden.inputs import month_asked
from yuanjiao.burden.models import Approval, Cap, FrozenAsked, UnitMonth
from yuanjiao.burden.rules import Load, Measure, growth, last_of, load_of, months_back
from yuanjiao.items import commands as items
from yuanjiao.items.models import Item
from yuanjiao.items.rules import ItemKind, State
from yuanjiao.learning.commands import plan_study_day
from yuanjiao.learning.rules import SessionForm
from yuanjiao.lib import clock
from yuanjiao.lib import metering as below
from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.people import commands as people
from yuanjiao.people.rules import Role
from yuanjiao.places.rules import Level
from yuanjiao.simulation.cast import SINCE, Cast
from yuanjiao.surveys import commands as surveys

LogIn = Callable[[str], Client]
MARCH, APRIL, DUE = date(2026, 3, 1), date(2026, 4, 1), datetime(2026, 3, 20, 15, 59, tzinfo=clock.CHINA)
IN_APRIL = DUE + timedelta(days=30)
COUNTY = "ZZ-990101"


@pytest.fixture(autouse=True)
def _now(at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=1))


def task(cast: Cast, at: datetime, title: str = "报送隐患清单", unit: str = COUNTY) -> Item:
    fields = {"expected_result": "报齐", "measure": "逐村填报", "starts_on": date(2026, 3, 2), "lead_unit": cast.units[unit]}
    division = cast.units[unit].division
    return items.create_item(kind=ItemKind.TASK, title=title, division=division, by=cast.actor("shiguan"), at=at, **fields)


def give(cast: Cast, item: Item, at: datetime, due_at: datetime = DUE) -> Item:
    return items.issue_item(item=item, due_at=due_at, by=cast.actor("shiguan"), at=at)


def cap(cast: Cast, at: datetime, most: int | None = 1, measure: Measure = Measure.UPLOADS, level: Level = Level.COUNTY) -> Cap:
    said = {"level": level, "measure": measure, "most": most, "from_month": MARCH, "document": "青组〔2026〕5号"}
    return commands.set_cap(by=cast.actor("shiguan"), at=at, **said)


def load(cast: Cast, month: date = MARCH, unit: str = COUNTY) -> Load:
    return queries.load_now(cast.units[unit], month)


def leave(item: Item, cast: Cast) -> commands.Wanted:
    """What the page would ask leave for."""
    asks = items.asks_of(item, item.lead_unit, DUE.date())
    (weight,) = below.meter().weighed(asks, subject=items.subject_of(item), at=clock.now())
    return commands.wanted(weight.address.split("about=")[1])


@given(st.lists(st.builds(Asked, st.sampled_from(Kind), st.just("x"), st.just(MARCH), st.integers(0, 9), st.integers(1, 9))))
def test_everything_asked_is_counted_once(asks: list[Asked]) -> None:
    found = load_of(asks)
    assert found.forms + found.meetings + found.uploads == sum(one.times for one in asks)
    assert found.fields == sum(one.fields * one.times for one in asks)
    assert found == sum((load_of([one]) for one in asks), Load())


def test_only_what_grows_over_a_cap_is_refused() -> None:
    caps = {Measure.FORMS: 2, Measure.UPLOADS: 0}
    assert growth(Load(forms=2), Load(forms=1), caps) == [Measure.FORMS]
    assert growth(Load(uploads=9), Load(forms=1), caps) == []
    assert growth(Load(forms=1), Load(forms=1), caps) == []
    assert (last_of(date(2028, 2, 3)), months_back(date(2026, 1, 9), 2)) == (date(2028, 2, 29), [date(2026, 1, 1), date(2025, 12, 1)])


@pytest.mark.clause("GOV30")
def test_a_units_month_is_what_every_room_asks_of_it(cast: Cast, at: datetime) -> None:
    assert load(cast) == Load(forms=1, fields=2), "the month-end report with its two paragraphs"
    give(cast, task(cast, at), at)
    place = cast.divisions["990100000000"]
    survey = surveys.make_survey(
        division=place, title="百村调查", frame_on=MARCH, size=5, due_on=date(2026, 3, 28), by=cast.actor("shiguan"), at=at
    )
    assert load(cast) == Load(forms=1, fields=3, uploads=1), "what is drawn and not given out is not asked"
    surveys.open_survey(survey=survey, by=cast.actor("shiguan"), at=at)
    assert load(cast) == Load(forms=5, fields=15, uploads=1)
    plan_study_day(
        title="逢六学习日", unit=cast.units[COUNTY], scope=cast.divisions["990101000000"].path, form=SessionForm.GROUP_VIEWING,
        start_time=time(15), minutes=60, starts_on=date(2026, 1, 1), days_of_month={6, 16, 26},
        by=cast.actor("xianguan"), at=at,
    )  # fmt: skip
    village = "ZZ-990101100200"
    assert load(cast, unit=village) == Load(forms=3, fields=3, meetings=3)
    assert load(cast).meetings == 0, "of villages, not of the county"
    rows = {row.code: row for row in queries.standings(MARCH, place.path, on=date(2026, 3, 2))}
    assert rows[COUNTY].load == load(cast)
    assert rows[village].load == load(cast, unit=village)
    assert rows["ZZ-990102"].load == load(cast, unit="ZZ-990102") == Load(forms=2, fields=5)
    assert load(cast, APRIL) == Load(forms=1, fields=2)
    assert {line.asked.what for line in queries.lines_of_unit(cast.units[village], MARCH)} == {"学习登记：逢六学习日", "学习日：逢六学习日"}


@pytest.mark.clause("GOV30")
def test_what_goes_over_the_cap_needs_another_person(cast: Cast, at: datetime) -> None:
    cap(cast, at)
    give(cast, task(cast, at), at)
    second = task(cast, at, "再报一份")
    with pytest.raises(Refused, match=r"超出每月上限.*柳溪县委组织部 2026-03 .*1 → 2（上限 1）"):
        give(cast, second, at)
    second.refresh_from_db()
    assert second.state == State.DRAFT
    asking = cast.actor("shiguan")
    row = commands.ask_approval(about=leave(second, cast), reason="汛期将至", by=asking, at=at)
    with pytest.raises(Conflict):
        commands.ask_approval(about=leave(second, cast), reason="汛期将至", by=asking, at=at)
    with pytest.raises(Forbidden, match="申请人以外"):
        commands.decide_approval(approval=row, granted=True, decision="同意", by=asking, at=at)
    with pytest.raises(Forbidden):
        commands.decide_approval(approval=row, granted=True, decision="同意", by=cast.actor("xianguan"), at=at)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=row.pk).update(decided_by_uid=row.asked_by_uid)
    with pytest.raises(Refused):
        give(cast, second, at)
    commands.decide_approval(approval=row, granted=True, decision="只此一次", by=cast.actor("lingdao"), at=at)
    with pytest.raises(Conflict):
        commands.decide_approval(approval=row, granted=False, decision="再想想", by=cast.actor("lingdao"), at=at)
    assert give(cast, second, at).state == State.ISSUED
    with pytest.raises(Refused, match="超出"):
        give(cast, task(cast, at, "第三份"), at)
    assert give(cast, task(cast, at, "四月的"), at, DUE + timedelta(days=30)).state == State.ISSUED, "another month"


def test_what_was_denied_may_be_asked_again_and_counts_for_nothing(cast: Cast, at: datetime) -> None:
    cap(cast, at, 0)
    item = task(cast, at)
    row = commands.ask_approval(about=leave(item, cast), reason="要", by=cast.actor("shiguan"), at=at)
    commands.decide_approval(approval=row, granted=False, decision="合并到月报", by=cast.actor("lingdao"), at=at)
    with pytest.raises(Refused, match="超出"):
        give(cast, item, at)
    commands.ask_approval(about=leave(item, cast), reason="确实要", by=cast.actor("shiguan"), at=at)
    assert Approval.objects.count() == 2


def test_caps_are_dated_and_lifted_and_of_a_level(cast: Cast, at: datetime) -> None:
    cap(cast, at, 0)
    assert queries.caps_of(date(2026, 2, 1)) == {}
    assert give(cast, task(cast, at, unit="ZZ-990101100"), at).state == State.ISSUED, "a town has no cap"
    with pytest.raises(Refused, match="自本月"):
        commands.set_cap(level=3, measure="forms", most=1, from_month=date(2026, 2, 1), document="x", by=cast.actor("shiguan"), at=at)
    with pytest.raises(Forbidden):
        commands.set_cap(level=3, measure="forms", most=1, from_month=MARCH, document="x", by=cast.actor("xianguan"), at=at)
    cap(cast, at, None)
    assert give(cast, task(cast, at), at).state == State.ISSUED
    assert Cap.objects.count() == 2, "what was before stays"


@pytest.mark.clause("GOV30")
def test_a_date_moved_into_a_full_month_asks_the_meter(cast: Cast, at: datetime) -> None:
    """By extension, by an approved change and by reopening; within its own month an item is counted already."""
    give(cast, task(cast, at, "四月的"), at, IN_APRIL)
    item, by = give(cast, task(cast, at), at), cast.actor("shiguan")
    cap(cast, at)
    moved = items.extend_item(item=item, due_at=DUE + timedelta(days=5), reason="雨", by=by, at=at)
    assert load(cast).uploads == 1
    with pytest.raises(Refused, match=r"2026-04 .*1 → 2（上限 1）"):
        items.extend_item(item=moved, due_at=IN_APRIL, reason="雨", by=by, at=at)
    asked = items.ask_change(item=moved, due_at=IN_APRIL, expected_result="", reason="雨", by=cast.actor("xianguan"), at=at)
    waiting = Item.objects.get(pk=item.pk)
    with pytest.raises(Refused, match="超出"):
        items.decide_change(item=waiting, change=asked.pk, agreed=True, note="", by=by, at=at)
    assert waiting.changes.get().agreed is None, "what is refused leaves nothing"
    Item.objects.filter(pk=item.pk).update(state=State.CLOSED, verified_at=at, closed_at=at)
    closed = Item.objects.get(pk=item.pk)
    with pytest.raises(Refused, match="超出"):
        items.reopen_item(item=closed, reason="又坏", due_at=IN_APRIL, by=by, at=at)
    assert items.reopen_item(item=closed, reason="又坏", due_at=DUE + timedelta(days=6), by=by, at=at).state == State.ISSUED


@pytest.mark.clause("GOV30")
def test_the_page_asks_leave_for_a_later_date_as_for_a_new_item(cast: Cast, at: datetime, log_in: LogIn) -> None:
    cap(cast, at)
    give(cast, task(cast, at, "四月的"), at, IN_APRIL)
    item, city = give(cast, task(cast, at), at), log_in("shiguan")
    address, later = reverse("items:item", args=[item.code]), {"act": "extend", "due_on": "2026-04-20", "reason": "雨"}
    refused = city.post(address, later)
    assert refused.status_code == 400
    asking = re.search(r'href="(/burden/approvals/new[^"]*)"', refused.content.decode())
    assert asking
    assert city.post(asking[1], {"reason": "汛期"}).status_code == 302
    commands.decide_approval(approval=Approval.objects.get(), granted=True, decision="同意", by=cast.actor("lingdao"), at=at)
    assert city.post(address, later).status_code == 302
    assert load(cast, APRIL).uploads == 2
    items.ask_change(
        item=Item.objects.get(pk=item.pk),
        due_at=IN_APRIL + timedelta(days=30),
        expected_result="",
        reason="雨",
        by=cast.actor("xianguan"),
        at=at,
    )
    assert "2026-05" in city.get(address).content.decode(), "what agreeing would add stands there before it is agreed"
    for wrong in ("9999-12-31", "0001-01-01"):
        assert city.post(reverse("items:item", args=[task(cast, at).code]), {"act": "issue", "due_on": wrong}).status_code == 400


@pytest.mark.clause("GOV30")
def test_leave_is_for_what_it_was_asked_for(cast: Cast, at: datetime) -> None:
    """A draft that is rewritten after the approval is something else; leave for it is asked for anew."""
    cap(cast, at, 0)
    item, by = task(cast, at), cast.actor("shiguan")
    row = commands.ask_approval(about=leave(item, cast), reason="要", by=by, at=at)
    commands.decide_approval(approval=row, granted=True, decision="同意", by=cast.actor("lingdao"), at=at)
    said = {"measure": item.measure, "expected_result": item.expected_result, "starts_on": item.starts_on}
    other = items.edit_draft(item=item, title="报送全部台账", by=by, at=at, **said)
    with pytest.raises(Refused, match="超出"):
        give(cast, other, at)
    assert commands.ask_approval(about=leave(other, cast), reason="要", by=by, at=at).what.endswith("报送全部台账")
    assert give(cast, items.edit_draft(item=other, title=item.title, by=by, at=at, **said), at).state == State.ISSUED


def test_no_cap_is_set_that_would_refuse_nothing(cast: Cast, at: datetime, log_in: LogIn) -> None:
    """Rooms that call meetings do not ask the meter."""
    with pytest.raises(Refused):
        cap(cast, at, 1, Measure.MEETINGS)
    assert 'value="meetings"' not in log_in("shiguan").get(reverse("burden:cap_list")).content.decode()


def test_a_cap_is_set_by_who_answers_for_every_unit_it_binds(cast: Cast, at: datetime) -> None:
    """An officer of the city's kind who was appointed for one county does not bind the other counties."""
    person = people.add_person(name="钱卫东", unit=cast.units[COUNTY])
    people.appoint(person=person, unit=cast.units[COUNTY], role=Role.CITY_ADMIN, on=SINCE)
    cast.people["one"] = person
    cast.accounts["one"] = people.open_account(person=person, username="one", password="Qinghe-2026!")
    with pytest.raises(Forbidden, match="所有单位"):
        commands.set_cap(level=3, measure="forms", most=1, from_month=MARCH, document="x", by=cast.actor("one"), at=at)
    assert not Cap.objects.exists()


def test_months_at_the_edges_of_the_calendar() -> None:
    assert month_asked("2028-03", date(2028, 2, 29)) == date(2028, 3, 1)
    assert month_asked("2029-03", date(2028, 2, 29)) == date(2028, 2, 1), "further than a year"
    assert last_of(date(9999, 12, 1)) == date(9999, 12, 31)


def test_the_month_that_is_shown_is_the_marked_button(cast: Cast, log_in: LogIn) -> None:
    del cast
    county, address = log_in("xianguan"), reverse("burden:unit", args=[COUNTY])
    for month in ("2026-03", "2026-04", "2026-01", "2024-05"):
        shown = county.get(f"{address}?month={month}").content.decode()
        assert re.findall(r'class="btn btn-primary" href="[^"]*">([^<]*)<', shown)[0] == month


@pytest.mark.clause("GOV30")
def test_a_survey_is_not_given_out_over_the_cap_either(cast: Cast, at: datetime) -> None:
    cap(cast, at, 3, Measure.FORMS)
    survey = surveys.make_survey(
        division=cast.divisions["990100000000"], title="百村调查", frame_on=MARCH, size=5, due_on=date(2026, 3, 28),
        by=cast.actor("shiguan"), at=at,
    )  # fmt: skip
    with pytest.raises(Refused, match=r"柳溪县委组织部 2026-03 表单 1 → 5（上限 3）"):
        surveys.open_survey(survey=survey, by=cast.actor("shiguan"), at=at)


def test_an_ended_month_stays_as_it_was_whatever_happens_later(cast: Cast, at: datetime) -> None:
    cap(cast, at, 0, Measure.FIELDS)
    item = task(cast, at)
    Item.objects.filter(pk=item.pk).update(state=State.ISSUED, due_at=DUE, original_due_at=DUE, issued_at=at)
    after = datetime(2026, 4, 1, 9, tzinfo=clock.CHINA)
    assert commands.freeze_months(after) == 1, "nothing is said of months before the machine began"
    assert commands.freeze_months(after) == 0
    before, rows = queries.lines_of_unit(cast.units[COUNTY], MARCH), queries.kept_standings(MARCH, ["/"])
    assert [one.over for one in rows if one.code == COUNTY] == [(Measure.FIELDS,)]
    (march,) = queries.kept_months([MARCH], [cast.divisions["990101000000"].path])
    assert (march.load, march.units, march.over) == (Load(forms=1, fields=3, uploads=1), 1, 1)
    Item.objects.filter(pk=item.pk).update(state=State.CANCELLED)
    assert queries.lines_of_unit(cast.units[COUNTY], MARCH) == before
    assert load_of(line.asked for line in before) == march.load
    assert UnitMonth.objects.filter(month__month=MARCH).count() == 2
    assert not FrozenAsked.objects.filter(month__month=MARCH, unit=COUNTY).exclude(path=cast.units[COUNTY].division.path).exists()


@pytest.mark.clause("GOV30")
def test_the_pages_of_the_city_and_of_the_unit(cast: Cast, at: datetime, log_in: LogIn) -> None:
    cap(cast, at)
    first, second = task(cast, at), task(cast, at, "再报一份")
    give(cast, first, at)
    city, county, town = log_in("shiguan"), log_in("xianguan"), log_in("zhanguan")
    shown = city.get(reverse("items:item", args=[second.code])).content.decode()
    assert "报送材料 1 → 2（上限 1）" in shown
    asking = shown.split('href="')[next(n for n, one in enumerate(shown.split('href="')) if one.startswith("/burden/approvals/new"))]
    address = asking.split('"')[0]
    refused = city.post(reverse("items:item", args=[second.code]), {"act": "issue", "due_on": "2026-03-20"})
    assert refused.status_code == 400
    assert "超出每月上限" in refused.content.decode()
    assert city.post(address, {"reason": "汛期将至"}).status_code == 302
    assert city.post(address, {"reason": "汛期将至"}).status_code == 409
    assert city.get(reverse("burden:approval_new") + "?about=made-up").status_code == 400
    decide = reverse("burden:approval", args=[Approval.objects.get().uid])
    said = {"granted": "yes", "decision": "同意"}
    assert [client.post(decide, said).status_code for client in (city, county, log_in("lingdao"))] == [403, 403, 302]
    assert city.post(reverse("items:item", args=[second.code]), {"act": "issue", "due_on": "2026-03-20"}).status_code == 302
    over = city.get(reverse("burden:overview") + "?over=yes").content.decode()
    assert "柳溪县委组织部" in over
    assert "共 1 行" in over
    assert log_in("linxian").get(reverse("burden:overview")).content.decode().count("柳溪县委组织部") == 0
    mine = county.get(reverse("burden:mine"), follow=True).content.decode()
    assert "再报一份" in mine
    assert "青禾市委组织部" in mine, "by whom"
    assert town.get(reverse("burden:unit", args=[COUNTY])).status_code == 404
    assert town.get(reverse("burden:mine"), follow=True).status_code == 200
    caps = {"level": "3", "measure": "forms", "most": "9", "from_month": "2026-03", "document": "文"}
    assert [client.post(reverse("burden:cap_list"), caps).status_code for client in (city, county)] == [302, 403]


def test_every_room_asks_in_the_area_it_is_asked_about(cast: Cast, at: datetime) -> None:
    """Each provider answers for a village, a county and everywhere, and what it names is a route that exists."""
    give(cast, task(cast, at), at)
    for path in ("/", cast.divisions["990101000000"].path, cast.divisions["990101100200"].path):
        for asking in below.askings():
            for one in asking.asked(MARCH, date(2026, 3, 31), path):
                assert one.unit or one.level, asking.name
                assert reverse(one.link[0], args=one.link[1:])
                assert MARCH <= one.due_on <= date(2026, 3, 31)
    assert not list(below.askings()[0].asked(MARCH, date(2026, 3, 31), cast.divisions["990102000000"].path))


def test_it_counts_units_and_nobody() -> None:
    """No model of the meter but those of caps and approvals, which are acts of office, names a person."""
    source = Path(str(models.__file__)).read_text()
    counted = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name in {"FrozenAsked", "UnitMonth"}]
    assert len(counted) == 2
    assert not any("person" in ast.unparse(node).replace("personal", "") for node in counted)


def test_a_second_city_officer_may_approve(cast: Cast, at: datetime) -> None:
    person = people.add_person(name="钱卫东", unit=cast.units["ZZ-9901"])
    people.appoint(person=person, unit=cast.units["ZZ-9901"], role=Role.CITY_ADMIN, on=SINCE)
    cast.people["second"] = person
    cast.accounts["second"] = people.open_account(person=person, username="second", password="Qinghe-2026!")
    cap(cast, at, 0)
    item = task(cast, at)
    row = commands.ask_approval(about=leave(item, cast), reason="要", by=cast.actor("shiguan"), at=at)
    assert commands.decide_approval(approval=row, granted=True, decision="同意", by=cast.actor("second"), at=at).granted
    with pytest.raises(NotFound):
        queries.approval_for(row.uid, cast.actor("linxian"))
