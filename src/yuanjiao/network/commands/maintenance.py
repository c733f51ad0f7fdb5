"""Announcing work on an object, and taking the announcement back: its seconds are set apart from rates, its states recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.commands.versions import past_changed, register_changed
from yuanjiao.network.models import Lifecycle, MaintenanceWindow, ManagedObject
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission

LONGEST = timedelta(days=14)
URGENT_BACK = timedelta(hours=24)
"""How long ago urgent work may have begun when it is announced; older silence stays an outage."""


@transaction.atomic
def announce_maintenance(
    *,
    subject: ManagedObject,
    start: datetime,
    end: datetime,
    document: str,
    reason: str = "",
    urgent: bool = False,
    by: Actor,
    at: datetime,
) -> MaintenanceWindow:
    """Announce work on an object and all that hangs on it over [start, end), by a written notice.

    It begins after it is announced; urgent work may have begun within the last day, with a reason.
    """
    by.require(Permission.PLAN_MAINTENANCE, subject.division.path)
    if subject.lifecycle != Lifecycle.IN_SERVICE:
        raise Refused(f"{subject.name} 不在用，无须登记检修")
    _check(start, end, document, reason, urgent, at)
    same = MaintenanceWindow.objects.filter(object=subject.pk, start_at__lt=end, end_at__gt=start, cancelled_at=None).first()
    if same is not None:
        raise Conflict(f"{subject.name} 在这段时间已登记检修（{same.document}）")
    window = MaintenanceWindow.objects.create(
        object_id=subject.pk, start_at=start.replace(microsecond=0), end_at=end.replace(microsecond=0), document=document.strip(),
        reason=reason.strip(), announced_at=at,
    )  # fmt: skip
    _tell(window, "登记检修", by, at)
    return window


def _check(start: datetime, end: datetime, document: str, reason: str, urgent: bool, at: datetime) -> None:
    if not document.strip():
        raise Refused("检修须写明通知文号")
    if end <= start:
        raise Refused("结束时刻须晚于开始时刻")
    if end - start > LONGEST:
        raise Refused(f"一次检修最长 {LONGEST.days} 天；更久的请办理停用")
    if start >= at:
        return
    if not urgent:
        raise Refused("检修须在开始之前登记；已经开始的抢修请选“紧急”并写明事由")
    if not reason.strip():
        raise Refused("紧急检修须写明事由")
    if at - start > URGENT_BACK:
        raise Refused("紧急检修只能补登 24 小时以内开始的")


@transaction.atomic
def cancel_maintenance(*, window: MaintenanceWindow, by: Actor, at: datetime) -> None:
    """Take an announcement back: a window that has not begun never held, one that runs ends now."""
    by.require(Permission.PLAN_MAINTENANCE, window.object.division.path)
    if window.cancelled_at is not None:
        raise Conflict("这次检修已经撤销")
    if window.end_at <= at:
        raise Refused("检修已经结束，不能撤销")
    window.cancelled_at = at.replace(microsecond=0)
    window.save(update_fields=["cancelled_at"])
    _tell(window, "撤销检修", by, at)


def _tell(window: MaintenanceWindow, action: str, by: Actor, at: datetime) -> None:
    register_changed([window.object_id])
    past_changed(local_day(window.start_at))
    subject = f"{window.object.get_kind_display()} {window.object.code}"
    write_audit(by=by, action=action, subject=subject, at=at, detail=f"{window} {window.document} {window.reason}".strip())
