"""Drafting, freezing, writing and issuing; every figure equals its query and its rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.faults.conftest import LIN
from tests.learning.stage import COUNTY, hold
from tests.reports.conftest import MARCH, START, Month
from yuanjiao.faults.queries import orders_summary, reported_faults, under_reporting
from yuanjiao.learning.queries import use_of, zero_use
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.network.queries import detected_outages, rate_over, rates_by_child
from yuanjiao.people.models import AuditRow
from yuanjiao.places.commands import rename_division
from yuanjiao.reports import commands
from yuanjiao.reports.documents.county_month import SPECS
from yuanjiao.reports.jobs import draft_month_reports
from yuanjiao.reports.models import Document, Figure, IssuedFile
from yuanjiao.reports.queries import county_months, rows_of, written_of
from yuanjiao.reports.rules import Measure, Standing, due_at, measured
from yuanjiao.simulation.cast import SINCE

BOTH = {"problems": "桃源乡一处线路老化。\n已列入改造。", "plans": "下月更换。"}


def link(key: str) -> str:
    return f"https://edu.example/reports/x/figures/{key}/"


def number(document: Document, key: str) -> float | None:
    return Figure.objects.get(document=document, key=key).number


@pytest.mark.clause("RPT01", "RPT08")
def test_the_drafted_figures_equal_the_queries(month: Month) -> None:
    document, end = month.draft(), month.as_of
    rate = rate_over(month.county, START, end)
    assert rate.value is not None
    assert 0.8 < rate.value < 1
    assert number(document, "rate") == pytest.approx(rate.value)
    assert (number(document, "rate-lowest"), number(document, "rate-highest")) == pytest.approx(rate.bounds)
    assert document.rule == rate.sentence
    assert number(document, "sites") == rate.population == 4
    assert number(document, "outages") == len(detected_outages(COUNTY, START, end)) > 1
    assert number(document, "outages-server") == 1
    assert number(document, "reports") == reported_faults(COUNTY, START, end)[0].people == 2
    assert number(document, "unreported") == under_reporting(COUNTY, START, end).ratio.part
    orders = orders_summary(COUNTY, START, end)
    assert (number(document, "orders"), number(document, "orders-closed")) == (orders.opened, orders.closed)
    assert number(document, "orders-judged") == orders.in_time.whole
    use = use_of(COUNTY, MARCH, MARCH + timedelta(days=1))
    assert (number(document, "sessions"), number(document, "onsite"), number(document, "online")) == (2, 32, 4)
    assert (use.sessions, use.onsite, use.online) == (2, 32, 4)
    assert number(document, "unused") == zero_use([COUNTY], MARCH, MARCH + timedelta(days=1)).count() == 2
    assert number(document, "participation") == 0.5
    for child in rates_by_child(month.county, START, end):
        assert number(document, f"town-{child.division.code}-rate") == pytest.approx(child.rate.value)


@pytest.mark.clause("RPT12", "RPT16")
def test_every_figure_opens_to_the_rows_it_follows_from_with_cut_off_and_share(month: Month) -> None:
    document = month.draft()
    figures = list(document.figures.all())
    assert len(figures) == len(SPECS) + 2 * 8
    for figure in figures:
        rows = [row.amounts for row in rows_of(figure)]
        if figure.number is not None:
            assert measured(Measure(figure.measure), rows, figure.group) == pytest.approx(figure.number), figure.key
        if figure.measure == Measure.COUNT:
            assert figure.text == str(len(rows))
        assert figure.cut_off_at == month.as_of
        assert (figure.share is None) <= (not figure.share_of or not number(document, figure.share_of))
    unreported = Figure.objects.get(document=document, key="unreported")
    assert unreported.share == pytest.approx((unreported.number or 0) / (number(document, "outages") or 1))


def test_a_draft_does_not_move_when_the_world_does_and_a_refreshed_one_does(month: Month) -> None:
    document = month.draft()
    before, bytes_before = list(document.figures.values_list("key", "text")), commands.render_docx(document, link)
    later = month.as_of + timedelta(minutes=5)
    hold(month.cast, later, 50)
    assert month.draft(at=later) == document
    assert list(document.figures.values_list("key", "text")) == before
    assert commands.render_docx(document, link) == bytes_before
    officer = month.cast.actor("xianguan")
    commands.write_paragraphs(document=document, texts=BOTH, revision=1, by=officer, at=later)
    document.refresh_from_db()
    commands.refresh_draft(document=document, county=month.county, by=officer, at=later)
    assert number(document, "onsite") == 82
    assert written_of(document) == BOTH
    assert document.as_of == later


def test_a_report_of_last_month_reads_the_same_after_the_county_was_renamed(month: Month) -> None:
    document = month.draft()
    commands.write_paragraphs(document=document, texts=BOTH, revision=1, by=month.cast.actor("xianguan"), at=month.as_of)
    before = commands.render_docx(document, link)
    rename_division(division=month.county, name="柳溪市", on=SINCE + timedelta(days=500))
    document.refresh_from_db()
    assert commands.render_docx(document, link) == before


@pytest.mark.clause("RPT01")
def test_issuing_fixes_the_files_and_nothing_changes_afterwards(month: Month) -> None:
    document, officer, at = month.draft(), month.cast.actor("xianguan"), month.as_of
    with pytest.raises(Refused, match="存在的主要问题、下一步打算"):
        commands.issue_document(document=document, link=link, by=officer, at=at)
    commands.write_paragraphs(document=document, texts=BOTH, revision=1, by=officer, at=at)
    document.refresh_from_db()
    commands.issue_document(document=document, link=link, by=officer, at=at)
    kept = {file.media: bytes(file.content) for file in IssuedFile.objects.all()}
    assert set(kept) == {"docx", "xlsx", "pdf"}
    for refused in (
        lambda: commands.refresh_draft(document=document, county=month.county, by=officer, at=at),
        lambda: commands.write_paragraphs(document=document, texts=BOTH, revision=document.revision, by=officer, at=at),
        lambda: commands.issue_document(document=document, link=link, by=officer, at=at),
    ):
        with pytest.raises(Conflict):
            refused()
    assert commands.file_of(document, "docx", lambda _key: "https://elsewhere.example/") == kept["docx"]
    assert AuditRow.objects.filter(action__startswith="报出县级月报").count() == 1


def test_two_officers_writing_at_once_do_not_overwrite_one_another(month: Month) -> None:
    document, officer = month.draft(), month.cast.actor("xianguan")
    commands.write_paragraphs(document=document, texts={"problems": "甲写的"}, revision=1, by=officer, at=month.as_of)
    with pytest.raises(Conflict, match="别人"):
        commands.write_paragraphs(document=document, texts={"problems": "乙写的"}, revision=1, by=officer, at=month.as_of)
    assert written_of(document)["problems"] == "甲写的"


def test_only_the_own_county_and_only_who_may_write(month: Month) -> None:
    with pytest.raises(NotFound):
        month.draft("linxian")
    with pytest.raises(Forbidden):
        month.draft("lingdao")
    with pytest.raises(Refused, match="没有县级月报"):
        commands.draft_county_month(
            county=month.cast.divisions["990101100000"], month=MARCH, by=month.cast.actor("shiguan"), at=month.as_of
        )
    with pytest.raises(Refused, match="还没有开始"):
        commands.draft_county_month(county=month.county, month=MARCH, by=month.cast.actor("xianguan"), at=START)


@pytest.mark.clause("RPT01")
def test_the_month_drafts_itself_for_every_county_once(month: Month) -> None:
    on_25th = START + timedelta(days=24, hours=9)
    assert draft_month_reports(on_25th - timedelta(days=1)) == 0
    assert draft_month_reports(on_25th) == 2
    first = list(Document.objects.values_list("uid", "as_of"))
    assert draft_month_reports(on_25th + timedelta(days=1)) == 2
    assert list(Document.objects.values_list("uid", "as_of")) == first
    slots = county_months(["/"], [MARCH], at=due_at(MARCH), on=MARCH)
    assert [slot.standing for slot in slots] == [Standing.MISSING, Standing.MISSING]


def test_a_county_where_nothing_was_heard_says_so_instead_of_a_rate(month: Month) -> None:
    silent = month.cast.divisions["990102000000"]
    at = START + timedelta(days=20)
    document = commands.draft_county_month(county=silent, month=MARCH, by=month.cast.actor("linxian"), at=at)
    figure = Figure.objects.get(document=document, key="rate")
    assert figure.number is None
    assert figure.text.startswith("未出数（已知部分只有")
    assert Figure.objects.get(document=document, key="items").text == "0"
    assert LIN not in document.rows.values_list("code", flat=True)
