"""Pages about equipment, as people use them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from html import unescape
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from tests.assets.test_assets import COUNTY_UNIT, TOWN_UNIT, aged, enter
from yuanjiao.lib import clock
from yuanjiao.network.models import Asset
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
LISTS = ("ageing", "replacement_list", "stock_list", "warranty_list", "issue_list", "life_list", "book")


@pytest.fixture(autouse=True)
def now(at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)


def test_every_list_opens_when_there_is_nothing_and_for_the_register(cast: Cast, at: datetime, log_in: LogIn) -> None:
    for filled in (False, True):
        if filled:
            aged({"by": cast.actor("xianguan"), "at": at}, cast, at)
        for name in LISTS:
            page, book = log_in("lingdao").get(reverse(f"assets:{name}")), log_in("lingdao").get(reverse(f"assets:{name}") + "?export=xlsx")
            assert page.status_code == book.status_code == 200


@pytest.mark.clause("OPS08")
def test_a_countys_share_opens_to_the_pieces_behind_it(cast: Cast, at: datetime, log_in: LogIn) -> None:
    aged({"by": cast.actor("xianguan"), "at": at}, cast, at)
    client = log_in("shiguan")
    page = client.get(reverse("assets:ageing")).content.decode()
    address = f"{reverse('assets:replacement_list')}?county={cast.divisions['990101000000'].path}"
    assert address in page
    assert "50.00%" in page or "50.0%" in page or "50%" in page
    shown = client.get(address).content.decode()
    assert "A-1" in shown
    assert "A-3" not in shown
    assert "A-1" not in log_in("linxian").get(reverse("assets:replacement_list")).content.decode()
    rows = CalamineWorkbook.from_filelike(BytesIO(b"".join(client.get(address + "&export=xlsx")))).get_sheet_by_index(0).to_python()  # type: ignore[arg-type]
    assert 300.0 in rows[3]  # an amount is a number of yuan in the 台账


@pytest.mark.clause("OPS22")
def test_an_officer_enters_issues_and_takes_back_on_the_pages(cast: Cast, log_in: LogIn) -> None:
    client = log_in("xianguan")
    said = {"code": "PC-1", "kind": "计算机", "where": "store", "where_code": COUNTY_UNIT, "price": "4999.50"}
    assert client.post(reverse("assets:asset_new"), {**said, "where_code": "X"}).status_code == 400
    assert client.post(reverse("assets:asset_new"), said).status_code == 302
    found = Asset.objects.get()
    card = reverse("assets:asset", args=[found.uid])
    assert "4,999.50 元" in client.get(card).content.decode()
    town, county = cast.units[TOWN_UNIT].pk, cast.units[COUNTY_UNIT].pk
    client.post(reverse("assets:asset_issue", args=[found.uid]), {"unit": town, "taker": "刘建国", "document": ""})
    assert "石桥镇党委（配发）" in client.get(card).content.decode()
    assert "刘建国" in client.get(reverse("assets:issue_list")).content.decode()
    client.post(reverse("assets:asset_return", args=[found.uid]), {"unit": county, "note": "离任"})
    client.post(reverse("assets:asset_act", args=[found.uid]), {"act": "repair", "note": "屏坏"})
    page = client.get(card).content.decode()
    assert [word in page for word in ("维修中", "配发", "交回", "离任", "屏坏")] == [True] * 5
    listed = client.get(reverse("register:asset_list")).content.decode()
    assert "PC-1" in listed
    assert "柳溪县委组织部备件库" in listed
    assert "PC-1" not in log_in("linxian").get(reverse("register:asset_list")).content.decode()


@pytest.mark.clause("OPS08")
def test_a_number_opens_as_many_pieces_as_it_says(cast: Cast, at: datetime, log_in: LogIn) -> None:
    city, county = {"by": cast.actor("shiguan"), "at": at}, {"by": cast.actor("xianguan"), "at": at}
    aged(county, cast, at)
    odd = "机顶盒&q=A"
    for code, store in (("C-1", "ZZ-9901"), ("C-2", COUNTY_UNIT), ("C-3", COUNTY_UNIT)):
        enter(city, code, kind=odd, store=store, purchased_on=date(2010, 1, 1))
    client = log_in("shiguan")

    def opened(name: str) -> list[int]:
        """How many rows stand behind each link of a number."""
        page = client.get(reverse(f"assets:{name}"), {"kind": odd} if name == "ageing" else {}).content.decode()
        links = re.findall(r'<a[^>]+href="([^"]*\?(?:county|condition)=[^"]*)"[^>]*>\s*(\d+)\s*<', page)
        assert links
        told = []
        for address, number in links:
            shown = client.get(unescape(address)).content.decode()
            told.append(len(set(re.findall(r">\s*([A-C]-\d)\s*<", shown))))
            assert told[-1] == int(number), (address, number)
        return told

    assert opened("ageing") == [1, 2]
    assert sorted(opened("stock_list")) == [1, 1, 2]
