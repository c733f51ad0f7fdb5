"""Weekly reports: due on a fixed day, four sections of which one is there beforehand, who has not reported, the office's digest."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import docx
import pytest
from django.test import Client

from tests.learning.stage import COUNTY
from tests.reports.conftest import Month
from tests.reports.test_commands import link, number
from yuanjiao.learning.queries import use_of
from yuanjiao.lib import clock
from yuanjiao.lib.clock import day_start
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network.queries import detected_outages
from yuanjiao.places.commands import add_division
from yuanjiao.reports import commands
from yuanjiao.reports.jobs import draft_week_reports
from yuanjiao.reports.models import Document, ReportDay
from yuanjiao.reports.queries import rows_of, slots_of, week_slots, weekday_at, written_of
from yuanjiao.reports.rules import DocumentKind, Measure, Standing, due_at, measured, weeks_back
from yuanjiao.simulation.cast import SINCE

LogIn = Callable[[str], Client]
WEEK = DocumentKind.COUNTY_WEEK
FIRST, FIXED = date(2026, 3, 1), date(2026, 3, 8)
"""The seven days of the month's beginning, and the Sunday after them, on which their reports are due."""
SECTIONS = {"practice": "逐村检修。", "cases": "李村当天恢复。", "results": "畅通率回升。"}


@dataclass
class Week:
    """The week as lived, and the morning of the fixed day."""

    month: Month
    at: datetime

    def draft(self, county: str = "990101000000", who: str = "xianguan") -> Document:
        return commands.draft_of(WEEK, self.month.cast.divisions[county], FIRST, by=self.month.cast.actor(who), at=self.at)

    def send(self, *, at: datetime | None = None, county: str = "990101000000", who: str = "xianguan") -> Document:
        document, by = self.draft(county, who), self.month.cast.actor(who)
        commands.write_paragraphs(document=document, texts=SECTIONS, revision=document.revision, by=by, at=at or self.at)
        document.refresh_from_db()
        return commands.issue_document(document=document, link=link, by=by, at=at or self.at)

    def digest(self, at: datetime) -> Document:
        city = self.month.cast.divisions["990100000000"]
        return commands.draft_of(DocumentKind.WEEK_DIGEST, city, FIRST, by=self.month.cast.actor("shiguan"), at=at)


@pytest.fixture
def week(month: Month) -> Week:
    """The city has chosen Sundays."""
    at = day_start(FIXED) + timedelta(hours=8)
    commands.set_report_day(city=month.cast.divisions["990100000000"], weekday=6, by=month.cast.actor("shiguan"), at=at)
    return Week(month, at)


@pytest.mark.clause("RPT05")
def test_the_city_sets_the_day_and_a_week_ends_before_it(week: Week) -> None:
    assert weekday_at(COUNTY) == 6
    assert weeks_back(FIXED, 6, 2) == [FIRST, date(2026, 2, 22)]
    assert weeks_back(date(2026, 3, 13), 6, 1) == [FIRST], "until the next fixed day it is the same week"
    assert due_at(FIRST, WEEK) == day_start(date(2026, 3, 9))
    with pytest.raises(Refused, match="报告日"):
        commands.draft_of(WEEK, week.month.county, date(2026, 3, 3), by=week.month.cast.actor("xianguan"), at=week.at)
    with pytest.raises(NotFound):
        commands.set_report_day(city=week.month.cast.divisions["990100000000"], weekday=1, by=week.month.cast.actor("xianguan"), at=week.at)


@pytest.mark.clause("RPT06", "RPT08")
def test_the_data_is_there_beforehand_and_equals_the_live_lists(week: Week) -> None:
    document = week.draft()
    use = use_of(COUNTY, FIRST, FIXED)
    assert (number(document, "sessions"), number(document, "onsite"), number(document, "online")) == (use.sessions, use.onsite, use.online)
    assert use.sessions == 2
    assert number(document, "outages") == len(detected_outages(COUNTY, day_start(FIRST), day_start(FIXED))) > 1
    for figure in document.figures.all():
        rows = [row.amounts for row in rows_of(figure)]
        if figure.number is not None:
            assert measured(Measure(figure.measure), rows, figure.group) == pytest.approx(figure.number), figure.key
    book = docx.Document(io.BytesIO(commands.render_docx(document, link)))
    lines = [one.text for one in book.paragraphs]
    places = [lines.index(f"{number}、{section}") for number, section in zip("一二三四", ("做法", "数据", "案例", "成效"), strict=True)]
    assert places == sorted(places)
    words = "".join(lines)
    assert "本周" in words
    assert "本月" not in words


@pytest.mark.clause("RPT06")
def test_an_empty_section_stops_sending_and_the_text_is_kept(week: Week, log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    document = week.draft()
    monkeypatch.setattr(clock, "now", lambda: week.at)
    client, address = log_in("xianguan"), f"/reports/{document.uid}/"
    empty = client.post(address, {"revision": "1", "practice": "逐村检修的一大段", "cases": "", "results": "", "issue": "1"})
    page = empty.content.decode()
    assert empty.status_code == 400
    assert "请先填写：案例、成效" in page
    assert "逐村检修的一大段" in page
    assert 'name="revision" value="2"' in page, "what was written is kept, and the same page goes on from it"
    assert client.post(address, SECTIONS | {"revision": "2", "issue": "1"}).status_code == 302
    document.refresh_from_db()
    assert document.issued_at == week.at
    assert {file.media for file in document.files.all()} == {"docx", "xlsx", "pdf"}


def test_without_a_single_row_the_data_is_empty_and_stops_sending(week: Week) -> None:
    document = week.draft()
    document.figures.update(population=0)
    commands.write_paragraphs(document=document, texts=SECTIONS, revision=1, by=week.month.cast.actor("xianguan"), at=week.at)
    document.refresh_from_db()
    with pytest.raises(Refused, match="数据一节是空的"):
        commands.issue_document(document=document, link=link, by=week.month.cast.actor("xianguan"), at=week.at)


def test_two_writing_at_once_do_not_overwrite_one_another(week: Week, log_in: LogIn) -> None:
    address = f"/reports/{week.draft().uid}/"
    client = log_in("xianguan")
    assert client.post(address, SECTIONS | {"revision": "1"}).status_code == 302
    late = client.post(address, {"revision": "1", "practice": "另一位写的一大段"})
    assert late.status_code == 409
    assert "另一位写的一大段" in late.content.decode()


@pytest.mark.clause("RPT05")
def test_the_office_sees_who_is_on_time_late_and_missing(week: Week, log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    week.send()
    after = due_at(FIRST, WEEK) + timedelta(hours=1)
    slots = slots_of(WEEK, ["/"], [FIRST], at=after, on=FIXED)
    assert {slot.county.name: slot.standing for slot in slots} == {"柳溪县": Standing.ON_TIME, "石岭县": Standing.MISSING}
    monkeypatch.setattr(clock, "now", lambda: after)
    monkeypatch.setattr(clock, "today", lambda: date(2026, 3, 9))
    page = log_in("shiguan").get("/reports/weeks/?standing=missing").content.decode()
    assert "石岭县" in page
    assert "柳溪县" not in page
    assert "石岭县" not in log_in("xianguan").get("/reports/weeks/").content.decode()
    assert log_in("xianguan").get("/reports/weeks/settings/").status_code == 400
    assert log_in("shiguan").post("/reports/weeks/settings/", {"weekday": "0"}).status_code == 302
    assert weekday_at(COUNTY) == 0


@pytest.mark.clause("RPT07", "RPT08")
def test_the_digest_adds_up_what_was_sent_and_takes_over_what_was_written(week: Week) -> None:
    sent = week.send()
    week.draft("990102000000", "linxian")
    digest = week.digest(due_at(FIRST, WEEK) + timedelta(hours=1))
    counted = {key: number(digest, key) for key in ("expected", "filed-on_time", "filed-missing", "sessions", "outages")}
    assert counted == {
        "expected": 2,
        "filed-on_time": 1,
        "filed-missing": 1,
        "sessions": number(sent, "sessions"),
        "outages": number(sent, "outages"),
    }
    for figure in digest.figures.all():
        assert measured(Measure(figure.measure), [row.amounts for row in rows_of(figure)], figure.group) == figure.number, figure.key
    words = "".join(one.text for one in docx.Document(io.BytesIO(commands.render_docx(digest, link))).paragraphs)
    for text in SECTIONS.values():
        assert text in words
    assert "逾期未报1个" in words
    commands.write_paragraphs(
        document=digest, texts={"overview": "一县按时。", "990101000000-cases": "改写"}, revision=1,
        by=week.month.cast.actor("shiguan"), at=week.at,
    )  # fmt: skip
    assert written_of(digest)["990101000000-cases"] == SECTIONS["cases"], "nobody rewrites what a county wrote"
    later = due_at(FIRST, WEEK) + timedelta(hours=2)
    week.send(at=later, county="990102000000", who="linxian")
    assert number(digest, "filed-missing") == 1, "a snapshot does not move"
    digest.refresh_from_db()
    city = week.month.cast.divisions["990100000000"]
    commands.refresh_draft(document=digest, county=city, by=week.month.cast.actor("shiguan"), at=later)
    assert (number(digest, "filed-missing"), number(digest, "filed-late")) == (0, 1)
    assert written_of(digest)["overview"] == "一县按时。"


def test_the_machine_drafts_on_the_day_and_nobody_begins_late(week: Week) -> None:
    assert draft_week_reports(week.at + timedelta(days=2)) == 0
    assert draft_week_reports(week.at) == 2
    assert draft_week_reports(week.at) == 2
    assert Document.objects.filter(kind=WEEK, first_day=FIRST).count() == 2
    assert draft_week_reports(week.at + timedelta(days=8)) == 2, "a day on which the machine stood still is made up for"
    assert not Document.objects.filter(kind=WEEK).first().hands.exists()  # type: ignore[union-attr]


def set_day(week: Week, weekday: int, day: date) -> None:
    by, at = week.month.cast.actor("shiguan"), day_start(day) + timedelta(hours=9)
    commands.set_report_day(city=week.month.cast.divisions["990100000000"], weekday=weekday, by=by, at=at)


def drafted_days() -> set[date]:
    return set(Document.objects.filter(kind=WEEK).values_list("first_day", flat=True))


@pytest.mark.clause("RPT05")
def test_another_day_holds_from_the_next_one_on_and_makes_nobody_late(week: Week, log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    draft_week_reports(week.at)
    wednesday, city = date(2026, 3, 11), week.month.cast.divisions["990100000000"]
    at = day_start(wednesday) + timedelta(hours=10)
    set_day(week, 0, wednesday)
    draft_week_reports(at)
    assert drafted_days() == {FIRST}, "the Monday before was no fixed day"
    monkeypatch.setattr(clock, "now", lambda: at)
    monkeypatch.setattr(clock, "today", lambda: wednesday)
    monday_before = date(2026, 3, 2)
    page = log_in("shiguan").get("/reports/weeks/").content.decode()
    assert f"{FIRST}" in page
    assert f"{monday_before}" not in page
    assert f"kind=week_digest&amp;day={FIRST}" in page, "the week that was reported is still the one to add up"
    with pytest.raises(Refused, match="报告日"):
        commands.draft_of(WEEK, week.month.county, monday_before, by=week.month.cast.actor("xianguan"), at=at)
    assert commands.draft_of(DocumentKind.WEEK_DIGEST, city, FIRST, by=week.month.cast.actor("shiguan"), at=at).first_day == FIRST
    draft_week_reports(day_start(date(2026, 3, 15)) + timedelta(hours=8))
    assert drafted_days() == {FIRST}, "Sunday is no fixed day any more"
    draft_week_reports(day_start(date(2026, 3, 16)) + timedelta(hours=8))
    assert drafted_days() == {FIRST, date(2026, 3, 9)}


def test_the_same_day_set_again_holds_as_long_as_it_did(week: Week) -> None:
    set_day(week, 6, date(2026, 3, 20))
    assert ReportDay.objects.get().since == FIXED


def test_a_county_draws_level_with_a_week_of_the_rule_before(week: Week) -> None:
    week.draft("990102000000", "linxian")
    set_day(week, 0, date(2026, 3, 11))
    week.at = day_start(date(2026, 3, 12))
    assert week.draft().first_day == FIRST


@pytest.mark.clause("RPT05")
def test_weeks_in_which_the_machine_stood_still_are_drafted_later(week: Week) -> None:
    draft_week_reports(week.at)
    draft_week_reports(week.at + timedelta(days=22))
    assert drafted_days() == {FIRST + timedelta(days=7 * number) for number in range(4)}
    draft_week_reports(week.at + timedelta(days=100))
    assert len(drafted_days()) == 8, "four weeks back and no more"


@pytest.mark.clause("RPT05")
def test_a_city_is_not_late_by_the_rule_of_another(week: Week) -> None:
    cast = week.month.cast
    other = add_division(code="990200000000", name="白沙市", parent=cast.divisions["990000000000"], on=SINCE)
    county = add_division(code="990201000000", name="沙河县", parent=other, on=SINCE)
    ReportDay.objects.create(path=other.path, weekday=2)
    draft_week_reports(week.at)
    assert {one.place_code for one in Document.objects.filter(kind=WEEK)} == {"990101000000", "990102000000"}
    on, after = date(2026, 3, 12), day_start(date(2026, 3, 12))
    draft_week_reports(day_start(date(2026, 3, 11)) + timedelta(hours=8))
    slots = week_slots(["/"], at=after, on=on)
    assert {(slot.county.code, slot.first_day) for slot in slots} == {
        ("990101000000", FIRST), ("990102000000", FIRST), (county.code, date(2026, 3, 4)),
    }  # fmt: skip
    assert [slot.county.code for slot in week_slots([week.month.county.path], at=after, on=on)] == ["990101000000"]


def test_nothing_sent_is_changed(week: Week) -> None:
    sent: Any = week.send()
    with pytest.raises(Conflict):
        commands.write_paragraphs(document=sent, texts=SECTIONS, revision=sent.revision, by=week.month.cast.actor("xianguan"), at=week.at)
