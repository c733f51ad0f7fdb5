"""Each command through the database: who wins, who is refused, what the story says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from tests.items.conftest import NO, YES
from yuanjiao.items import commands, queries
from yuanjiao.items.models import Item
from yuanjiao.items.rules import Act, Answer, Colour, ItemKind, State, ThreeAnswers
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.simulation.cast import Cast

Make = Callable[[State], Item]


def test_an_item_walks_from_draft_to_closed_and_its_story_says_who_and_when(item_at: Make, cast: Cast) -> None:
    item = item_at(State.CLOSED)
    lines = queries.story(item)
    assert [line.title for line in lines] == ["登记", "派单", "签收", "开始处理", "提交办结", "核实通过", "销号"]
    assert [line.step.by_name for line in lines] == ["周小兰", "周小兰", "王建军", "王建军", "王建军", "赵敏芝", "赵敏芝"]
    assert lines[4].step.reason == "更换机顶盒"
    assert [line.step.number for line in lines] == list(range(1, 8))


def test_of_two_people_who_saw_the_same_state_only_one_wins(item_at: Make, cast: Cast, at: datetime) -> None:
    first = item_at(State.ISSUED)
    second = Item.objects.get(pk=first.pk)
    commands.accept_item(item=first, by=cast.actor("gongcheng"), at=at)
    with pytest.raises(Conflict, match="刷新"):
        commands.decline_item(item=second, reason="不归我们", by=cast.actor("gongcheng"), at=at)
    second.refresh_from_db()
    assert second.state == State.ACCEPTED
    assert second.declined_count == 0


@pytest.mark.clause("SUP36")
def test_verification_needs_another_person_and_evidence_for_each_answer(item_at: Make, cast: Cast, at: datetime) -> None:
    item = item_at(State.SUBMITTED)
    with pytest.raises(Forbidden):
        commands.verify_item(item=item, answers=YES, by=cast.actor("gongcheng"), at=at)
    bare = ThreeAnswers(YES.done, YES.solved, Answer(True, "  "))
    with pytest.raises(Refused, match="现状有没有改变"):
        commands.verify_item(item=item, answers=bare, by=cast.actor("xianguan"), at=at)
    verified = commands.verify_item(item=item, answers=YES, by=cast.actor("xianguan"), at=at)
    assert verified.state == State.VERIFIED
    assert queries.verifications(verified)[0].changed_evidence == "村里已恢复收看"


@pytest.mark.clause("SUP35")
def test_a_no_returns_the_item_for_rework_as_often_as_it_takes(item_at: Make, cast: Cast, at: datetime) -> None:
    item = item_at(State.SUBMITTED)
    for count in (1, 2, 3):
        item = commands.verify_item(item=item, answers=NO, by=cast.actor("xianguan"), at=at)
        assert (item.state, item.returned_count) == (State.RETURNED, count)
        assert "仍不能播放" in item.steps.last().reason
        item = commands.start_item(item=item, by=cast.actor("gongcheng"), at=at)
        item = commands.submit_item(item=item, result="再修", by=cast.actor("gongcheng"), at=at)
    assert commands.verify_item(item=item, answers=YES, by=cast.actor("xianguan"), at=at).state == State.VERIFIED
    assert [v.passed for v in queries.verifications(item)] == [False, False, False, True]
    with pytest.raises(Refused, match="原因"):
        commands.return_for_rework(item=item_at(State.SUBMITTED), reason=" ", by=cast.actor("xianguan"), at=at)


def test_an_extension_keeps_both_dates(item_at: Make, cast: Cast, at: datetime) -> None:
    item = item_at(State.ACCEPTED)
    old = item.due_at
    assert old is not None
    moved = commands.extend_item(item=item, due_at=old + timedelta(hours=24), reason="等配件", by=cast.actor("shiguan"), at=at)
    assert (moved.original_due_at, moved.due_at, moved.state) == (old, old + timedelta(hours=24), State.ACCEPTED)
    step = moved.steps.last()
    assert (step.due_before, step.due_after) == (old, moved.due_at)
    with pytest.raises(Refused):
        commands.extend_item(item=moved, due_at=old, reason="更早", by=cast.actor("shiguan"), at=at)
    with pytest.raises(Conflict):
        commands.extend_item(item=item, due_at=old + timedelta(hours=48), reason="旧页面", by=cast.actor("shiguan"), at=at)


def test_a_reopened_item_has_a_new_clock_and_keeps_its_story(item_at: Make, cast: Cast, at: datetime) -> None:
    item = item_at(State.CLOSED)
    later = at + timedelta(days=2)
    again = commands.reopen_item(item=item, reason="回访不满意", due_at=later + timedelta(hours=72), by=cast.actor("rexian"), at=later)
    assert (again.state, again.reopened_count, again.accepted_at, again.verified_at) == (State.ISSUED, 1, None, None)
    assert again.original_due_at == at + timedelta(hours=72)
    assert again.steps.count() == 8


def test_a_declined_item_waits_for_another_dispatch(item_at: Make, cast: Cast, at: datetime) -> None:
    item = commands.decline_item(item=item_at(State.ISSUED), reason="线路属广电", by=cast.actor("gongcheng"), at=at)
    assert (item.state, item.declined_count) == (State.DECLINED, 1)
    again = commands.issue_item(item=item, due_at=at + timedelta(hours=72), lead_unit=cast.units["DX-9901"], by=cast.actor("rexian"), at=at)
    assert (again.state, again.lead_unit) == (State.ISSUED, cast.units["DX-9901"])


@pytest.mark.clause("SUP09")
@pytest.mark.parametrize("kind", [ItemKind.TASK, ItemKind.PROBLEM, ItemKind.MEASURE, ItemKind.RECTIFICATION, ItemKind.PLAN])
def test_nothing_is_issued_without_measure_schedule_owner_result_and_date(kind: ItemKind, cast: Cast, at: datetime) -> None:
    def draft(**changes: object) -> Item:
        fields = {
            "lead_unit": cast.units["DX-990101"],
            "expected_result": "恢复播放",
            "measure": "逐站检修",
            "starts_on": at.date(),
        } | changes
        return commands.create_item(
            kind=kind, title="检修", division=cast.divisions["990101000000"], by=cast.actor("shiguan"), at=at, **fields
        )

    due = at + timedelta(hours=48)
    for item, due_at, words in (
        (draft(lead_unit=None), due, "责任单位"),
        (draft(expected_result=""), due, "预期成效"),
        (draft(measure=" "), due, "措施"),
        (draft(starts_on=None), due, "日程"),
        (draft(), at, "办结时限"),
    ):
        with pytest.raises(Refused, match=words):
            commands.issue_item(item=item, due_at=due_at, by=cast.actor("shiguan"), at=at)
    assert commands.issue_item(item=draft(), due_at=due, by=cast.actor("shiguan"), at=at).state == State.ISSUED


def test_the_database_itself_refuses_a_dispatched_item_without_owner(item_at: Make) -> None:
    item = item_at(State.ISSUED)
    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.filter(pk=item.pk).update(lead_unit=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.filter(pk=item.pk).update(state=State.CLOSED)


def test_the_outsider_sees_and_moves_nothing(item_at: Make, cast: Cast, at: datetime) -> None:
    item, outsider = item_at(State.SUBMITTED), cast.actor("linxian")
    assert not queries.items_seen_by(outsider).exists()
    assert queries.acts_open_to(item, outsider) == []
    with pytest.raises(NotFound):
        commands.verify_item(item=item, answers=YES, by=outsider, at=at)


@pytest.mark.parametrize(
    ("state", "who", "acts"),
    [
        (State.ISSUED, "gongcheng", [Act.ACCEPT, Act.DECLINE]),
        (State.ACCEPTED, "gongcheng", [Act.START]),
        (State.IN_PROGRESS, "gongcheng", [Act.SUBMIT]),
        (State.SUBMITTED, "gongcheng", []),
        (State.SUBMITTED, "xianguan", [Act.RETURN, Act.VERIFY]),
        (State.VERIFIED, "xianguan", [Act.CLOSE, Act.REOPEN]),
        (State.ISSUED, "lingdao", []),
    ],
)
def test_each_person_is_offered_what_they_may_do(state: State, who: str, acts: list[Act], item_at: Make, cast: Cast) -> None:
    assert queries.acts_open_to(item_at(state), cast.actor(who)) == acts


@pytest.mark.parametrize("state", [State.DRAFT, State.ISSUED, State.ACCEPTED, State.SUBMITTED, State.CLOSED])
@pytest.mark.parametrize("hours", [0, 8, 47, 48, 71, 72, 200])
def test_the_filter_by_colour_agrees_with_the_rule(state: State, hours: int, item_at: Make, at: datetime) -> None:
    item, then = item_at(state), at + timedelta(hours=hours)
    now = queries.colour_now(item, then)
    for colour in Colour:
        assert Item.objects.filter(queries.colour_filter(colour.value, then)).exists() is (colour is now)


def test_counts_by_state_stay_inside_the_subtree(item_at: Make, cast: Cast) -> None:
    item_at(State.ISSUED)
    item_at(State.CLOSED)
    inside = queries.counts_by_state([cast.divisions["990101000000"].path], kind=ItemKind.WORK_ORDER)
    outside = queries.counts_by_state([cast.divisions["990102000000"].path])
    assert (inside[State.ISSUED], inside[State.CLOSED]) == (1, 1)
    assert sum(outside.values()) == 0
    assert [item.state for item in queries.open_items(["/"])] == [State.ISSUED]
