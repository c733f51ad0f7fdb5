"""What must be made urgently or changed, by when (CW13): given, taken up, closed by what really came of it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from yuanjiao.courseware.models import Commission, CommissionKind, Courseware, Need
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit


def _require_giving(by: Actor, path: str) -> None:
    if not any(by.covers(permission, path) for permission in (Permission.MANAGE_COLUMNS, Permission.REVIEW_COURSEWARE)):
        raise Forbidden("您不能向这个单位下达制作任务")


@transaction.atomic
def open_commission(
    *,
    kind: CommissionKind,
    title: str,
    unit: OrgUnit,
    due_at: datetime,
    by: Actor,
    at: datetime,
    detail: str = "",
    need: Need | None = None,
    courseware: Courseware | None = None,
) -> Commission:
    """Give a unit something to make, or an item to change, with a deadline that lies ahead."""
    _require_giving(by, unit.division.path)
    if not title.strip() or len(title.strip()) > 100 or len(detail) > 500:
        raise Refused("内容不能为空，最多 100 字；要求最多 500 字")
    if due_at <= at:
        raise Refused("期限要在现在之后")
    if kind == CommissionKind.CHANGE and (courseware is None or courseware.state != State.RELEASED):
        raise Refused("要求修改的须是一件已发布的课件")
    row = Commission.objects.create(
        kind=kind, title=title.strip(), detail=detail.strip(), unit=unit, need=need, courseware=courseware, due_at=due_at,
        opened_by_uid=by.person_uid, opened_by_name=by.name, opened_at=at,
    )  # fmt: skip
    until = f"{unit.name}，{due_at.astimezone(CHINA):%Y-%m-%d %H:%M} 前"
    write_audit(by=by, action=f"下达{row.get_kind_display()}", subject=f"任务 {row.title}", at=at, detail=until)
    return row


@transaction.atomic
def take_commission(*, commission: Commission, courseware: Courseware, by: Actor, at: datetime) -> None:
    """Say which item answers an urgent commission: its reviewers then see the deadline."""
    by.require(Permission.PRODUCE_COURSEWARE, commission.unit.division.path)
    if commission.kind != CommissionKind.URGENT:
        raise Refused("要求修改的任务已经写明是哪件课件")
    if courseware.author is None or courseware.author.uid != by.person_uid:
        raise Forbidden("请关联您自己制作的课件")
    if not Commission.objects.filter(pk=commission.pk, closed_at=None).update(courseware=courseware):
        raise Conflict("这项任务已经办结")
    commission.refresh_from_db()
    if commission.need is not None:
        courseware.needs.add(commission.need)
    write_audit(by=by, action="承接制作任务", subject=f"任务 {commission.title}", at=at, detail=courseware.title)


@transaction.atomic
def close_commission(*, commission: Commission, done: bool, closing: str, by: Actor, at: datetime) -> None:
    """Close a commission. Done is what the rows say: an urgent item is released; an item to change is revised or withdrawn."""
    _require_giving(by, commission.unit.division.path)
    if not closing.strip():
        raise Refused("请写明办理结果")
    item = commission.courseware
    if done and commission.kind == CommissionKind.URGENT and (item is None or item.state != State.RELEASED):
        raise Refused("急需的课件还没有发布，不能算办成")
    if done and commission.kind == CommissionKind.CHANGE and item is not None and item.state == State.RELEASED:
        raise Refused("原版还在播出：修订版发布或撤下以后，才能算办成")
    if not Commission.objects.filter(pk=commission.pk, closed_at=None).update(closed_at=at, is_done=done, closing=closing.strip()[:300]):
        raise Conflict("这项任务已经办结")
    write_audit(by=by, action="办结制作任务" if done else "撤销制作任务", subject=f"任务 {commission.title}", at=at, detail=closing.strip())
