"""Whatever people try, in whatever order, no path breaks an invariant of an item."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.items.conftest import NO, YES
from yuanjiao.items import commands
from yuanjiao.items.models import Item
from yuanjiao.items.rules import MOVES, Act, ItemKind, Party, State
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.people.rules import Actor
from yuanjiao.places.models import OrgUnit
from yuanjiao.simulation.cast import Cast

PEOPLE = ("shiguan", "xianguan", "linxian", "gongcheng", "rexian", "zhanguan", "lingdao")
Try = Callable[[Item, Actor, datetime], Item]
DAY = timedelta(days=1)
TRIES: dict[str, Try] = {
    "issue": lambda i, by, at: commands.issue_item(item=i, due_at=at + DAY, by=by, at=at),
    "accept": lambda i, by, at: commands.accept_item(item=i, by=by, at=at),
    "decline": lambda i, by, at: commands.decline_item(item=i, reason="不归我们", by=by, at=at),
    "start": lambda i, by, at: commands.start_item(item=i, by=by, at=at),
    "submit": lambda i, by, at: commands.submit_item(item=i, result="修好", by=by, at=at),
    "return": lambda i, by, at: commands.return_for_rework(item=i, reason="返工", by=by, at=at),
    "verify": lambda i, by, at: commands.verify_item(item=i, answers=YES, by=by, at=at),
    "verify_no": lambda i, by, at: commands.verify_item(item=i, answers=NO, by=by, at=at),
    "close": lambda i, by, at: commands.close_item(item=i, by=by, at=at),
    "reopen": lambda i, by, at: commands.reopen_item(item=i, reason="又坏了", due_at=at + DAY, by=by, at=at),
    "extend": lambda i, by, at: commands.extend_item(item=i, due_at=at + 3 * DAY, reason="等配件", by=by, at=at),
    "cancel": lambda i, by, at: commands.cancel_item(item=i, reason="重复", by=by, at=at),
    "edit": lambda i, by, at: commands.edit_draft(
        item=i, title="中断", measure="换", expected_result="恢复", starts_on=at.date(), by=by, at=at
    ),
    "amend": lambda i, by, at: commands.amend_item(item=i, expected_result=f"恢复到 {at:%d %H:%M}", reason="改要求", by=by, at=at),
    "ask": lambda i, by, at: asked(i, by, at),
    "agree": lambda i, by, at: commands.decide_change(item=i, change=open_change(i), agreed=True, note="", by=by, at=at),
    "refuse": lambda i, by, at: commands.decide_change(item=i, change=open_change(i), agreed=False, note="按期办", by=by, at=at),
    "phase": lambda i, by, at: commands.finish_phase(item=i, number=1, result="摸清了", by=by, at=at),
    "support": lambda i, by, at: commands.set_cooperating(
        item=i, units=[OrgUnit.objects.get(code=f"ZZ-99010{1 + i.step_count % 2}")], by=by, at=at
    ),
    "settle": lambda i, by, at: commands.settle_item(item=i, answers=YES, by=by, at=at),
}


def asked(item: Item, by: Actor, at: datetime) -> Item:
    commands.ask_change(item=item, due_at=at + 5 * DAY, expected_result="", reason="等配件", by=by, at=at)
    return item


def open_change(item: Item) -> int:
    row = item.changes.filter(agreed=None).first()
    return row.pk if row else 0


class ItemMachine(RuleBasedStateMachine):
    """People try acts on one item, sometimes from an old page."""

    cast: ClassVar[Cast]
    actors: ClassVar[dict[str, Actor]]
    start: ClassVar[datetime]
    kind: ClassVar[ItemKind] = ItemKind.WORK_ORDER

    @initialize(phased=st.booleans())
    def make(self, phased: bool) -> None:
        self.now = self.start
        giver = "rexian" if self.kind is ItemKind.WORK_ORDER else "xianguan"
        self.item = self.seen = commands.create_item(
            kind=self.kind, title="中断", division=self.cast.divisions["990101100200"], measure="逐台查", starts_on=date(2026, 3, 1),
            lead_unit=self.cast.units["DX-990101"], expected_result="恢复", by=self.actors[giver], at=self.now,
        )  # fmt: skip
        if self.kind is not ItemKind.WORK_ORDER and phased:
            days = {"starts_on": self.now.date(), "ends_on": self.now.date()}
            commands.add_phase(item=self.item, title="摸底", by=self.actors[giver], at=self.now, **days)
        self.original: datetime | None = None

    @rule(name=st.sampled_from(sorted(TRIES)), who=st.sampled_from(PEOPLE), from_old_page=st.booleans())
    def somebody_tries(self, name: str, who: str, from_old_page: bool) -> None:
        self._attempt(name, who, self.seen if from_old_page else self.item)

    @rule(name=st.sampled_from(sorted(set(TRIES) & set(Act))))
    def who_may_tries(self, name: str) -> None:
        order = self.kind is ItemKind.WORK_ORDER
        giver = "rexian" if order and name in {"issue", "extend", "cancel"} else "xianguan"
        self._attempt(name, "gongcheng" if MOVES[Act(name)].party is Party.OWNER else giver, self.item)

    @rule()
    def the_right_person_does_the_next_right_thing(self) -> None:
        following = {"draft": "issue", "declined": "issue", "issued": "accept", "accepted": "start", "returned": "start",
                     "in_progress": "submit", "submitted": "verify", "verified": "close", "closed": "reopen"}  # fmt: skip
        if self.item.state in following:
            act = following[self.item.state]
            giver = "rexian" if act == "issue" and self.kind is ItemKind.WORK_ORDER else "xianguan"
            self._attempt(act, "gongcheng" if act in {"accept", "start", "submit"} else giver, self.item)

    @rule(answer=st.sampled_from(["agree", "refuse"]))
    def the_owner_asks_and_is_answered(self, answer: str) -> None:
        self._attempt("ask", "gongcheng", self.item)
        self._attempt(answer, "xianguan", self.item)

    @rule()
    def the_owner_ends_a_phase(self) -> None:
        self._attempt("phase", "gongcheng", self.item)

    @rule()
    def somebody_opens_the_page(self) -> None:
        self.seen = self.item

    def _attempt(self, name: str, who: str, item: Item) -> None:
        self.now += timedelta(minutes=7)
        before = Item.objects.get(pk=self.item.pk)
        try:
            TRIES[name](item, self.actors[who], self.now)
        except YuanjiaoError:
            assert Item.objects.get(pk=self.item.pk).steps.count() == before.steps.count(), "a refused act leaves no step"
        self.item = Item.objects.select_related("division", "lead_unit").get(pk=self.item.pk)
        REACHED.update(step.act for step in self.item.steps.all())

    @invariant()
    def the_story_is_unbroken(self) -> None:
        steps = list(self.item.steps.all())
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))
        for earlier, later in pairwise(steps):
            assert later.from_state == earlier.to_state
        assert steps[-1].to_state == self.item.state

    @invariant()
    def closed_means_verified_by_another_person_with_three_yes(self) -> None:
        if self.item.state not in {State.VERIFIED, State.CLOSED}:
            return
        assert not self.item.phases.filter(done_at=None).exists(), "nothing is closed before its phases"
        last = self.item.verifications.last()
        assert last is not None
        assert last.passed
        assert last.by_uid != self.item.worker_uid
        assert last.by_uid not in {self.actors["gongcheng"].person_uid, self.actors["linxian"].person_uid}

    @invariant()
    def the_first_date_never_changes(self) -> None:
        if self.original is None:
            self.original = self.item.original_due_at
        assert self.item.original_due_at == self.original
        if self.item.state not in {State.DRAFT, State.CANCELLED}:
            assert self.item.due_at is not None

    @invariant()
    def counts_equal_the_story(self) -> None:
        acts = [step.act for step in self.item.steps.all()]
        assert self.item.returned_count == acts.count("return")
        assert self.item.reopened_count == acts.count("reopen")
        assert self.item.declined_count == acts.count("decline")

    @invariant()
    def only_the_owner_unit_worked(self) -> None:
        own = self.actors["gongcheng"].person_uid
        assert all(step.by_uid == own for step in self.item.steps.filter(act__in=["accept", "start", "submit", "decline"]))


class FindingMachine(ItemMachine):
    """The same with a finding: planned, with a phase, its target may change."""

    kind: ClassVar[ItemKind] = ItemKind.PROBLEM


REACHED: set[str] = set()
"""Acts that were done at least once: a machine whose acts are all refused proves nothing."""


@pytest.mark.clause("SUP36", "SUP35")
def test_no_path_breaks_an_invariant(cast: Cast, at: datetime) -> None:
    ItemMachine.cast, ItemMachine.start = cast, at
    ItemMachine.actors = {name: cast.actor(name) for name in PEOPLE}
    config = settings(max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    REACHED.clear()
    for machine in (ItemMachine, FindingMachine):
        run_state_machine_as_test(machine, settings=config)
    assert {Act.CLOSE, Act.PHASE, Act.SUPPORT, Act.EDIT, Act.ASK, Act.REFUSE} <= REACHED
