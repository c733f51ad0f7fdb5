"""Plans as trees: what may stand under what, completed / total at each level as of a day, nothing closed before its parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.items.conftest import YES
from yuanjiao.items import commands, queries
from yuanjiao.items.models import Item
from yuanjiao.items.rules import Act, Answer, ItemKind, Node, State, Tally, ThreeAnswers, Told, beneath, by_kind, may_stand_under, sentence
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.rules import SYSTEM, Actor
from yuanjiao.simulation.cast import Cast

DAY = timedelta(days=1)


def part(cast: Cast, at: datetime, kind: ItemKind, parent: Item | None) -> Item:
    return commands.create_item(
        kind=kind, title=f"{kind} 一件", division=cast.divisions["990101000000"], lead_unit=cast.units["DX-990101"], parent=parent,
        expected_result="改好", measure="逐件改", starts_on=date(2026, 3, 2), by=cast.actor("shiguan"), at=at,
    )  # fmt: skip


def closed(cast: Cast, item: Item, at: datetime) -> Item:
    city, engineer = cast.actor("shiguan"), cast.actor("gongcheng")
    item = commands.issue_item(item=item, due_at=at + 30 * DAY, by=city, at=at)
    item = commands.start_item(item=commands.accept_item(item=item, by=engineer, at=at), by=engineer, at=at)
    item = commands.verify_item(item=commands.submit_item(item=item, result="改了", by=engineer, at=at), answers=YES, by=city, at=at)
    return commands.close_item(item=item, by=city, at=at)


@pytest.mark.clause("SUP10", "SUP31")
def test_a_plan_tells_completed_of_total_at_each_level_as_of_a_day(cast: Cast, at: datetime) -> None:
    plan = part(cast, at, ItemKind.PLAN, None)
    sub = part(cast, at, ItemKind.PLAN, plan)
    matter = part(cast, at, ItemKind.MATTER, sub)
    problems = [part(cast, at, ItemKind.PROBLEM, matter) for _ in range(2)]
    measures = [part(cast, at, ItemKind.MEASURE, problems[0]) for _ in range(3)]
    part(cast, at + 5 * DAY, ItemKind.MEASURE, problems[1])
    closed(cast, measures[0], at + DAY)
    commands.cancel_item(item=measures[2], reason="重复", by=cast.actor("shiguan"), at=at + 3 * DAY)

    def told(days: int) -> dict[str, tuple[int, int]]:
        tree = queries.tree_of(plan, on=(at + days * DAY).astimezone(CHINA).date(), actor=cast.actor("shiguan"))
        return {name: (tally.done, tally.total) for name, tally in tree.by_kind.items()}

    assert told(0) == {"方案": (0, 1), "整改事项": (0, 1), "问题": (0, 2), "措施": (0, 3)}
    assert told(1)["措施"] == (1, 3)
    assert told(3)["措施"] == (1, 2)
    assert told(5)["措施"] == (1, 3)
    tree = queries.tree_of(plan, on=(at + 5 * DAY).astimezone(CHINA).date(), actor=cast.actor("shiguan"))
    assert [branch.depth for branch in tree.branches] == [0, 1, 2, 3, 4, 4, 4, 3, 4]
    assert {branch.item.pk: branch.tally for branch in tree.branches}[problems[0].pk] == Tally(1, 2)
    assert queries.tree_of(plan, on=date(2020, 1, 1), actor=cast.actor("shiguan")).branches == []
    assert queries.progress_of([plan, matter])[matter.pk] == Tally(0, 2)


def test_nothing_is_handed_in_or_cancelled_before_its_parts_and_nothing_is_added_to_what_has_ended(cast: Cast, at: datetime) -> None:
    problem = part(cast, at, ItemKind.PROBLEM, None)
    measure = part(cast, at, ItemKind.MEASURE, problem)
    for refused in (
        lambda: commands.cancel_item(item=problem, reason="不做了", by=cast.actor("shiguan"), at=at),
        lambda: closed(cast, problem, at),
    ):
        with pytest.raises(Refused, match="1 件下级事项"):
            refused()
    problem.refresh_from_db()
    assert problem.state == State.IN_PROGRESS, "what was refused changed nothing"
    closed(cast, measure, at)
    engineer, city = cast.actor("gongcheng"), cast.actor("shiguan")
    handed = commands.submit_item(item=problem, result="都改了", by=engineer, at=at)
    ended = commands.close_item(item=commands.verify_item(item=handed, answers=YES, by=city, at=at), by=city, at=at)
    with pytest.raises(Refused, match="已经办结"):
        part(cast, at, ItemKind.MEASURE, ended)
    with pytest.raises(Refused, match="不能列在"):
        part(cast, at, ItemKind.PLAN, part(cast, at, ItemKind.PROBLEM, None))


def test_a_cooperating_unit_neither_adds_parts_nor_reads_those_of_others(cast: Cast, at: datetime, log_in: Callable[[str], Client]) -> None:
    plan = part(cast, at, ItemKind.PLAN, None)
    task, hidden = part(cast, at, ItemKind.TASK, plan), part(cast, at, ItemKind.TASK, plan)
    other, unit = cast.actor("linxian"), cast.units["ZZ-990102"]
    commands.set_cooperating(item=plan, units=[unit], by=cast.actor("shiguan"), at=at)
    with pytest.raises(NotFound):
        commands.create_item(kind=ItemKind.TASK, title="拖住", division=unit.division, lead_unit=unit, parent=plan, by=other, at=at)
    assert log_in("linxian").get(reverse("items:item_new"), {"parent": plan.code}).status_code == 404
    tree = queries.tree_of(plan, on=at.astimezone(CHINA).date(), actor=other)
    assert ([branch.item for branch in tree.branches], tree.by_kind, tree.more) == ([plan], {"任务": Tally(0, 2)}, 2)
    plan.refresh_from_db()
    commands.set_cooperating(item=plan, units=[], by=cast.actor("shiguan"), at=at)
    commands.set_cooperating(item=task, units=[unit], by=cast.actor("shiguan"), at=at)
    assert queries.path_to(task, other) == []
    assert queries.path_to(task, cast.actor("xianguan")) == [plan]
    assert hidden not in queries.items_seen_by(other)


def test_a_part_is_not_opened_again_under_what_has_ended(cast: Cast, at: datetime) -> None:
    problem, city = part(cast, at, ItemKind.PROBLEM, None), cast.actor("shiguan")
    measure = closed(cast, part(cast, at, ItemKind.MEASURE, problem), at)
    problem = closed(cast, problem, at)
    with pytest.raises(Refused, match="上级事项"):
        commands.reopen_item(item=measure, reason="又坏了", due_at=at + 40 * DAY, by=city, at=at + DAY)
    commands.reopen_item(item=problem, reason="又坏了", due_at=at + 40 * DAY, by=city, at=at + DAY)
    commands.reopen_item(item=measure, reason="又坏了", due_at=at + 40 * DAY, by=city, at=at + DAY)


def test_who_cooperates_is_not_changed_from_an_old_page_nor_after_the_end(cast: Cast, at: datetime) -> None:
    old, city, unit = part(cast, at, ItemKind.TASK, None), cast.actor("shiguan"), cast.units["ZZ-990102"]
    ended = closed(cast, Item.objects.get(pk=old.pk), at)
    with pytest.raises(Conflict):
        commands.set_cooperating(item=old, units=[unit], by=city, at=at)
    with pytest.raises(Refused, match="已经办结"):
        commands.set_cooperating(item=ended, units=[unit], by=city, at=at)
    assert not ended.co_units.exists()


def test_the_reason_of_a_changed_target_is_kept_whole(cast: Cast, at: datetime) -> None:
    item, city = part(cast, at, ItemKind.TASK, None), cast.actor("shiguan")
    item = commands.issue_item(item=item, due_at=at + DAY, by=city, at=at)
    item = commands.amend_item(item=item, expected_result="甲" * 200, reason="头", by=city, at=at)
    item = commands.amend_item(item=item, expected_result="乙" * 200, reason="因" * 300, by=city, at=at)
    assert item.steps.last().reason.startswith("因" * 300)  # type: ignore[union-attr]


def test_sums_and_places_as_rules() -> None:
    nodes = [
        Node(1, None, "matter", "issued"),
        Node(2, 1, "problem", "closed"),
        Node(3, 1, "problem", "issued"),
        Node(4, 3, "measure", "closed"),
        Node(5, 3, "measure", "cancelled"),
    ]
    assert beneath(nodes) == {1: Tally(2, 3), 2: Tally(), 3: Tally(1, 1), 4: Tally(), 5: Tally()}
    assert by_kind(nodes) == {"matter": Tally(0, 1), "problem": Tally(1, 2), "measure": Tally(1, 1)}
    assert may_stand_under("measure", "problem")
    assert not may_stand_under("task", "work_order")


def test_a_story_is_told_in_sentences() -> None:
    at, due = datetime(2026, 3, 2, 8, 0, tzinfo=UTC), datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
    later = due + DAY

    def told(act: str, kind: str = "task", **more: object) -> str:
        return sentence(Told(act, kind, "赵敏芝", "柳溪县电信分公司", at, **more), CHINA)  # type: ignore[arg-type]

    assert told("") == "2026年3月2日 16:00，赵敏芝登记。"
    assert told(Act.ISSUE, due_after=due) == "2026年3月2日 16:00，赵敏芝交办给柳溪县电信分公司，要求3月5日 16:00前办结。"
    assert told(Act.ISSUE, "work_order").endswith("赵敏芝派单给柳溪县电信分公司。")
    assert told(Act.EXTEND, due_before=due, due_after=later, reason="等配件。") == (
        "2026年3月2日 16:00，赵敏芝同意延期，时限由3月5日 16:00改为3月6日 16:00：等配件。"
    )
    assert told(Act.REOPEN, due_after=due, reason="又坏了").endswith("重新打开，由柳溪县电信分公司再办，要求3月5日 16:00前办结：又坏了。")


@pytest.mark.clause("SUP38")
def test_who_cooperates_stands_in_the_story_before_and_after(cast: Cast, at: datetime) -> None:
    item, city = part(cast, at, ItemKind.TASK, None), cast.actor("shiguan")
    first, second = cast.units["ZZ-990102"], cast.units["ZZ-9901"]
    item = commands.set_cooperating(item=item, units=[first, second], by=city, at=at)
    with pytest.raises(Refused, match="没有变化"):
        commands.set_cooperating(item=item, units=[second, first], by=city, at=at)
    item = commands.set_cooperating(item=item, units=[second], by=city, at=at + DAY)
    told = [line.sentence for line in queries.story(item)]
    assert len(told) == 3
    assert f"{first.name}、{second.name}" in told[1]
    assert f"配合单位为{second.name}。" in told[2]
    assert list(item.co_units.all()) == [second]
    written = commands.create_item(
        kind=ItemKind.TASK, title="清点", division=item.division, lead_unit=item.lead_unit, cooperating=[first], by=city, at=at
    )
    assert first.name in queries.story(written)[0].sentence


def test_what_is_longer_than_is_kept_is_refused_and_not_cut(cast: Cast, at: datetime) -> None:
    item, city = part(cast, at, ItemKind.TASK, None), cast.actor("shiguan")
    item = commands.issue_item(item=item, due_at=at + DAY, by=city, at=at)
    owner = cast.actor("gongcheng")
    long = {"expected_result": "乙" * 201, "reason": "因" * 301}
    for name in long:
        said = {"expected_result": "新", "reason": "因", name: long[name]}
        with pytest.raises(Refused, match="最多"):
            commands.amend_item(item=item, by=city, at=at, **said)
        with pytest.raises(Refused, match="最多"):
            commands.ask_change(item=item, due_at=None, by=owner, at=at, **said)
    asked = commands.ask_change(item=item, due_at=None, expected_result="乙" * 200, reason="因" * 300, by=owner, at=at)
    item.refresh_from_db()
    with pytest.raises(Refused, match="最多 300 字，现在 301 字"):
        commands.decide_change(item=item, change=asked.pk, agreed=True, note="注" * 301, by=city, at=at)
    item = commands.decide_change(item=item, change=asked.pk, agreed=True, note="", by=city, at=at)
    step = item.steps.last()
    assert step is not None
    assert step.reason.endswith(f"改为“{'乙' * 200}”"), "both targets and the whole reason"


@pytest.mark.clause("SUP20")
def test_after_issue_neither_date_nor_target_changes_but_by_an_approval_that_keeps_the_old(cast: Cast, at: datetime) -> None:
    item, city, owner = part(cast, at, ItemKind.TASK, None), cast.actor("shiguan"), cast.actor("gongcheng")
    item = commands.issue_item(item=item, due_at=at + 2 * DAY, by=city, at=at)
    with pytest.raises(Conflict):
        commands.edit_draft(item=item, title="另一件", measure="", expected_result="少一点", starts_on=None, by=city, at=at)
    with pytest.raises(Conflict):
        commands.issue_item(item=item, due_at=at + 9 * DAY, by=city, at=at)
    with pytest.raises(Refused, match="原因"):
        commands.extend_item(item=item, due_at=at + 9 * DAY, reason=" ", by=city, at=at)
    with pytest.raises(Refused, match="原因"):
        commands.amend_item(item=item, expected_result="少一点", reason="", by=city, at=at)
    for act in (commands.extend_item, commands.amend_item):
        said = {"due_at": at + 9 * DAY} if act is commands.extend_item else {"expected_result": "少一点"}
        with pytest.raises(Forbidden):
            act(item=item, reason="来不及", by=owner, at=at, **said)  # type: ignore[operator]
    asked = commands.ask_change(item=item, due_at=at + 9 * DAY, expected_result="少一点", reason="等配件", by=owner, at=at)
    now = Item.objects.select_related("division", "lead_unit").get(pk=item.pk)
    assert (now.due_at, now.expected_result) == (item.due_at, "改好"), "asking changes nothing"
    item = commands.decide_change(item=now, change=asked.pk, agreed=True, note="", by=city, at=at + DAY)
    assert (item.due_at, item.original_due_at, item.expected_result) == (at + 9 * DAY, at + 2 * DAY, "少一点")
    story = " ".join(line.sentence for line in queries.story(item))
    assert all(word in story for word in ("等配件", "时限由3月4日", "由“改好”改为“少一点”"))


@pytest.mark.clause("SUP30")
def test_a_finding_fixed_on_the_spot_is_filed_and_closed_in_one_step_by_another_unit_with_evidence(cast: Cast, at: datetime) -> None:
    finder, owner = cast.actor("xianguan"), cast.actor("gongcheng")

    def settle(by: Actor = finder, answers: ThreeAnswers = YES, kind: ItemKind = ItemKind.PROBLEM, **changed: Any) -> Item:
        said = {"title": "机顶盒没有上架", "measure": "当场上架、加锁", "expected_result": "机顶盒入柜", "source": "随机抽查"} | changed
        place, lead = cast.divisions["990101100200"], cast.units["DX-990101"]
        return commands.settle_on_the_spot(kind=kind, division=place, lead_unit=lead, answers=answers, by=by, at=at, **said)

    no = ThreeAnswers(Answer(True, "有"), Answer(False, "仍在地上"), Answer(True, "有"))
    bare = ThreeAnswers(Answer(True, "有"), Answer(True, " "), Answer(True, "有"))
    for wrong, words in (
        ({"by": owner}, "没有|不能|无权"), ({"answers": no}, "请交办"), ({"answers": bare}, "依据"), ({"measure": ""}, "措施"),
        ({"expected_result": ""}, "预期成效"), ({"kind": ItemKind.TASK}, "不能当场销号"), ({"by": SYSTEM}, "由人"),
    ):  # fmt: skip
        with pytest.raises((Refused, Forbidden, NotFound), match=words):
            settle(**wrong)  # type: ignore[arg-type]
    assert not Item.objects.exists(), "both or neither"
    uid = new_uid()
    item = settle(uid=uid)
    found = queries.verifications(item)
    assert (item.state, item.closed_at, item.verified_at, item.due_at) == (State.CLOSED, at, at, at)
    assert [(one.passed, one.by_uid) for one in found] == [(True, finder.person_uid)]
    assert [step.act for step in item.steps.all()] == ["", Act.SETTLE]
    with pytest.raises(Conflict, match="已经登记"):
        settle(uid=uid)
    again = commands.reopen_item(item=item, reason="又放在地上", due_at=at + DAY, by=finder, at=at)
    assert again.state == State.ISSUED, "what comes back is the owner's, with a clock"


def test_who_owns_a_finding_does_not_settle_it_and_neither_do_open_parts(cast: Cast, at: datetime) -> None:
    problem, city = part(cast, at, ItemKind.PROBLEM, None), cast.actor("shiguan")
    part(cast, at, ItemKind.MEASURE, problem)
    with pytest.raises(Refused, match="下级事项"):
        commands.settle_item(item=problem, answers=YES, by=city, at=at)
    own = commands.create_item(
        kind=ItemKind.PROBLEM, title="自己的", division=cast.divisions["990101000000"], lead_unit=cast.units["ZZ-990101"],
        measure="改", expected_result="好", by=cast.actor("xianguan"), at=at,
    )  # fmt: skip
    with pytest.raises(Forbidden):
        commands.settle_item(item=own, answers=YES, by=cast.actor("xianguan"), at=at)
    assert Act.SETTLE not in queries.acts_open_to(own, cast.actor("xianguan"))
    assert Act.SETTLE in queries.acts_open_to(own, city)
