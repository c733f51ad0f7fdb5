"""Plans as trees: what may stand under what, completed / total at each level as of a day, nothing closed before its parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.items.conftest import YES
from yuanjiao.items import commands, queries
from yuanjiao.items.models import Item
from yuanjiao.items.rules import Act, ItemKind, Node, State, Tally, Told, beneath, by_kind, may_stand_under, sentence
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import Conflict, NotFound, Refused
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
