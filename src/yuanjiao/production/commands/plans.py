"""Resource plans: entered with their lines (CW03)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.production.models import PlanLine, ResourcePlan

YEARS = range(2000, 2100)


@dataclass(frozen=True)
class Line:
    """One line as entered: topic, year, quantity, owner; a column instead of words when `column` is given."""

    topic: str
    year: int
    quantity: int
    owner: OrgUnit
    column: UUID | None = None


@transaction.atomic
def add_resource_plan(*, title: str, unit: OrgUnit, document: str, lines: Sequence[Line], by: Actor, at: datetime) -> ResourcePlan:
    """Enter a plan. Refused without its document or without a line."""
    by.require(Permission.MANAGE_COLUMNS, unit.division.path)
    if not title.strip() or not document.strip():
        raise Refused("规划须写明名称和依据文件")
    if not lines:
        raise Refused("规划至少要有一条")
    plan = ResourcePlan.objects.create(title=title.strip(), unit=unit, document=document.strip())
    _add(plan, lines)
    write_audit(by=by, action="制定资源建设规划", subject=plan.title, at=at, detail=f"{document}，{len(lines)} 条")
    return plan


@transaction.atomic
def add_plan_lines(*, plan: ResourcePlan, lines: Sequence[Line], by: Actor, at: datetime) -> None:
    """Add lines to a plan; those there stay as they are."""
    by.require(Permission.MANAGE_COLUMNS, plan.unit.division.path)
    _add(plan, lines)
    write_audit(by=by, action="补充资源建设规划", subject=plan.title, at=at, detail=f"{len(lines)} 条")


def _add(plan: ResourcePlan, lines: Sequence[Line]) -> None:
    for line in lines:
        if not line.topic.strip() or line.quantity < 1 or line.year not in YEARS:
            raise Refused("每条须有主题、年度和至少 1 件的数量")
        if not line.owner.division.path.startswith(plan.unit.division.path):
            raise Refused(f"{line.owner.name} 不在 {plan.unit.name} 的范围内")
        try:
            with transaction.atomic():
                PlanLine.objects.create(
                    plan=plan, topic=line.topic.strip(), column_uid=line.column, year=line.year, quantity=line.quantity, owner=line.owner
                )
        except IntegrityError:
            raise Conflict(f"“{line.topic}”{line.year} 年 {line.owner.name} 已经有一条") from None
