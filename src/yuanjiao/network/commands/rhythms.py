"""How often one object beats and how late it may be, where that is not as everywhere: a satellite box may beat every five minutes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from yuanjiao.lib.errors import Refused
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.network.models import ManagedObject, ObjectKind
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission

SHORTEST_S, LONGEST_S = 10, 3600


@transaction.atomic
def set_rhythm(*, subject: ManagedObject, period_s: int | None, grace_s: int | None, by: Actor, at: datetime) -> None:
    """From now on the object is to beat every `period_s` seconds and is silent `grace_s` after that; None: as everywhere."""
    by.require(Permission.IMPORT_REGISTER, subject.division.path)
    if subject.kind == ObjectKind.LINE:
        raise Refused("线路没有心跳")
    if period_s is not None and not SHORTEST_S <= period_s <= LONGEST_S:
        raise Refused(f"心跳周期应为 {SHORTEST_S} 至 {LONGEST_S} 秒")
    if grace_s is not None and not 0 <= grace_s <= LONGEST_S:
        raise Refused(f"宽限应为 0 至 {LONGEST_S} 秒")
    subject.period_s, subject.grace_s = period_s, grace_s
    subject.save(update_fields=["period_s", "grace_s"])
    register_changed([subject.pk])
    said = (
        "按全局设置"
        if period_s is None and grace_s is None
        else f"周期 {period_s or '全局'} 秒，宽限 {'全局' if grace_s is None else grace_s} 秒"
    )
    write_audit(by=by, action="改心跳周期", subject=f"{subject.get_kind_display()} {subject.code}", at=at, detail=said)
