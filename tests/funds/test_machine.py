"""Whatever people try, in whatever order: no source below nothing, no entry changed, no payment by one person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.funds.conftest import CITY, COUNTED, COUNTY, DUES, FISCAL, SPECIAL, VILLAGE, Books, city_fund, second_keeper
from yuanjiao.funds import commands, queries
from yuanjiao.funds.models import Commitment, Entry, Fund, Proposal, Source, Subsidy, VillageAllowance
from yuanjiao.funds.rules import OUTFLOWS, Category, EntryKind
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.people.rules import Actor
from yuanjiao.simulation.cast import Cast

PEOPLE = st.sampled_from(["shiguan", "fuguan", "xianguan", "shenji"])
SOURCES = st.sampled_from([FISCAL, DUES, SPECIAL])
FEN = st.integers(min_value=-5, max_value=3_000)
PICK = st.integers(min_value=0, max_value=30)


class LedgerMachine(RuleBasedStateMachine):
    """People try acts on one fund."""

    cast: ClassVar[Cast]
    actors: ClassVar[dict[str, Actor]]
    start: ClassVar[datetime]
    made: ClassVar[int] = 0

    @initialize()
    def make(self) -> None:
        LedgerMachine.made += 1
        self.books = Books(self.cast, self.start, city_fund(self.cast, self.start, f"F{self.made}"))
        self.rate = commands.set_allowance_rate(
            fund=self.books.fund, year=2026, rate_fen=1_500, counted_on=COUNTED, document="文", by=self.actors["shiguan"], at=self.start
        )
        self.written: dict[int, dict[str, Any]] = {}

    def attempt(self, act: Callable[[], object]) -> None:
        self.books.at += timedelta(minutes=1)
        before = Entry.objects.filter(fund=self.books.fund).count()
        try:
            act()
        except YuanjiaoError:
            assert Entry.objects.filter(fund=self.books.fund).count() == before, "a refused act leaves no entry"

    def said(self, who: str) -> dict[str, Any]:
        return {"by": self.actors[who], "at": self.books.at}

    def picked(self, rows: Any, number: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None

    @rule(who=PEOPLE, source=SOURCES, fen=FEN)
    def give(self, who: str, source: str, fen: int) -> None:
        row = self.books.source(source)
        self.attempt(lambda: commands.enter_contribution(source=row, amount_fen=fen, purpose="拨", document="", **self.said(who)))

    @rule(
        who=PEOPLE, source=SOURCES, fen=FEN, kind=st.sampled_from(list(EntryKind)), category=st.sampled_from(list(Category)),
        place=st.sampled_from([CITY, COUNTY]),
    )  # fmt: skip
    def propose(self, who: str, source: str, fen: int, kind: EntryKind, category: str, place: str) -> None:
        self.attempt(lambda: self.books.propose(
            fen, source, kind=kind, category=category, division=self.cast.divisions[place], by=self.actors[who]
        ))  # fmt: skip

    @rule(who=PEOPLE, fen=FEN, place=st.sampled_from([VILLAGE, COUNTY]))
    def propose_villages(self, who: str, fen: int, place: str) -> None:
        self.attempt(lambda: commands.propose_allowances(
            rate=self.rate, source=self.books.source(), division=self.cast.divisions[place], per_village_fen=fen, purpose="",
            **self.said(who),
        ))  # fmt: skip

    @rule(who=PEOPLE, fen=FEN)
    def use_village(self, who: str, fen: int) -> None:
        self.attempt(lambda: commands.enter_allowance_use(
            rate=self.rate, village=self.cast.divisions[VILLAGE], amount_fen=fen, purpose="用", document="", **self.said(who)
        ))  # fmt: skip

    @rule(who=PEOPLE, number=PICK)
    def propose_reversal(self, who: str, number: int) -> None:
        if entry := self.picked(Entry.objects.filter(fund=self.books.fund), number):
            self.attempt(lambda: commands.propose_reversal(entry=entry, reason="错", **self.said(who)))

    @rule(who=PEOPLE, number=PICK, word=st.sampled_from(["approve", "approve", "approve", "refuse", "withdraw"]))
    def decide(self, who: str, number: int, word: str) -> None:
        if row := self.picked(Proposal.objects.filter(fund=self.books.fund), number):
            acts: dict[str, Callable[[], object]] = {
                "approve": lambda: commands.approve_proposal(proposal=row, **self.said(who)),
                "refuse": lambda: commands.refuse_proposal(proposal=row, reason="不", **self.said(who)),
                "withdraw": lambda: commands.withdraw_proposal(proposal=row, **self.said(who)),
            }
            self.attempt(acts[word])

    @rule(who=PEOPLE, fen=FEN)
    def apply(self, who: str, fen: int) -> None:
        self.attempt(lambda: commands.apply_for_subsidy(
            fund=self.books.fund, division=self.cast.divisions[COUNTY], purpose="升级", asked_fen=fen, own_fen=1, document="文",
            **self.said(who),
        ))  # fmt: skip

    @rule(who=PEOPLE, number=PICK, fen=FEN, act=st.sampled_from(["approve", "pay", "accept"]))
    def handle_subsidy(self, who: str, number: int, fen: int, act: str) -> None:
        if row := self.picked(Subsidy.objects.filter(fund=self.books.fund), number):
            on = local_day(self.books.at)
            acts: dict[str, Callable[[], object]] = {
                "approve": lambda: commands.approve_subsidy(
                    subsidy=row, source=self.books.source(), granted_fen=fen, decision="", **self.said(who)
                ),
                "pay": lambda: commands.propose_subsidy_payment(subsidy=row, **self.said(who)),
                "accept": lambda: commands.accept_subsidy(subsidy=row, own_spent_fen=1, acceptance="好", on=on, **self.said(who)),
            }
            self.attempt(acts[act])

    @rule(who=PEOPLE, count=st.integers(0, 9))
    def promise(self, who: str, count: int) -> None:
        self.attempt(lambda: commands.enter_commitment(
            source=self.books.source(), division=self.cast.divisions[COUNTY], what="机顶盒", count=count, unit_fen=100, due_on=COUNTED,
            document="协议", **self.said(who),
        ))  # fmt: skip

    @rule(who=PEOPLE, number=PICK, count=st.integers(0, 9))
    def deliver(self, who: str, number: int, count: int) -> None:
        if row := self.picked(Commitment.objects.filter(source__fund=self.books.fund), number):
            self.attempt(lambda: commands.enter_delivery(commitment=row, count=count, document="", **self.said(who)))

    @invariant()
    def nothing_is_below_nothing_and_the_books_agree(self) -> None:
        proof = queries.prove_fund(Fund.objects.get(pk=self.books.fund.pk))
        assert not proof.wrong
        assert all(row.balance_fen >= 0 for row in Source.objects.filter(fund=self.books.fund))
        for row in VillageAllowance.objects.filter(rate=self.rate):
            assert 0 <= row.used_fen <= row.paid_fen <= row.entitled_fen

    @invariant()
    def no_entry_is_ever_changed(self) -> None:
        now = {row["number"]: row for row in Entry.objects.filter(fund=self.books.fund).values()}
        assert {number: now.get(number) for number in self.written} == self.written
        self.written = now

    @invariant()
    def two_persons_stand_at_each_payment_and_reversal(self) -> None:
        for row in self.written.values():
            if row["kind"] in OUTFLOWS or row["reverses_id"]:
                assert row["approved_uid"] not in {None, row["proposed_uid"]}
                assert row["approved_uid"] != self.actors["shenji"].person_uid

    @invariant()
    def earmarked_money_stays_in_its_categories(self) -> None:
        special = self.books.source(SPECIAL).pk
        spent = {row["category"] for row in self.written.values() if row["source_id"] == special and row["kind"] in OUTFLOWS}
        assert spent <= {Category.EQUIPMENT, Category.CULTURE}


@pytest.mark.clause("FND02", "FND04")
def test_no_sequence_of_acts_breaks_the_ledger(cast: Cast, at: datetime) -> None:
    second_keeper(cast)
    LedgerMachine.cast, LedgerMachine.start, LedgerMachine.made = cast, at, 0
    LedgerMachine.actors = {name: cast.actor(name) for name in ("shiguan", "fuguan", "xianguan", "shenji")}
    config = settings(max_examples=8, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    run_state_machine_as_test(LedgerMachine, settings=config)
