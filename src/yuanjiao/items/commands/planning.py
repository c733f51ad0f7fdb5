"""Writes about what an item plans: phases, cooperating units, and changes after it was given out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import IntegrityError, transaction

from yuanjiao.items.commands.acts import extend_item, move, supporting, told_units
from yuanjiao.items.models import ChangeAsked, Item, Phase
from yuanjiao.items.rules import ENDED, Act, ItemKind, State, permission_of, whole
from yuanjiao.items.search import index_item
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor
from yuanjiao.places.models import OrgUnit

MOST_PHASES = 20
TARGET_LENGTH, WORDS_LENGTH = 200, 300
"""As much of a target and of a reason as is kept, and as the forms take."""


@transaction.atomic
def add_phase(*, item: Item, title: str, starts_on: date, ends_on: date, by: Actor, at: datetime) -> Phase:
    """One more phase of a draft, after those it has. Refused once the item is given out: then its dates change by approval."""
    by.require(permission_of(item.kind, Act.ISSUE), item.division.path)
    if item.kind == ItemKind.WORK_ORDER or item.state not in {State.DRAFT, State.DECLINED}:
        raise Refused("交办以后不能再增加阶段，请申请变更")
    if not title.strip() or ends_on < starts_on:
        raise Refused("阶段须有名称，止期不早于起期")
    last = item.phases.last()
    if last is not None and starts_on < last.starts_on:
        raise Refused("阶段按先后次序登记")
    number = 1 if last is None else last.number + 1
    if number > MOST_PHASES:
        raise Refused(f"最多 {MOST_PHASES} 个阶段")
    write_audit(by=by, action="登记阶段", subject=str(item), at=at, detail=f"{title} {starts_on} 至 {ends_on}")
    return Phase.objects.create(item=item, number=number, title=title.strip()[:60], starts_on=starts_on, ends_on=ends_on)


@transaction.atomic
def finish_phase(*, item: Item, number: int, result: str, by: Actor, at: datetime) -> Item:
    """The owner unit reports a phase done, in the order of the phases."""
    waiting = item.phases.filter(done_at=None).first()
    if waiting is None or waiting.number != number:
        raise Conflict("这个阶段已经完成，或前面还有阶段没有完成")
    moved = move(item, Act.PHASE, by=by, at=at, changes={}, reason=f"{waiting.title}，{result.strip()}" if result.strip() else "")
    item.phases.filter(pk=waiting.pk).update(done_at=at, done_by=by.name[:50], result=result.strip()[:200])
    return moved


@transaction.atomic
def set_cooperating(*, item: Item, units: Iterable[OrgUnit], by: Actor, at: datetime) -> Item:
    """Name the cooperating units (SUP38): any number beside the one that leads. They read the item; the lead unit answers for it.

    Conflict when somebody acted since the item was read. Refused for one that has ended. The story keeps who helped when.
    """
    by.require(permission_of(item.kind, Act.SUPPORT), item.division.path)
    wanted = supporting(units, item.lead_unit_id)
    if set(wanted) == set(item.co_units.all()):
        raise Refused("配合单位没有变化")
    if item.state in ENDED:
        raise Refused("事项已经办结，不能再改配合单位")
    moved = move(item, Act.SUPPORT, by=by, at=at, reason=told_units(wanted), changes={})
    moved.co_units.set(wanted)
    return moved


@transaction.atomic
def amend_item(*, item: Item, expected_result: str, reason: str, by: Actor, at: datetime) -> Item:
    """Approve another target; the story keeps the old one (SUP20)."""
    new, why = whole(expected_result, TARGET_LENGTH, "预期成效"), whole(reason, WORDS_LENGTH, "理由")
    if not new or new == item.expected_result:
        raise Refused("请写明变更后的预期成效")
    words = f"{why}；预期成效由“{item.expected_result}”改为“{new}”" if why else ""
    moved = move(item, Act.AMEND, by=by, at=at, reason=words, changes={"expected_result": new})
    index_item(moved)
    return moved


@transaction.atomic
def ask_change(*, item: Item, due_at: datetime | None, expected_result: str, reason: str, by: Actor, at: datetime) -> ChangeAsked:
    """The owner unit asks for a later date or another target, with a reason. Nothing changes until somebody else approves."""
    wanted, why = whole(expected_result, TARGET_LENGTH, "预期成效"), whole(reason, WORDS_LENGTH, "理由")
    if due_at is None and not wanted:
        raise Refused("请写明要改的时限或预期成效")
    if due_at is not None and (item.due_at is None or due_at <= item.due_at):
        raise Refused("申请的时限应晚于现在的时限")
    words = [f"时限改为 {local_day(due_at):%Y-%m-%d}"] if due_at else []
    words += [f"预期成效改为“{wanted}”"] if wanted else []
    told = f"{'，'.join(words)}；{why}" if why else ""
    moved = move(item, Act.ASK, by=by, at=at, changes={}, reason=told)
    try:
        with transaction.atomic():
            return ChangeAsked.objects.create(
                item=moved, due_at=due_at, expected_result=wanted, reason=why, asked_by=by.name[:50], asked_at=at
            )
    except IntegrityError:
        raise Conflict("上一次变更申请还没有审批") from None


@transaction.atomic
def decide_change(*, item: Item, change: int, agreed: bool, note: str, by: Actor, at: datetime) -> Item:
    """Approve or refuse what the owner unit asked; both the old and the new stay readable in the story."""
    row = item.changes.filter(pk=change, agreed=None).first()
    if row is None:
        raise Conflict("这份申请已经审批过了")
    note = whole(note, WORDS_LENGTH, "审批意见")
    if agreed:
        moved, why = item, note or row.reason
        if row.due_at is not None:
            moved = extend_item(item=moved, due_at=row.due_at, reason=why, by=by, at=at)
        if row.expected_result:
            moved = amend_item(item=moved, expected_result=row.expected_result, reason=why, by=by, at=at)
    else:
        moved = move(item, Act.REFUSE, by=by, at=at, reason=note, changes={})
    item.changes.filter(pk=row.pk).update(agreed=agreed, decided_by=by.name[:50], decided_at=at, note=note)
    return moved
