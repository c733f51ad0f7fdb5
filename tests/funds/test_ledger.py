"""The ledger: sources and shares, two persons, earmarks, opposite entries, and nothing below nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from tests.funds.conftest import CITY, COUNTY, DUES, FISCAL, OTHER, SPECIAL, Books, city_fund, second_keeper
from yuanjiao.funds import commands, queries
from yuanjiao.funds.commands import NewSource
from yuanjiao.funds.models import Entry, Fund, Proposal, Source
from yuanjiao.funds.rules import Category, EntryKind, SourceKind
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import SYSTEM, Permission
from yuanjiao.simulation.cast import Cast


@pytest.mark.clause("FND01", "FND02")
def test_several_sources_with_agreed_shares_each_with_its_own_balance(books: Books) -> None:
    books.give(600_000)
    books.give(400_000, DUES)
    books.pay(150_000, DUES, kind=EntryKind.PURCHASE, category=Category.EQUIPMENT)
    lines = {line.source.name: line for line in queries.source_lines(books.fund)}
    assert [(lines[name].source.share, lines[name].given_share) for name in (FISCAL, DUES)] == [(7000, 6000), (3000, 4000)]
    assert [lines[name].source.balance_fen for name in (FISCAL, DUES, SPECIAL)] == [600_000, 250_000, 0]
    bought = Entry.objects.get(kind=EntryKind.PURCHASE)
    assert (bought.source.name, bought.proposed_name, bought.approved_name) == (DUES, "陈启明", "许文静")


@pytest.mark.clause("FND02")
def test_shares_that_do_not_add_up_to_the_whole_are_refused(books: Books) -> None:
    with pytest.raises(Refused, match="合计应为 100%，现为 90%"):
        commands.open_fund(
            code="X", name="基金", division=books.cast.divisions[CITY], document="文", on=local_day(books.at),
            sources=[NewSource(SourceKind.FISCAL, "财政", 5000), NewSource(SourceKind.OPERATOR, "移动", 4000)],
            by=books.keeper, at=books.at,
        )  # fmt: skip
    assert not Fund.objects.filter(code="X").exists()


@pytest.mark.clause("FND02")
def test_a_source_never_gets_below_nothing(books: Books) -> None:
    books.give(100_000)
    books.give(900_000, DUES)
    with pytest.raises(Refused, match=r"余额 1,000\.00 元，不足 1,000\.01 元"):
        books.pay(100_001)
    assert books.source().balance_fen == 100_000
    assert Proposal.objects.get().state == "waiting"  # nothing of the refused approval is left
    with pytest.raises(IntegrityError, match="source_never_negative"), transaction.atomic():
        Source.objects.filter(pk=books.source().pk).update(balance_fen=-1)


@pytest.mark.clause("FND02")
@pytest.mark.django_db(transaction=True)
def test_of_two_payments_at_once_only_one_finds_the_money(cast: Cast, at: datetime) -> None:
    second_keeper(cast)
    books = Books(cast, at, city_fund(cast, at))
    books.give(100_000)
    waiting, gate, told = [books.propose(60_000), books.propose(70_000)], Barrier(2), []
    actor = books.second

    def approve(proposal: Proposal) -> None:
        gate.wait()
        while True:
            try:
                commands.approve_proposal(proposal=proposal, by=actor, at=at)
                told.append("paid")
            except Refused:
                told.append("refused")
            except OperationalError as error:  # SQLite in memory does not wait for another's lock as it does on disk
                if "locked" in str(error):
                    continue
                raise
            break
        connection.close()

    threads = [Thread(target=approve, args=(proposal,)) for proposal in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["paid", "refused"]
    assert books.source().balance_fen in {30_000, 40_000}
    assert not queries.prove_fund(Fund.objects.get()).wrong


@pytest.mark.clause("FND01")
def test_nobody_pays_alone(books: Books) -> None:
    books.give(100_000)
    waiting = books.propose(50_000)
    with pytest.raises(Forbidden, match="不能是同一人"):
        commands.approve_proposal(proposal=waiting, by=books.keeper, at=books.at)
    with pytest.raises(NotFound):
        commands.approve_proposal(proposal=waiting, by=books.cast.actor("xianguan"), at=books.at)
    for outsider in ("shenji", "lingdao"):
        with pytest.raises(Forbidden):
            commands.approve_proposal(proposal=waiting, by=books.cast.actor(outsider), at=books.at)
    with pytest.raises(Refused, match="须由本人办理"):
        commands.approve_proposal(proposal=waiting, by=SYSTEM, at=books.at)
    commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)
    with pytest.raises(Conflict):
        commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)
    assert Entry.objects.filter(kind=EntryKind.PAYMENT).count() == 1


def test_the_database_refuses_a_payment_by_one_person(books: Books) -> None:
    books.give(100_000)
    entry = books.pay(10_000)
    for alone in (None, entry.proposed_uid):
        with pytest.raises(IntegrityError, match="fund_entry_two_persons"), transaction.atomic():
            Entry.objects.filter(pk=entry.pk).update(approved_uid=alone)


@pytest.mark.clause("FND04")
def test_earmarked_money_is_spent_in_its_categories_only(books: Books) -> None:
    books.give(500_000, SPECIAL)
    with pytest.raises(Refused, match="只能用于：文化活动、设备购置；不能用于维修"):
        books.propose(10_000, SPECIAL)
    paid = books.pay(10_000, SPECIAL, category=Category.CULTURE)
    assert paid.source.name == SPECIAL
    waiting = books.propose(10_000, SPECIAL, category=Category.CULTURE)
    paid.source.permitted.filter(category=Category.CULTURE).delete()  # what is permitted when it is paid counts
    with pytest.raises(Refused, match="专项资金"):
        commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)
    assert books.source(SPECIAL).balance_fen == 490_000


@pytest.mark.clause("FND03")
def test_a_sponsor_is_a_source_that_buys_nothing(books: Books) -> None:
    new = NewSource(SourceKind.SPONSOR, "清源农资公司")
    commands.add_source(fund=books.fund, new=new, by=books.keeper, at=books.at)
    books.give(300_000, "清源农资公司")
    assert books.source("清源农资公司").balance_fen == 300_000
    fields = {field.name for field in Source._meta.get_fields()} | {field.name for field in Entry._meta.get_fields()}
    assert not {name for name in fields for word in ("advert", "banner", "logo", "slogan", "item", "column", "course") if word in name}


def test_a_wrong_entry_is_reversed_by_an_opposite_one_of_two_persons(books: Books) -> None:
    books.give(100_000)
    paid = books.pay(40_000)
    before = Entry.objects.filter(pk=paid.pk).values().get()
    waiting = commands.propose_reversal(entry=paid, reason="付错单位", by=books.keeper, at=books.at)
    with pytest.raises(Forbidden):
        commands.approve_proposal(proposal=waiting, by=books.keeper, at=books.at)
    with pytest.raises(Conflict):
        commands.propose_reversal(entry=paid, reason="再冲一次", by=books.keeper, at=books.at)
    opposite = commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)[0]
    assert (opposite.amount_fen, opposite.reverses_id, books.source().balance_fen) == (-40_000, paid.pk, 100_000)
    assert Entry.objects.filter(pk=paid.pk).values().get() == before
    with pytest.raises(Refused, match="不再冲销"):
        commands.propose_reversal(entry=opposite, reason="又错", by=books.keeper, at=books.at)
    with pytest.raises(Conflict):
        commands.propose_reversal(entry=paid, reason="又错", by=books.keeper, at=books.at)


def test_a_contribution_is_not_taken_back_when_it_is_spent(books: Books) -> None:
    given = books.give(100_000)
    books.pay(40_000)
    waiting = commands.propose_reversal(entry=given, reason="退回", by=books.keeper, at=books.at)
    with pytest.raises(Refused, match="不足"):
        commands.approve_proposal(proposal=waiting, by=books.second, at=books.at)
    assert not queries.prove_fund(Fund.objects.get()).wrong


def test_a_form_sent_twice_is_one_entry(books: Books) -> None:
    uid, said = new_uid(), {"amount_fen": 5, "purpose": "拨款", "document": "", "by": books.keeper, "at": books.at}
    commands.enter_contribution(source=books.source(), uid=uid, **said)
    with pytest.raises(Conflict):
        commands.enter_contribution(source=books.source(), uid=uid, **said)
    assert books.source().balance_fen == 5


def test_refusing_and_taking_back_leave_no_entry_and_are_in_the_trail(books: Books) -> None:
    books.give(100_000)
    refused, withdrawn = books.propose(1_000), books.propose(2_000)
    with pytest.raises(Refused, match="理由"):
        commands.refuse_proposal(proposal=refused, reason=" ", by=books.second, at=books.at)
    commands.refuse_proposal(proposal=refused, reason="超出预算", by=books.second, at=books.at)
    with pytest.raises(Forbidden):
        commands.withdraw_proposal(proposal=withdrawn, by=books.second, at=books.at)
    commands.withdraw_proposal(proposal=withdrawn, by=books.keeper, at=books.at + timedelta(hours=1))
    assert [row.state for row in Proposal.objects.order_by("pk")] == ["refused", "withdrawn"]
    assert Entry.objects.count() == 1
    assert AuditRow.objects.filter(action="审批支付").count() == 2


def test_who_keeps_a_county_sees_and_moves_nothing_of_the_city_or_a_neighbour(books: Books) -> None:
    books.give(100_000)
    books.pay(10_000, division=books.cast.divisions[COUNTY])
    officer, neighbour = books.cast.actor("xianguan"), books.cast.actor("linxian")
    with pytest.raises(NotFound):
        books.propose(1, by=officer)
    see = officer.paths(Permission.SEE_FUNDS)
    assert [row.division.code for row in queries.entries(see)] == [COUNTY]
    assert not queries.funds(see).exists()
    assert not queries.entries(neighbour.paths(Permission.SEE_FUNDS)).exists()
    own = commands.open_fund(
        code="LX", name="柳溪基金", division=books.cast.divisions[COUNTY], document="文", on=local_day(books.at),
        sources=[NewSource(SourceKind.FISCAL, "县财政")], by=officer, at=books.at,
    )  # fmt: skip
    with pytest.raises(Refused, match="不在"):
        commands.propose_payment(
            kind=EntryKind.PAYMENT, source=own.sources.get(), amount_fen=1, category=Category.REPAIR,
            division=books.cast.divisions[OTHER], purpose="x", payee="y", document="", by=officer, at=books.at,
        )  # fmt: skip
