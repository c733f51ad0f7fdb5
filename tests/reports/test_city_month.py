"""A city's month in one document: its counties where a county has its towns, those above the threshold by name (OPS12)."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import docx
import pytest
from django.core.management import call_command
from django.test import Client

from tests.reports.conftest import MARCH, START, Month, turns
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.lib.shares import per_cent
from yuanjiao.network.queries import FAULTY_FROM, rate_over, rates_by_child
from yuanjiao.reports import commands
from yuanjiao.reports.documents.county_month import PARAGRAPHS
from yuanjiao.reports.models import Document, Figure
from yuanjiao.reports.queries import rows_of
from yuanjiao.reports.rules import Measure, measured

LogIn = Callable[[str], Client]


def link(key: str) -> str:
    return f"https://edu.example/reports/x/figures/{key}/"


@pytest.fixture
def document(month: Month) -> Document:
    """桃花村 too fell silent after twelve minutes."""
    turns(month.as_of, 12, {"S-990101101200": "down"})
    return draft(month)


def draft(month: Month, who: str = "shiguan", place: str = "990100000000") -> Document:
    return commands.draft_city_month(city=month.cast.divisions[place], month=MARCH, by=month.cast.actor(who), at=month.as_of)


@pytest.fixture
def book(document: Document) -> Any:
    return docx.Document(BytesIO(commands.render_docx(document, link)))


def cells(table: Any) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


@pytest.mark.clause("OPS12")
def test_counties_above_the_threshold_stand_in_a_table_of_their_own_with_the_highest(book: Any, month: Month) -> None:
    below = list(rates_by_child(month.cast.divisions["990100000000"], START, month.as_of))
    shares = {one.division.name: 1 - one.rate.value for one in below if one.rate.value is not None}
    faulty = {name: share for name, share in shares.items() if share >= FAULTY_FROM}
    assert faulty
    assert cells(book.tables[0])[0][:3] == ["县（市、区）", "在用站点", "畅通率"]
    assert [row[0] for row in cells(book.tables[0])[1:]] == [one.division.name for one in below]
    assert [row[:2] for row in cells(book.tables[1])[1:]] == [
        [name, per_cent(faulty[name])] for name in sorted(faulty, key=lambda n: -faulty[n])
    ]
    words = "".join(one.text for one in book.paragraphs)
    assert f"最高为{max(faulty, key=lambda n: faulty[n])}" in words
    assert not re.search("全县|乡镇|县级组织员|县属", words), "a city speaks of itself"


@pytest.mark.clause("RPT12", "RPT16")
def test_every_figure_of_the_city_follows_from_its_rows_and_its_counties_from_theirs(document: Document, month: Month) -> None:
    rate = rate_over(month.cast.divisions["990100000000"], START, month.as_of)
    assert Figure.objects.get(document=document, key="rate").number == (pytest.approx(rate.value) if rate.value is not None else None)
    assert Figure.objects.get(document=document, key="sites").number == rate.population
    for figure in document.figures.all():
        rows = [row.amounts for row in rows_of(figure)]
        if figure.number is not None:
            assert measured(Measure(figure.measure), rows, figure.group) == pytest.approx(figure.number)
    assert document.addressee == "清源省"
    assert str(document) == "青禾市2026-03市级月报"


def test_only_the_city_drafts_it_and_only_of_a_city(month: Month) -> None:
    with pytest.raises(NotFound):
        draft(month, "xianguan")
    with pytest.raises(Refused, match="没有市级月报"):
        draft(month, place="990101000000")
    first = draft(month)
    assert draft(month) == first
    assert month.draft().kind == "county_month", "a county's report of the month stands beside it"


def test_the_frozen_seconds_are_proved_from_the_journal(document: Document, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("rates", "verify", "--report", "990100000000/2026-03")
    assert "逐站核对，全部一致" in capsys.readouterr().out


def test_the_city_drafts_writes_and_issues_on_its_pages(cast: Any, log_in: LogIn) -> None:
    city, month = log_in("shiguan"), f"{clock.today():%Y-%m}"
    page = city.get("/reports/").content.decode()
    (address,) = set(re.findall(rf'href="(/reports/draft/\?place=990100000000&amp;month={month})"', page))
    answer = city.post(address.replace("&amp;", "&"), follow=True)
    assert "分县（市、区）运行和使用情况表" in answer.content.decode()
    row = Document.objects.get()
    told = city.get("/reports/").content.decode()
    assert f"/reports/{row.uid}/" in told
    assert (
        city.post(f"/reports/{row.uid}/", dict.fromkeys(PARAGRAPHS, "无。") | {"revision": "1", "issue": "1"}, follow=True).status_code
        == 200
    )
    row.refresh_from_db()
    assert row.issued_at is not None
    assert log_in("xianguan").get(f"/reports/{row.uid}/").status_code == 404
    assert "place=990100000000" not in log_in("xianguan").get("/reports/").content.decode()
    assert log_in("lingdao").get(f"/reports/{row.uid}/files/docx/").status_code == 200
