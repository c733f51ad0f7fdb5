"""Review and release: nobody passes their own work, and on an official column three different persons stand behind an item (GOV22)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from yuanjiao.courseware import steps
from yuanjiao.courseware.commands.items import require_complete
from yuanjiao.courseware.models import Column, Courseware, Placement
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission


def is_author(courseware: Courseware, by: Actor) -> bool:
    return courseware.author is not None and courseware.author.uid == by.person_uid


@transaction.atomic
def approve_courseware(*, courseware: Courseware, by: Actor, at: datetime, reason: str = "") -> None:
    """Pass an item after looking at it. Refused for its author and while a profile is missing."""
    _review(courseware, by)
    require_complete(courseware)
    steps.move(courseware, State.APPROVED, by=by, at=at, reason=reason)


@transaction.atomic
def return_courseware(*, courseware: Courseware, reason: str, by: Actor, at: datetime) -> None:
    """Give an item back to its author with the reason. Refused for its author and without a reason."""
    _review(courseware, by)
    if not reason.strip():
        raise Refused("退回须写明原因，制作人要据此修改")
    steps.move(courseware, State.RETURNED, by=by, at=at, reason=reason.strip())


def _review(courseware: Courseware, by: Actor) -> None:
    by.require(Permission.REVIEW_COURSEWARE, courseware.unit.division.path)
    if is_author(courseware, by):
        raise Refused("审核人不能是制作人本人，请由另一位审核员审核")


def reviewer_of(courseware: Courseware) -> UUID | None:
    """Who passed the item last; None for nobody or the machine."""
    return courseware.steps.filter(to_state=State.APPROVED).order_by("-at", "-pk").values_list("actor_uid", flat=True).first()


@transaction.atomic
def release_courseware(*, courseware: Courseware, columns: Sequence[Column], by: Actor, at: datetime) -> None:
    """Put a passed (or already released) item into columns. All of them or none.

    Refused for the author, for the reviewer on an official column, for a column that takes another class or has closed, and
    without all renditions.
    """
    if not columns:
        raise Refused("请至少选择一个栏目")
    for column in columns:
        _may_stand_in(courseware, column, by, at)
    require_complete(courseware)
    if courseware.state != State.RELEASED:
        by.require(Permission.MANAGE_COLUMNS, courseware.unit.division.path)
        names = "、".join(column.title for column in columns)
        steps.move(courseware, State.RELEASED, by=by, at=at, reason=f"编入 {names}", released_at=at, withdrawn_at=None)
    placed = [Placement.objects.get_or_create(column=column, courseware=courseware, defaults={"placed_at": at}) for column in columns]
    if not any(created for _row, created in placed):
        raise Conflict("这件课件已经在所选栏目里")
    steps.search_due([courseware.uid])
    write_audit(by=by, action="编入栏目", subject=f"课件 {courseware.title}", at=at, detail="、".join(c.title for c in columns))


def _may_stand_in(courseware: Courseware, column: Column, by: Actor, at: datetime) -> None:
    by.require(Permission.MANAGE_COLUMNS, column.owner.division.path)
    if is_author(courseware, by):
        raise Refused("发布人不能是制作人本人")
    if column.official and reviewer_of(courseware) == by.person_uid and by.person_uid is not None:
        raise Refused(f"官方栏目“{column.title}”须由审核人以外的人发布")
    if column.accepts_class and column.accepts_class != courseware.item_class:
        raise Refused(f"栏目“{column.title}”只收{column.get_accepts_class_display()}课件")
    if column.visible_to is not None and column.visible_to <= local_day(at):
        raise Refused(f"栏目“{column.title}”已于 {column.visible_to:%Y-%m-%d} 结束")


@transaction.atomic
def withdraw_courseware(*, courseware: Courseware, reason: str, by: Actor, at: datetime) -> None:
    """Take an item out of every column and every list, here at once and below with the next catalogue. The rows and files stay."""
    _may_withdraw(courseware, by)
    if not reason.strip():
        raise Refused("撤下须写明原因")
    steps.move(courseware, State.WITHDRAWN, by=by, at=at, reason=reason.strip(), withdrawn_at=at)
    courseware.placements.all().delete()


def _may_withdraw(courseware: Courseware, by: Actor) -> None:
    if is_author(courseware, by) and by.holds(Permission.PRODUCE_COURSEWARE):
        return
    path = courseware.unit.division.path
    if by.covers(Permission.REVIEW_COURSEWARE, path) or by.covers(Permission.MANAGE_COLUMNS, path):
        return
    raise Forbidden("您不能撤下这件课件")
