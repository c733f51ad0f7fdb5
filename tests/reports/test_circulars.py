"""The city's circular: facts of units, their right of reply, and nothing issued without somebody who had no hand in it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import docx
import pytest
from django.test import Client

from tests.learning.stage import COUNTY
from tests.reports.conftest import MARCH, START, Month, turns
from tests.reports.test_commands import link, number
from yuanjiao.faults.queries import orders_summary, under_reporting
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.network.queries import rate_over
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import Grant, Role
from yuanjiao.reports import commands
from yuanjiao.reports.documents.circular import Named, answer_of, named
from yuanjiao.reports.models import Document, Notice
from yuanjiao.reports.queries import notices_to_answer, rows_of
from yuanjiao.reports.rules import DocumentKind, DocumentState, Measure, due_at, measured
from yuanjiao.simulation.cast import PEOPLE

LogIn = Callable[[str], Client]
DEMANDS = {"demands": "请有关单位逐站核查。"}


@pytest.fixture
def month(month: Month) -> Month:
    """桃花村 too fell silent after twelve minutes: the county is beyond the line."""
    turns(month.as_of, 12, {"S-990101101200": "down"})
    return month


def drafted(month: Month, at: datetime | None = None) -> Document:
    city = month.cast.divisions["990100000000"]
    return commands.draft_of(DocumentKind.CIRCULAR, city, MARCH, by=month.cast.actor("shiguan"), at=at or month.as_of)


@pytest.fixture
def asked(month: Month) -> Document:
    """A circular of which the units have been told."""
    document, by = drafted(month), month.cast.actor("shiguan")
    commands.write_paragraphs(document=document, texts=DEMANDS, revision=1, by=by, at=month.as_of)
    document.refresh_from_db()
    commands.ask_units(document=document, revision=document.revision, days=3, by=by, at=month.as_of)
    return document


def answer(month: Month, text: str, revision: int = 1, *, who: str = "xianguan", at: datetime | None = None) -> None:
    notice = Notice.objects.get(place_code="990101000000")
    commands.answer_notice(notice=notice, text=text, revision=revision, by=month.cast.actor(who), at=at or month.as_of)


def approve(month: Month, document: Document, who: str = "lingdao", at: datetime | None = None) -> Document:
    by = month.cast.actor(who)
    document.refresh_from_db()
    return commands.approve_circular(document=document, revision=document.revision, link=link, by=by, at=at or month.as_of)


@pytest.mark.clause("RPT02", "SUP03", "OPS11")
def test_every_fact_of_a_county_equals_its_live_figure_and_its_rows(month: Month) -> None:
    document, end, key = drafted(month), month.as_of, "town-990101000000-"
    rate = rate_over(month.county, START, end)
    assert rate.value is not None
    assert number(document, key + "rate") == pytest.approx(rate.value)
    assert number(document, key + "fault-rate") == pytest.approx(1 - rate.value)
    assert number(document, key + "under-reporting") == pytest.approx(under_reporting(COUNTY, START, end).ratio.value)
    in_time = orders_summary(COUNTY, START, end).in_time
    assert number(document, key + "in-time") == (pytest.approx(in_time.part / in_time.whole) if in_time.whole else None)
    for figure in document.figures.all():
        if figure.number is not None:
            assert measured(Measure(figure.measure), [row.amounts for row in rows_of(figure)], figure.group) == pytest.approx(figure.number)


@pytest.mark.clause("SUP03")
def test_units_are_named_by_the_same_lines_and_no_person_or_attitude_stands_in_it(month: Month) -> None:
    document = drafted(month)
    units = named(document.figures.all())
    assert [one.name for one in units] == ["柳溪县"]
    assert any(fact.startswith("故障率") for fact in units[0].facts)
    document.figures.filter(path=COUNTY).update(number=None)
    assert named(document.figures.all()) == [], "what could not be measured puts nobody on the list"
    whole = docx.Document(io.BytesIO(commands.render_docx(document, link)))
    words = "".join(one.text for one in whole.paragraphs) + "".join(c.text for t in whole.tables for r in t.rows for c in r.cells)
    for _user, name, *_rest in PEOPLE:
        assert name not in words
    for attitude in ("责任心", "消极", "敷衍", "批评"):
        assert attitude not in words


@pytest.mark.clause("RPT02", "RPT08")
def test_late_and_missing_reports_are_counted_from_their_records(month: Month) -> None:
    month.draft()
    after = due_at(MARCH) + timedelta(days=1)
    document = drafted(month, after)
    assert (number(document, "filings"), number(document, "not-filed"), number(document, "filed-late")) == (2, 2, 0)
    assert number(document, "town-990102000000-not-filed") == 1
    assert {"柳溪县", "石岭县"} == {one.name for one in named(document.figures.all())}


@pytest.mark.clause("SUP04")
def test_a_named_unit_is_told_and_its_answer_stands_beside_the_facts(month: Month, asked: Document) -> None:
    (notice,) = Notice.objects.all()
    assert (notice.place_name, "故障率" in notice.facts) == ("柳溪县", True)
    answer(month, "3月1日停电检修。")
    answer(month, "3月1日停电检修，已报备。", revision=2)
    with pytest.raises(Conflict, match="别人"):
        answer(month, "另一位写的", revision=2)
    with pytest.raises(NotFound):
        answer(month, "邻县写的", revision=3, who="linxian")
    with pytest.raises(Refused, match="时限已过"):
        answer(month, "太晚了", revision=3, at=notice.reply_until)
    issued = approve(month, asked)
    table = docx.Document(io.BytesIO(commands.file_of(issued, "docx", link))).tables[1]
    assert [cell.text for cell in table.rows[1].cells] == ["柳溪县", notice.facts.replace("\n", "；"), "3月1日停电检修，已报备。"]
    with pytest.raises(Conflict):
        answer(month, "发出以后", revision=3)


@pytest.mark.clause("SUP04")
def test_nobody_approves_what_they_had_a_hand_in_and_no_one_before_the_units_could_speak(month: Month, asked: Document) -> None:
    drafter = month.cast.actor("shiguan")
    both = replace(drafter, grants=(*drafter.grants, Grant(Role.LEADER, asked.path, 0)))
    later = month.as_of + timedelta(days=9)
    with pytest.raises(Forbidden, match="经手"):
        commands.approve_circular(document=asked, revision=asked.revision, link=link, by=both, at=later)
    for who in ("shiguan", "xianguan"):
        with pytest.raises(Refused):
            approve(month, asked, who, later)
    with pytest.raises(Refused, match="还没有提交说明的单位：柳溪县"):
        approve(month, asked)
    draft = Document.objects.get(pk=asked.pk)
    draft.state = DocumentState.DRAFT
    with pytest.raises(Refused, match="由没有经手起草的人批准"):
        commands.issue_document(document=draft, link=link, by=drafter, at=later)
    assert not asked.files.exists()
    issued = approve(month, asked, at=later)
    tables = docx.Document(io.BytesIO(commands.file_of(issued, "docx", link))).tables
    assert "没有提交说明" in "".join(cell.text for row in tables[1].rows for cell in row.cells)
    for file in issued.files.all():
        assert hashlib.sha256(bytes(file.content)).hexdigest() == file.sha256
    assert AuditRow.objects.filter(action="批准并发出通报").count() == 1
    with pytest.raises(Conflict):
        approve(month, issued, at=later)


def test_while_units_are_heard_nothing_moves_and_a_returned_circular_keeps_the_answers(month: Month, asked: Document) -> None:
    by = month.cast.actor("shiguan")
    moves: list[Callable[[], object]] = [
        lambda: commands.write_paragraphs(document=asked, texts=DEMANDS, revision=asked.revision, by=by, at=month.as_of),
        lambda: commands.refresh_draft(document=asked, county=month.cast.divisions["990100000000"], by=by, at=month.as_of),
    ]
    for refused in moves:
        with pytest.raises(Conflict, match="听取说明"):
            refused()
    answer(month, "停电检修。")
    leader = month.cast.actor("lingdao")
    asked.refresh_from_db()
    with pytest.raises(Conflict):
        commands.return_circular(document=asked, reason="晚了", revision=asked.revision - 1, by=leader, at=month.as_of)
    commands.return_circular(document=asked, reason="数字请再核", revision=asked.revision, by=leader, at=month.as_of)
    assert (asked.state, asked.notices.get().reply) == (DocumentState.DRAFT, "停电检修。")
    Document.objects.filter(pk=asked.pk).update(revision=asked.revision)
    told = commands.ask_units(document=asked, revision=asked.revision, by=by, at=month.as_of)
    assert [one.reply for one in told] == ["停电检修。"]


def ask_again(month: Month, asked: Document, facts: str, at: datetime) -> Notice:
    """The circular was given back and the unit is told once more, having been told `facts` before."""
    asked.refresh_from_db()
    asked.notices.update(facts=facts)
    by = month.cast.actor("shiguan")
    commands.return_circular(document=asked, reason="再核", revision=asked.revision, by=by, at=at)
    (told,) = commands.ask_units(document=asked, revision=asked.revision, by=by, at=at)
    return told


@pytest.mark.clause("SUP04")
def test_an_answer_to_other_facts_is_no_answer_to_these(month: Month, asked: Document) -> None:
    answer(month, "停电检修。")
    same, at = asked.notices.get().facts, month.as_of + timedelta(hours=1)
    told = ask_again(month, asked, "故障率6.00%", at)
    assert (told.reply, told.answered) == ("停电检修。", False)
    assert list(notices_to_answer([COUNTY], at)) == [told]
    assert "没有提交说明；对先前告知的事实曾说明：停电检修。" in answer_of(told)
    with pytest.raises(Refused, match="还没有提交说明的单位：柳溪县"):
        approve(month, asked, at=at)
    with pytest.raises(Conflict, match="重新告知"):
        answer(month, "对着旧的事实写的", revision=told.revision - 1, at=at)
    answer(month, "已经换线。", told.revision, at=at)
    told = ask_again(month, asked, same, at + timedelta(hours=1))
    assert told.answered, "to the same facts nobody has to answer twice"
    assert not notices_to_answer([COUNTY], at)
    assert answer_of(told) == "已经换线。"
    assert approve(month, asked, at=at + timedelta(hours=1)).state == DocumentState.ISSUED


@pytest.mark.clause("SUP04")
def test_nobody_approves_an_answer_that_the_page_did_not_show(month: Month, asked: Document) -> None:
    shown, leader = asked.revision, month.cast.actor("lingdao")
    answer(month, "停电检修。")
    asked.refresh_from_db()
    with pytest.raises(Conflict, match="看过新的内容"):
        commands.approve_circular(document=asked, revision=shown, link=link, by=leader, at=month.as_of)
    read = Document.objects.get(pk=asked.pk)
    answer(month, "停电检修，已报备。", revision=2)
    with pytest.raises(Conflict):
        commands.approve_circular(document=read, revision=read.revision, link=link, by=leader, at=month.as_of)
    assert not asked.files.exists()


def test_a_unit_that_is_named_no_more_keeps_its_answer(month: Month, asked: Document) -> None:
    answer(month, "停电检修。")
    by = month.cast.actor("shiguan")
    asked.refresh_from_db()
    commands.return_circular(document=asked, reason="再核", revision=asked.revision, by=by, at=month.as_of)
    asked.figures.update(number=None)
    (told,) = commands.ask_units(document=asked, revision=asked.revision, by=by, at=month.as_of)
    assert (told.facts, told.reply) == ("重新提取数据后不再涉及", "停电检修。")
    assert named(asked.figures.all()) == list[Named]()


@pytest.mark.clause("SUP04")
def test_the_leader_decides_on_one_page_and_the_counties_read_what_was_sent(
    month: Month, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Story 24, on the pages: the city drafts and asks, the county answers, the leader reads both and approves."""
    monkeypatch.setattr(clock, "now", lambda: month.as_of)
    document = drafted(month)
    address, city, county, leader = f"/reports/{document.uid}/", log_in("shiguan"), log_in("xianguan"), log_in("lingdao")
    assert city.post(address, DEMANDS | {"revision": "1"}).status_code == 302
    assert city.post(f"{address}ask/", {"asked_revision": "2", "days": "3"}, follow=True).status_code == 200
    assert county.get(address).status_code == 404, "a circular that nobody approved is nobody's below"
    notice = Notice.objects.get()
    assert f"/reports/notices/{notice.uid}/" in county.get("/desk/").content.decode()
    assert address in leader.get("/desk/").content.decode()
    page = county.get(f"/reports/notices/{notice.uid}/").content.decode()
    assert "故障率" in page
    assert f"/reports/notices/{notice.uid}/fault-rate/" in page
    rows = county.get(f"/reports/notices/{notice.uid}/fault-rate/").content.decode()
    assert "共 4 行" in rows
    late = {"revision": "7", "reply": "写了一大段说明"}
    refused = county.post(f"/reports/notices/{notice.uid}/", late)
    assert (refused.status_code, "写了一大段说明" in refused.content.decode()) == (409, True)
    assert county.post(f"/reports/notices/{notice.uid}/", late | {"revision": "1"}).status_code == 302
    assert f"/reports/notices/{notice.uid}/" not in county.get("/desk/").content.decode()
    read = leader.get(address).content.decode()
    assert "写了一大段说明" in read
    assert notice.facts.splitlines()[0] in read
    assert "批准并发出" in read
    assert "批准并发出" not in city.get(address).content.decode()
    assert city.post(f"{address}approve/", {"revision": "4"}).status_code == 403
    assert leader.post(f"{address}approve/", {"revision": "3"}).status_code == 409, "that page did not show the answer"
    assert leader.post(f"{address}approve/", {"revision": "4"}, follow=True).status_code == 200
    neighbour = log_in("linxian")
    assert neighbour.get(address).status_code == 200
    assert neighbour.get(f"{address}files/pdf/").status_code == 200
    assert neighbour.get(f"{address}files/xlsx/").status_code == 404
    assert "S-990101100200" not in neighbour.get(f"{address}figures/rate/").content.decode()
    assert "S-990101100200" in city.get(f"{address}figures/rate/").content.decode()
    assert neighbour.get(f"/reports/notices/{notice.uid}/").status_code == 404
