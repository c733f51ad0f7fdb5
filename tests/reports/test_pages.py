"""The pages of reports: scope, the officer's path without typing a number, and every figure's link."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import docx
import pytest
from django.test import Client

from tests.reports.conftest import Month
from tests.reports.test_commands import BOTH
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.lib import clock
from yuanjiao.reports import commands
from yuanjiao.reports.models import Document, Figure
from yuanjiao.reports.rules import Measure

LogIn = Callable[[str], Client]


@pytest.fixture
def document(month: Month) -> Document:
    return month.draft()


@pytest.mark.clause("RPT16")
def test_every_figures_link_answers_and_lists_as_many_rows_as_it_says(document: Document, log_in: LogIn) -> None:
    client = log_in("xianguan")
    page = client.get(f"/reports/{document.uid}/").content.decode()
    links = set(re.findall(rf'href="(/reports/{document.uid}/figures/[^"]+)"', page))
    assert {f"/reports/{document.uid}/figures/{figure.key}/" for figure in document.figures.all()} == links
    for figure in Figure.objects.filter(document=document):
        answer = client.get(f"/reports/{document.uid}/figures/{figure.key}/")
        assert answer.status_code == 200
        if figure.measure == Measure.COUNT:
            told = re.search(r"共 (\d+) 行", answer.content.decode())
            assert (told[1] if told else "0") == figure.text, figure.key


@pytest.mark.clause("RPT01")
def test_the_officer_writes_two_paragraphs_and_issues_without_typing_a_number(document: Document, log_in: LogIn) -> None:
    client, address = log_in("xianguan"), f"/reports/{document.uid}/"
    page = client.get(address).content.decode()
    inputs = set(re.findall(r'<(?:input|textarea)[^>]* name="(\w+)"', page)) - {"csrfmiddlewaretoken"}
    assert inputs == {"revision", "problems", "plans"}
    empty = client.post(address, {"revision": "1", "problems": "", "plans": "", "issue": "1"})
    assert empty.status_code == 400
    assert "请先填写" in empty.content.decode()
    document.refresh_from_db()
    answer = client.post(address, BOTH | {"revision": str(document.revision), "issue": "1"}, follow=True)
    assert "已报出" in answer.content.decode()
    file = b"".join(client.get(f"{address}files/docx/").streaming_content)  # type: ignore[attr-defined]
    book = docx.Document(io.BytesIO(file))
    external = [rel.target_ref for rel in book.part.rels.values() if rel.is_external]
    assert f"http://testserver/reports/{document.uid}/figures/rate/" in external
    assert client.get(f"{address}files/xlsx/").status_code == 200
    assert b"".join(client.get(f"{address}files/pdf/").streaming_content).startswith(b"%PDF-")  # type: ignore[attr-defined]
    assert client.get(f"{address}files/odt/").status_code == 404


def test_a_lost_update_is_refused_with_the_text_still_in_the_form(document: Document, log_in: LogIn) -> None:
    client, address = log_in("xianguan"), f"/reports/{document.uid}/"
    assert client.post(address, {"revision": "1", "problems": "甲", "plans": ""}).status_code == 302
    late = client.post(address, {"revision": "1", "problems": "乙写的一大段", "plans": ""})
    assert late.status_code == 409
    assert "乙写的一大段" in late.content.decode()


def test_scope_of_documents(document: Document, month: Month, log_in: LogIn) -> None:
    address = f"/reports/{document.uid}/"
    assert log_in("linxian").get(address).status_code == 404
    assert log_in("linxian").get(f"{address}figures/rate/").status_code == 404
    assert log_in("linxian").get(f"{address}files/docx/").status_code == 404
    assert log_in("linxian").post(f"{address}refresh/").status_code == 404
    assert log_in("zhanguan").get(address).status_code == 403
    for reader in ("lingdao", "shenji"):
        page = log_in(reader).get(address)
        assert page.status_code == 200
        assert 'name="problems"' not in page.content.decode()
        assert log_in(reader).post(address, BOTH | {"revision": "1"}).status_code == 403
    assert log_in("shiguan").get(address).status_code == 200
    assert log_in("xianguan").post(f"{address}refresh/", follow=True).status_code == 200
    assert month.county.name in str(document)


def test_the_list_shows_each_county_its_own_and_offers_to_draft(cast: Any, log_in: LogIn) -> None:
    client, month = log_in("xianguan"), f"{clock.today():%Y-%m}"
    page = client.get("/reports/").content.decode()
    assert "柳溪县" in page
    assert "石岭县" not in page
    assert "未起草" in page
    found = re.search(rf'href="(/reports/draft/\?place=990101000000&amp;month={month})"', page)
    assert found
    address = found[1].replace("&amp;", "&")
    assert client.get(address).status_code == 200
    answer = client.post(address, follow=True)
    assert "远程教育运行和使用情况报告" in answer.content.decode()
    assert Document.objects.get().place_name == "柳溪县"
    assert log_in("linxian").post(address).status_code == 404
    assert "石岭县" in log_in("shiguan").get("/reports/").content.decode()
    assert "共 1 行" in client.get(f"/reports/?standing=drafted&month={month}").content.decode()


def test_an_edge_drafts_nothing(cast: Any, log_in: LogIn) -> None:
    Node.objects.filter(is_self=True).update(kind=NodeKind.EDGE)
    assert log_in("xianguan").post("/reports/draft/?place=990101000000&month=2026-03").status_code == 400
    assert not Document.objects.exists()


def test_a_draft_downloads_as_a_draft(document: Document, log_in: LogIn) -> None:
    answer = log_in("xianguan").get(f"/reports/{document.uid}/files/docx/")
    assert "%E8%8D%89%E7%A8%BF" in answer["Content-Disposition"]
    assert commands.file_name(document, "docx") == "柳溪县2026年3月远程教育运行和使用情况报告.docx"


@pytest.mark.parametrize("asked", ["month=9999-12", "month=1999-12", "kind=county_week&day=9999-12-31", "kind=circular&day=0001-01-01"])
def test_a_day_beyond_the_calendar_is_refused(cast: Any, log_in: LogIn, asked: str) -> None:
    assert log_in("xianguan").get(f"/reports/draft/?place=990101000000&{asked}").status_code == 400
