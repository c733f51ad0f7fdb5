"""An operator's branch sees its own month, with the county's own figures (OPS15, story 10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.learning.stage import COUNTY
from tests.reports.conftest import MARCH, START, Month
from tests.reports.test_commands import link, number
from yuanjiao.faults.queries import orders_summary
from yuanjiao.items.models import Item
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.reports import commands
from yuanjiao.reports.models import Document, Figure

LogIn = Callable[[str], Client]


@pytest.fixture
def service(month: Month) -> Document:
    return commands.draft_branch_month(unit=month.cast.units["DX-990101"], month=MARCH, by=month.cast.actor("xianguan"), at=month.as_of)


@pytest.mark.clause("OPS15")
def test_the_branchs_figures_are_the_countys(service: Document, month: Month) -> None:
    county = month.draft()
    assert Item.objects.filter(lead_unit__code="DX-990101").exists()
    for key in ("orders", "orders-closed", "orders-judged", "orders-late"):
        assert number(service, key) == number(county, key), key
    live = orders_summary(COUNTY, START, month.as_of)
    assert (number(service, "orders"), number(service, "reopened")) == (live.opened, live.reopened)
    assert number(service, "in-time") == (live.in_time.part / live.in_time.whole if live.in_time.whole else None)
    assert Figure.objects.get(document=service, key="replaced").text == "未出数（更换设备还没有登记）"
    assert service.addressee == "柳溪县委组织部"
    assert service.signer == "柳溪县电信分公司"


def test_an_order_of_another_unit_is_not_the_branchs(month: Month) -> None:
    Item.objects.filter(lead_unit__code="DX-990101").update(lead_unit=month.cast.units["DX-9901"])
    by = month.cast.actor("xianguan")
    mine = commands.draft_branch_month(unit=month.cast.units["DX-990101"], month=MARCH, by=by, at=month.as_of)
    city = commands.draft_branch_month(unit=month.cast.units["DX-9901"], month=MARCH, by=month.cast.actor("shiguan"), at=month.as_of)
    assert number(mine, "orders") == 0
    assert number(city, "orders") == orders_summary(COUNTY, START, month.as_of).opened > 0


@pytest.mark.clause("OPS15")
def test_the_branchs_own_people_read_it_and_nobody_elses(service: Document, month: Month, log_in: LogIn) -> None:
    engineer, address = log_in("gongcheng"), f"/reports/{service.uid}/"
    page = engineer.get("/reports/services/").content.decode()
    assert address in page
    assert engineer.get(address).status_code == 200
    assert engineer.get(f"{address}figures/orders/").status_code == 200
    assert engineer.get(f"{address}files/pdf/").status_code == 200
    assert engineer.post(address, {"revision": "1", "remarks": "无"}).status_code == 403
    assert engineer.get(f"/reports/{month.draft().uid}/").status_code == 404
    assert log_in("linxian").get(address).status_code == 404
    assert log_in("rexian").get(address).status_code == 403


def test_only_of_an_operator_and_only_by_who_writes_there(month: Month) -> None:
    with pytest.raises(Refused, match="不是运营商单位"):
        commands.draft_branch_month(unit=month.cast.units["ZZ-990101"], month=MARCH, by=month.cast.actor("xianguan"), at=month.as_of)
    with pytest.raises(NotFound):
        commands.draft_branch_month(unit=month.cast.units["DX-990101"], month=MARCH, by=month.cast.actor("linxian"), at=month.as_of)


def test_it_is_issued_with_its_remarks(service: Document, month: Month) -> None:
    by = month.cast.actor("xianguan")
    with pytest.raises(Refused, match="需要说明的情况"):
        commands.issue_document(document=service, link=link, by=by, at=month.as_of)
    commands.write_paragraphs(document=service, texts={"remarks": "无。"}, revision=1, by=by, at=month.as_of)
    service.refresh_from_db()
    commands.issue_document(document=service, link=link, by=by, at=month.as_of)
    assert sorted(service.files.values_list("media", flat=True)) == ["docx", "pdf", "xlsx"]
