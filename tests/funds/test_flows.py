"""Allowances of villages, subsidies with matching money, promises in kind."""

from __future__ import annotations

import pytest

from tests.funds.conftest import CITY, COUNTED, COUNTY, DUES, OTHER, VILLAGE, Books
from yuanjiao.funds import commands, queries
from yuanjiao.funds.models import AllowanceRate, Entry, Fund, Subsidy
from yuanjiao.funds.rules import EntryKind
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused


def set_rate(books: Books, fen: int = 200_000) -> AllowanceRate:
    return commands.set_allowance_rate(
        fund=books.fund, year=2026, rate_fen=fen, counted_on=COUNTED, document="青财〔2026〕8号", by=books.keeper, at=books.at
    )


def pay_villages(books: Books, rate: AllowanceRate, place: str, fen: int) -> list[Entry]:
    row = commands.propose_allowances(
        rate=rate,
        source=books.source(),
        division=books.cast.divisions[place],
        per_village_fen=fen,
        purpose="",
        by=books.keeper,
        at=books.at,
    )
    return commands.approve_proposal(proposal=row, by=books.second, at=books.at)


@pytest.mark.clause("FND05")
def test_entitlement_is_villages_times_rate_paid_and_used_per_village(books: Books) -> None:
    books.give(2_000_000)
    rate = set_rate(books)
    assert len(pay_villages(books, rate, COUNTY, 120_000)) == 4
    commands.enter_allowance_use(
        rate=rate, village=books.cast.divisions[VILLAGE], amount_fen=50_000, purpose="电费", document="票 1",
        by=books.cast.actor("xianguan"), at=books.at,
    )  # fmt: skip
    lines = {
        line.division.code: (line.villages, line.entitled_fen, line.paid_fen, line.used_fen)
        for line in queries.county_allowances(rate, ["/"])
    }
    assert lines == {COUNTY: (4, 800_000, 480_000, 50_000), OTHER: (1, 200_000, 0, 0)}
    villages = {line.division.code: (line.paid_fen, line.used_fen) for line in queries.village_lines(rate, ["/"])}
    assert villages[VILLAGE] == (120_000, 50_000)
    assert villages["990102100200"] == (0, 0)
    assert books.source().balance_fen == 2_000_000 - 480_000  # what a village uses has left the fund before


@pytest.mark.clause("FND05")
def test_no_village_gets_more_than_its_entitlement_or_uses_more_than_it_got(books: Books) -> None:
    books.give(2_000_000)
    rate, said = set_rate(books), {"purpose": "电费", "document": "", "by": books.keeper, "at": books.at}
    village = books.cast.divisions[VILLAGE]
    with pytest.raises(Refused, match="还没有得到"):
        commands.enter_allowance_use(rate=rate, village=village, amount_fen=1, **said)
    pay_villages(books, rate, VILLAGE, 150_000)
    with pytest.raises(Refused, match="李村：拨付不能超过应得"):
        pay_villages(books, rate, COUNTY, 100_000)
    assert books.source().balance_fen == 1_850_000  # the other three villages got nothing either: all or nothing
    with pytest.raises(Refused, match="超过已拨"):
        commands.enter_allowance_use(rate=rate, village=village, amount_fen=150_001, **said)
    used = commands.enter_allowance_use(rate=rate, village=village, amount_fen=150_000, **said)
    paid = Entry.objects.get(kind=EntryKind.ALLOWANCE)
    back = commands.propose_reversal(entry=paid, reason="错", by=books.keeper, at=books.at)
    with pytest.raises(Refused, match="不能少于已用"):
        commands.approve_proposal(proposal=back, by=books.second, at=books.at)
    assert used.approved_uid is None
    with pytest.raises(NotFound):
        commands.enter_allowance_use(rate=rate, village=village, amount_fen=1, **{**said, "by": books.cast.actor("linxian")})
    with pytest.raises(Conflict):
        set_rate(books)


def apply(books: Books, asked: int = 1_000_000, own: int = 500_000) -> Subsidy:
    return commands.apply_for_subsidy(
        fund=books.fund, division=books.cast.divisions[COUNTY], purpose="站点升级", asked_fen=asked, own_fen=own, document="柳〔2026〕4号",
        by=books.cast.actor("xianguan"), at=books.at,
    )  # fmt: skip


@pytest.mark.clause("FND06")
def test_a_subsidy_is_applied_for_approved_paid_and_accepted_with_the_match_ratio(books: Books) -> None:
    books.give(900_000)
    subsidy, who = apply(books), {"at": books.at}
    commands.approve_subsidy(subsidy=subsidy, source=books.source(), granted_fen=800_000, decision="同意", by=books.keeper, **who)
    assert books.source().balance_fen == 900_000
    waiting = commands.propose_subsidy_payment(subsidy=subsidy, by=books.keeper, **who)
    with pytest.raises(Conflict):
        commands.propose_subsidy_payment(subsidy=subsidy, by=books.second, **who)
    commands.approve_proposal(proposal=waiting, by=books.second, **who)
    assert books.source().balance_fen == 100_000
    done = {"own_spent_fen": 600_000, "acceptance": "120 站已升级", "on": local_day(books.at)}
    commands.accept_subsidy(subsidy=subsidy, by=books.keeper, **done, **who)
    [match] = queries.matchings(["/"])
    assert (match.division.code, match.granted_fen, match.own_fen, match.own_spent_fen) == (COUNTY, 800_000, 500_000, 600_000)
    assert (match.promised_ratio, match.ratio) == (0.625, 0.75)
    assert not queries.prove_fund(Fund.objects.get()).wrong


@pytest.mark.clause("FND06")
def test_the_steps_of_a_subsidy_come_in_their_order_and_by_other_persons(books: Books) -> None:
    books.give(900_000)
    subsidy, officer = apply(books), books.cast.actor("xianguan")
    grant = {"subsidy": subsidy, "source": books.source(), "decision": "同意", "at": books.at}
    with pytest.raises(NotFound):  # the county may not approve out of the city's fund
        commands.approve_subsidy(granted_fen=1, by=officer, **grant)
    with pytest.raises(Conflict):
        commands.propose_subsidy_payment(subsidy=subsidy, by=books.keeper, at=books.at)
    with pytest.raises(Refused, match="不超过申请"):
        commands.approve_subsidy(granted_fen=1_000_001, by=books.keeper, **grant)
    own = commands.apply_for_subsidy(
        fund=books.fund,
        division=books.cast.divisions[CITY],
        purpose="市级",
        asked_fen=5,
        own_fen=0,
        document="文",
        by=books.keeper,
        at=books.at,
    )
    with pytest.raises(Forbidden, match="不能审批或验收自己的申请"):
        commands.approve_subsidy(granted_fen=1, by=books.keeper, **{**grant, "subsidy": own})
    commands.approve_subsidy(granted_fen=500_000, by=books.keeper, **grant)
    with pytest.raises(Conflict):
        commands.accept_subsidy(subsidy=subsidy, own_spent_fen=0, acceptance="好", on=local_day(books.at), by=books.second, at=books.at)
    waiting = commands.propose_subsidy_payment(subsidy=subsidy, by=books.keeper, at=books.at)
    [paid] = commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)
    back = commands.propose_reversal(entry=paid, reason="退回", by=books.keeper, at=books.at)
    with pytest.raises(Conflict, match="正在提请冲销"):
        commands.accept_subsidy(subsidy=subsidy, own_spent_fen=0, acceptance="好", on=local_day(books.at), by=books.second, at=books.at)
    commands.approve_proposal(proposal=back, by=books.second, at=books.at)
    subsidy.refresh_from_db()
    assert (subsidy.state, books.source().balance_fen) == ("approved", 900_000)


@pytest.mark.clause("FND09")
def test_promises_in_kind_are_promised_delivered_outstanding(books: Books) -> None:
    promise = commands.enter_commitment(
        source=books.source(DUES), division=books.cast.divisions[COUNTY], what="机顶盒", count=100, unit_fen=30_000, due_on=COUNTED,
        document="移动协议", by=books.keeper, at=books.at,
    )  # fmt: skip
    came = {"commitment": promise, "document": "签收单", "by": books.keeper, "at": books.at}
    commands.enter_delivery(count=60, **came)
    with pytest.raises(Refused, match="超过承诺的未到数量"):
        commands.enter_delivery(count=41, **came)
    row = queries.commitments(["/"]).get()
    assert (row.promised, row.delivered, row.outstanding) == (100, 60, 40)
    assert books.source(DUES).balance_fen == 0  # things are no money
    wrong = Entry.objects.get(kind=EntryKind.IN_KIND_DELIVERY)
    back = commands.propose_reversal(entry=wrong, reason="退货", by=books.keeper, at=books.at)
    commands.approve_proposal(proposal=back, by=books.second, at=books.at)
    assert queries.commitments(["/"]).get().outstanding == 100
    assert not queries.prove_fund(Fund.objects.get()).wrong
