"""Whatever people try, in whatever order, no path breaks an invariant of an item."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.items.conftest import NO, YES
from yuanjiao.items import commands
from yuanjiao.items.models import Item
from yuanjiao.items.rules import ItemKind, State
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.people.rules import Actor
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
    "fix": lambda i, by, at: commands.fix_item(item=i, answers=YES, result="当场换好", by=by, at=at),
    "cancel": lambda i, by, at: commands.cancel_item(item=i, reason="重复", by=by, at=at),
}


class ItemMachine(RuleBasedStateMachine):
    """People try acts on one item, sometimes from an old page."""

    cast: ClassVar[Cast]
    actors: ClassVar[dict[str, Actor]]
    start: ClassVar[datetime]

    @initialize()
    def make(self) -> None:
        self.now = self.start
        self.item = self.seen = commands.create_item(
            kind=ItemKind.WORK_ORDER, title="中断", division=self.cast.divisions["990101100200"],
            lead_unit=self.cast.units["DX-990101"], expected_result="恢复", by=self.actors["rexian"], at=self.now,
        )  # fmt: skip
        self.original: datetime | None = None

    @rule(name=st.sampled_from(sorted(TRIES)), who=st.sampled_from(PEOPLE), from_old_page=st.booleans())
    def somebody_tries(self, name: str, who: str, from_old_page: bool) -> None:
        self._attempt(name, who, self.seen if from_old_page else self.item)

    @rule(who=st.sampled_from(["gongcheng", "xianguan", "rexian"]))
    def somebody_does_the_next_right_thing(self, who: str) -> None:
        following = {"draft": "issue", "declined": "issue", "issued": "accept", "accepted": "start", "returned": "start",
                     "in_progress": "submit", "submitted": "verify", "verified": "close", "closed": "reopen"}  # fmt: skip
        if self.item.state in following:
            self._attempt(following[self.item.state], who, self.item)

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


@pytest.mark.clause("SUP36", "SUP35")
def test_no_path_breaks_an_invariant(cast: Cast, at: datetime) -> None:
    ItemMachine.cast, ItemMachine.start = cast, at
    ItemMachine.actors = {name: cast.actor(name) for name in PEOPLE}
    config = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    run_state_machine_as_test(ItemMachine, settings=config)
