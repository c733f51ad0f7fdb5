"""What keeps the ledger from saying what nobody decided: counts that changed, forms sent twice, one human in two rows, odd input."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.funds.conftest import CITY, COUNTED, COUNTY, VILLAGE, Books
from tests.funds.test_flows import apply, pay_villages, set_rate
from tests.funds.test_proof import verify
from yuanjiao.funds import commands, queries
from yuanjiao.funds.commands import NewSource
from yuanjiao.funds.models import Commitment, Entry, Fund, Proposal, Subsidy
from yuanjiao.funds.rules import Category, EntryKind, SourceKind
from yuanjiao.lib import clock
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, Refused, Tampered
from yuanjiao.lib.uid import new_uid
from yuanjiao.people import commands as people
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import Actor, Role
from yuanjiao.places import commands as places
from yuanjiao.places.models import Division
from yuanjiao.simulation.cast import PASSWORD, SINCE

LogIn = Callable[[str], Client]


@pytest.fixture(autouse=True)
def now(at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)


def test_what_is_booked_is_what_was_approved_though_villages_are_counted_anew(books: Books) -> None:
    books.give(2_000_000)
    waiting = commands.propose_allowances(
        rate=set_rate(books), source=books.source(), division=books.cast.divisions[COUNTY], per_village_fen=100_000, purpose="",
        by=books.keeper, at=books.at,
    )  # fmt: skip
    places.add_division(code="990101100202", name="新村", parent=books.cast.divisions["990101100000"], urban_rural="220", on=SINCE)
    with pytest.raises(Conflict, match="村数已变"):
        commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)
    assert books.source().balance_fen == 2_000_000
    assert not Entry.objects.filter(kind=EntryKind.ALLOWANCE).exists()


def test_the_trail_of_many_entries_is_written_at_once(books: Books) -> None:
    books.give(2_000_000)
    rate = set_rate(books)
    with CaptureQueriesContext(connection) as asked:
        assert len(pay_villages(books, rate, COUNTY, 100)) == 4
    assert sum('INSERT INTO "people_auditrow"' in one["sql"] for one in asked.captured_queries) == 3  # proposed, booked, decided
    assert AuditRow.objects.filter(action="记账").count() == 5


def test_villages_are_not_counted_on_a_day_to_come(books: Books) -> None:
    said = {"fund": books.fund, "year": 2026, "rate_fen": 1, "document": "文", "by": books.keeper, "at": books.at}
    with pytest.raises(Refused, match="不能晚于今天"):
        commands.set_allowance_rate(counted_on=local_day(books.at) + timedelta(days=1), **said)
    commands.set_allowance_rate(counted_on=local_day(books.at), **said)


def test_forms_sent_twice_make_one_row(books: Books, log_in: LogIn) -> None:
    books.give(2_000_000)
    client, rate = log_in("shiguan"), set_rate(books)
    source, fund = books.source().pk, books.fund.uid
    pay = {"kind": "payment", "source": source, "amount": "5", "category": "repair", "purpose": "维修", "payee": "公司"}
    ask = {
        "fund": books.fund.pk,
        "division": books.cast.divisions[COUNTY].pk,
        "purpose": "升级",
        "asked": "9",
        "own": "8",
        "document": "文",
    }
    promise = {"source": source, "what": "电视机", "count": 5, "unit": "10", "due_on": COUNTED.isoformat(), "document": "协议"}
    sent: list[tuple[str, list[Any], dict[str, Any]]] = [
        ("payment_new", [fund], pay),
        ("allowance_pay", [rate.uid], {"source": source, "place": COUNTY, "per_village": "100"}),
        ("subsidy_new", [], ask),
        ("commitment_new", [fund], promise),
    ]
    for name, arguments, said in sent:
        address, form = reverse(f"funds:{name}", args=arguments), {**said, "uid": new_uid()}
        assert client.post(address, form).status_code == 302
        again = client.post(address, form)
        assert (again.status_code, "已经提交过" in again.content.decode()) == (400, True)
    assert (Proposal.objects.count(), Subsidy.objects.count(), Commitment.objects.count()) == (2, 1, 1)


def twin(books: Books, *, name: str, phone: str) -> Actor:
    """Another row of the register with an account of its own."""
    person = people.add_person(name=name, unit=books.cast.units["ZZ-9901"], phone=phone)
    books.cast.accounts[phone] = people.open_account(person=person, username=f"u{phone}", password=PASSWORD)
    people.appoint(person=person, unit=books.cast.units["ZZ-9901"], role=Role.CITY_ADMIN, on=SINCE)
    return books.cast.actor(phone)


@pytest.mark.clause("FND01")
def test_one_human_in_two_rows_does_not_sign_twice(books: Books) -> None:
    books.give(100_000)
    waiting = books.propose(50_000)
    for second in (twin(books, name="陈某", phone="13800000001"), twin(books, name="陈启明", phone="13800000031")):
        with pytest.raises(Forbidden, match="不能是同一人"):
            commands.approve_proposal(proposal=waiting, by=second, at=books.at)
    own = commands.apply_for_subsidy(
        fund=books.fund, division=books.cast.divisions[CITY], purpose="市级", asked_fen=5, own_fen=0, document="文", by=books.keeper,
        at=books.at,
    )  # fmt: skip
    with pytest.raises(Forbidden):
        commands.approve_subsidy(
            subsidy=own, source=books.source(), granted_fen=5, decision="", by=books.cast.actor("13800000001"), at=books.at
        )
    commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)


@pytest.mark.clause("FND06")
def test_who_applied_for_a_subsidy_does_not_approve_its_payment(books: Books) -> None:
    books.give(100_000)
    own = commands.apply_for_subsidy(
        fund=books.fund, division=books.cast.divisions[CITY], purpose="市级", asked_fen=5, own_fen=0, document="文", by=books.second,
        at=books.at,
    )  # fmt: skip
    commands.approve_subsidy(subsidy=own, source=books.source(), granted_fen=5, decision="", by=books.keeper, at=books.at)
    waiting = commands.propose_subsidy_payment(subsidy=own, by=books.keeper, at=books.at)
    with pytest.raises(Forbidden, match="申请人"):
        commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)
    commands.approve_proposal(proposal=waiting, by=twin(books, name="第三人", phone="13800000032"), at=books.at)


def test_the_digits_that_the_page_shows_are_enough_to_find_the_head(books: Books) -> None:
    books.give(100)
    noted = Fund.objects.get().head[:16]
    books.give(1)
    assert "全部一致" in verify("--fund", "WH2026", "--head", noted)
    assert "全部一致" in verify("--fund", "WH2026", "--head", noted.upper())
    with pytest.raises(Tampered):
        verify("--fund", "WH2026", "--head", "f" * 16)
    for wrong in (noted[:15], "x" * 16, "f" * 65):
        with pytest.raises(CommandError, match="十六进制"):
            verify("--fund", "WH2026", "--head", wrong)


@pytest.mark.clause("FND06")
def test_the_actual_match_is_of_accepted_work_only(books: Books) -> None:
    books.give(900_000)
    done, waits = apply(books), apply(books)
    for one in (done, waits):
        commands.approve_subsidy(subsidy=one, source=books.source(), granted_fen=400_000, decision="", by=books.keeper, at=books.at)
    row = commands.propose_subsidy_payment(subsidy=done, by=books.keeper, at=books.at)
    commands.approve_proposal(proposal=row, by=books.second, at=books.at)
    assert queries.matchings(["/"])[0].ratio is None
    said = {"own_spent_fen": 200_000, "acceptance": "好", "on": local_day(books.at), "by": books.keeper, "at": books.at}
    commands.accept_subsidy(subsidy=done, **said)
    [match] = queries.matchings(["/"])
    assert (match.granted_fen, match.accepted_fen, match.ratio) == (800_000, 400_000, 0.5)


def test_what_a_village_used_that_was_merged_since_is_entered(books: Books, log_in: LogIn) -> None:
    books.give(2_000_000)
    rate = set_rate(books)
    pay_villages(books, rate, VILLAGE, 150_000)
    Division.objects.filter(code=VILLAGE).update(valid_to=date(2026, 2, 1))  # before today, after the day of counting
    use = {"uid": new_uid(), "place": VILLAGE, "amount": "300", "purpose": "电费"}
    assert log_in("xianguan").post(reverse("funds:allowance_use", args=[rate.uid]), use).status_code == 302
    more = {"uid": new_uid(), "source": books.source().pk, "place": VILLAGE, "per_village": "500"}
    assert log_in("shiguan").post(reverse("funds:allowance_pay", args=[rate.uid]), more).status_code == 302


def test_a_fund_of_a_town_lists_its_own_division(books: Books) -> None:
    town = books.cast.divisions["990101100000"]
    fund = commands.open_fund(
        code="ZJ", name="镇基金", division=town, document="文", on=local_day(books.at), sources=[NewSource(SourceKind.FISCAL, "镇财政")],
        by=books.keeper, at=books.at,
    )  # fmt: skip
    rate = commands.set_allowance_rate(fund=fund, year=2026, rate_fen=100, counted_on=COUNTED, document="文", by=books.keeper, at=books.at)
    assert [(line.division.code, line.villages) for line in queries.county_allowances(rate, ["/"])] == [(town.code, 2)]


def test_a_number_times_a_price_beyond_64_bits_is_refused(books: Books) -> None:
    said = {"division": books.cast.divisions[COUNTY], "what": "机顶盒", "due_on": COUNTED, "document": "协议", "by": books.keeper}
    with pytest.raises(Refused, match="总价超过"):
        commands.enter_commitment(source=books.source(), count=1_000_000, unit_fen=99_999_999_999_999, at=books.at, **said)
    assert not Commitment.objects.exists()


def test_a_reason_longer_than_its_column_is_refused(books: Books) -> None:
    waiting, subsidy = books.propose(1_000), apply(books)
    with pytest.raises(Refused, match="不超过 200 字"):
        commands.refuse_proposal(proposal=waiting, reason="长" * 201, by=books.second, at=books.at)
    with pytest.raises(Refused, match="不超过 200 字"):
        commands.refuse_subsidy(subsidy=subsidy, decision="长" * 201, by=books.second, at=books.at)
    commands.refuse_proposal(proposal=waiting, reason="长" * 200, by=books.second, at=books.at)


def test_a_sheet_may_cite_thousands_of_vouchers(books: Books) -> None:
    books.give(100_000)
    bought = books.pay(9_000, kind=EntryKind.PURCHASE, category=Category.EQUIPMENT)
    cited = [f"WH2026-{number}" for number in range(1, 2_001)] + [f"X{number}-1" for number in range(2_000)]
    assert list(queries.purchases(cited)) == [str(bought)]


def test_whether_a_thing_is_there_is_asked_under_the_lock_of_the_fund(books: Books) -> None:
    entry = books.give(100_000)
    for act, table in (
        (lambda: commands.propose_reversal(entry=entry, reason="错", by=books.keeper, at=books.at), "funds_proposal"),
        (lambda: set_rate(books), "funds_allowancerate"),
    ):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            act()
        order = [one["sql"] for one in asked.captured_queries]
        locked = next(n for n, sql in enumerate(order) if 'FROM "funds_fund"' in sql)
        assert locked < next(n for n, sql in enumerate(order) if f'FROM "{table}"' in sql)


@pytest.mark.clause("FND02")
def test_shares_are_told_with_two_decimals(books: Books, log_in: LogIn) -> None:
    fund = commands.open_fund(
        code="FE", name="份额", division=books.cast.divisions[CITY], document="文", on=local_day(books.at),
        sources=[NewSource(SourceKind.FISCAL, "财政", 6_245), NewSource(SourceKind.OPERATOR, "移动", 3_755)], by=books.keeper, at=books.at,
    )  # fmt: skip
    page = log_in("shiguan").get(reverse("funds:fund", args=[fund.uid])).content.decode()
    assert [word in page for word in ("62.45%", "37.55%")] == [True] * 2
