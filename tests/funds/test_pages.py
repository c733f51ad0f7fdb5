"""Pages of the ledger, as two people use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from tests.funds.conftest import COUNTED, COUNTY, FISCAL, Books
from yuanjiao.funds import commands
from yuanjiao.funds.models import Entry, Fund, Proposal, Subsidy
from yuanjiao.lib import clock
from yuanjiao.lib.uid import new_uid

LogIn = Callable[[str], Client]
LISTS = ("fund_list", "entry_list", "proposal_list", "rate_list", "subsidy_list", "matching_list", "commitment_list")


@pytest.fixture(autouse=True)
def now(at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)


@pytest.mark.clause("FND01", "FND02")
def test_two_people_open_a_fund_fill_it_and_pay_from_it(books: Books, log_in: LogIn) -> None:
    one, two = log_in("shiguan"), log_in("fuguan")
    said = {"division": books.fund.division_id, "code": "XX", "name": "线路基金", "document": "文"}
    wrong = one.post(reverse("funds:fund_new"), {**said, "sources": "彩票 某中心 100%"})
    assert wrong.status_code == 400
    assert "看不懂这一行：彩票 某中心 100%" in wrong.content.decode()
    one.post(reverse("funds:fund_new"), {**said, "sources": "财政 市财政 62.5%\n运营商 移动 37.5% 限 设备购置、维修"})
    fund = Fund.objects.get(code="XX")
    first, second = fund.sources.order_by("pk")
    assert (first.share, second.share, second.earmarked, second.permitted.count()) == (6250, 3750, True, 2)
    give = {"uid": new_uid(), "source": first.pk, "amount": "12345.60", "purpose": "拨款", "document": "回单"}
    for _ in range(2):  # the second is the same form, sent again
        one.post(reverse("funds:contribution_new", args=[fund.uid]), give)
    assert "12,345.60 元" in one.get(reverse("funds:fund", args=[fund.uid])).content.decode()
    pay = {
        "uid": new_uid(),
        "kind": "purchase",
        "source": first.pk,
        "amount": "2345.60",
        "category": "equipment",
        "purpose": "机顶盒 8 台",
        "payee": "甲公司",
    }
    one.post(reverse("funds:payment_new", args=[fund.uid]), pay)
    act = reverse("funds:proposal_act", args=[Proposal.objects.get().uid])
    assert one.post(act, {"act": "approve"}).status_code == 403
    assert not Entry.objects.filter(kind="purchase").exists()
    two.post(act, {"act": "approve"})
    page = two.get(reverse("funds:entry", args=[Entry.objects.get(kind="purchase").uid])).content.decode()
    assert [word in page for word in ("陈启明", "许文静", "2,345.60 元", "市财政")] == [True] * 4
    assert "10,000.00 元" in one.get(reverse("funds:fund", args=[fund.uid])).content.decode()


def test_an_auditor_reads_everything_and_changes_nothing(books: Books, log_in: LogIn) -> None:
    books.give(100_000)
    waiting, auditor = books.propose(1_000), log_in("shenji")
    for name in LISTS:
        assert auditor.get(reverse(f"funds:{name}")).status_code == 200
        assert auditor.get(reverse(f"funds:{name}") + "?export=xlsx").status_code == 200
    page = auditor.get(reverse("funds:proposal", args=[waiting.uid])).content.decode()
    assert 'value="approve"' not in page
    for name, arguments in (("fund_new", []), ("contribution_new", [books.fund.uid]), ("proposal_act", [waiting.uid])):
        assert auditor.post(reverse(f"funds:{name}", args=arguments), {"act": "approve"}).status_code == 403
    assert Entry.objects.count() == 1


def test_figures_of_the_register_are_numbers_of_yuan(books: Books, log_in: LogIn) -> None:
    books.give(123_456)
    content = b"".join(log_in("shenji").get(reverse("funds:entry_list") + "?export=xlsx"))  # type: ignore[arg-type]
    rows = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0).to_python()
    assert 1234.56 in rows[3]


@pytest.mark.clause("FND05", "FND06", "FND09")
def test_allowances_subsidies_and_promises_on_their_pages(books: Books, log_in: LogIn) -> None:
    books.give(9_000_000)
    one, two, county = log_in("shiguan"), log_in("fuguan"), log_in("xianguan")
    rate = {"year": 2026, "rate": "2000", "counted_on": COUNTED.isoformat(), "document": "文"}
    one.post(reverse("funds:rate_new", args=[books.fund.uid]), rate)
    row = books.fund.allowance_rates.get()
    one.post(
        reverse("funds:allowance_pay", args=[row.uid]),
        {"source": books.source().pk, "place": COUNTY, "per_village": "2000", "uid": new_uid()},
    )
    two.post(reverse("funds:proposal_act", args=[Proposal.objects.get().uid]), {"act": "approve"})
    use = {"uid": new_uid(), "place": "990101100200", "amount": "300", "purpose": "电费"}
    assert county.post(reverse("funds:allowance_use", args=[row.uid]), use).status_code == 302
    shown = county.get(reverse("funds:rate", args=[row.uid])).content.decode()
    assert [word in shown for word in ("柳溪县", "8,000.00", "300.00")] == [True] * 3
    assert "石岭县" not in shown
    villages = county.get(reverse("funds:rate_villages", args=[row.uid])).content.decode()
    assert [word in villages for word in ("李村", "1,700.00")] == [True] * 2
    asked = {
        "uid": new_uid(),
        "fund": books.fund.pk,
        "division": books.cast.divisions[COUNTY].pk,
        "purpose": "升级",
        "asked": "100",
        "own": "80",
        "document": "文",
    }
    assert county.post(reverse("funds:subsidy_new"), asked).status_code == 302
    page = reverse("funds:subsidy", args=[Subsidy.objects.get().uid])
    assert "1 : 0.80" in county.get(page).content.decode()
    one.post(page, {"act": "approve", "source": books.source().pk, "amount": "50", "decision": "同意"})
    assert "1 : 1.60" in county.get(reverse("funds:matching_list")).content.decode()
    promise = {
        "uid": new_uid(),
        "source": books.source().pk,
        "what": "电视机",
        "count": 5,
        "unit": "1000",
        "due_on": COUNTED.isoformat(),
        "document": "协议",
    }
    one.post(reverse("funds:commitment_new", args=[books.fund.uid]), promise)
    found = books.source().commitments.get()
    one.post(reverse("funds:delivery_new", args=[found.uid]), {"uid": new_uid(), "count": 2})
    assert "逾期未到" in one.get(reverse("funds:commitment", args=[found.uid])).content.decode()
    assert "3,000.00" in one.get(reverse("funds:commitment_list")).content.decode()


def test_a_reversal_is_proposed_from_the_entry(books: Books, log_in: LogIn) -> None:
    entry = books.give(5_000)
    log_in("shiguan").post(reverse("funds:reversal_new", args=[entry.uid]), {"reason": "重复"})
    [waiting] = Proposal.objects.all()
    assert waiting.reverses_id == entry.pk
    commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)
    assert "已冲销" in log_in("shenji").get(reverse("funds:entry", args=[entry.uid])).content.decode()
    assert books.source(FISCAL).balance_fen == 0
