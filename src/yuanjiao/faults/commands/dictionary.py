"""Writes of the two small tables: causes and service terms. They begin with what rules.py proposes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from yuanjiao.faults.models import FaultCause, ServiceTerm
from yuanjiao.faults.rules import (
    FIRST_CAUSES,
    FIRST_FILING_LIMIT_HOURS,
    FIRST_PATIENCE_MINUTES,
    FIRST_RESPOND_HOURS,
    FIRST_RESTORE_HOURS,
    Area,
    FaultClass,
)
from yuanjiao.lib.errors import Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission


@transaction.atomic
def ensure_dictionaries() -> None:
    """Fill the tables the first time they are needed; what a city has changed is left alone."""
    if not FaultCause.objects.exists():
        FaultCause.objects.bulk_create(
            [FaultCause(code=one.code, name=one.name, fault_class=one.fault_class) for one in FIRST_CAUSES], ignore_conflicts=True
        )
    if not ServiceTerm.objects.exists():
        pairs = [(fault_class, area) for fault_class in FaultClass for area in Area]
        ServiceTerm.objects.bulk_create([_first_term(*pair) for pair in pairs], ignore_conflicts=True)


def _first_term(fault_class: FaultClass, area: Area) -> ServiceTerm:
    return ServiceTerm(
        fault_class=fault_class,
        area=area,
        respond_hours=FIRST_RESPOND_HOURS[area],
        restore_hours=FIRST_RESTORE_HOURS[area],
        patience_minutes=FIRST_PATIENCE_MINUTES,
        filing_limit_hours=FIRST_FILING_LIMIT_HOURS,
    )


@transaction.atomic
def set_cause(*, code: str, name: str, fault_class: str, active: bool, by: Actor, at: datetime) -> FaultCause:
    """Add a cause or change its words; orders closed with it keep it."""
    by.require(Permission.IMPORT_REGISTER)
    if not name.strip() or slugify(code).replace("-", "_") != code:
        raise Refused("代码用小写英文字母、数字和下划线，原因名称不能为空")
    if fault_class and fault_class not in set(FaultClass):
        raise Refused("类别只有服务器、线路、终端站点设备三种")
    ensure_dictionaries()
    values = {"name": name.strip()[:40], "fault_class": fault_class, "active": active}
    row, _ = FaultCause.objects.update_or_create(code=code, defaults=values)
    write_audit(by=by, action="修改故障原因", subject=code, at=at, detail=f"{name} {'在用' if active else '停用'}")
    return row


@transaction.atomic
def set_term(*, term: ServiceTerm, by: Actor, at: datetime, **values: int) -> ServiceTerm:
    """Change one service term; orders already dispatched keep their dates."""
    by.require(Permission.IMPORT_REGISTER)
    if values["restore_hours"] < values["respond_hours"] or min(values.values()) < 1:
        raise Refused("时限须为正数，修复时限不短于响应时限")
    for name, value in values.items():
        setattr(term, name, value)
    term.save(update_fields=list(values))
    write_audit(by=by, action="修改服务时限", subject=str(term), at=at, detail="，".join(f"{k}={v}" for k, v in values.items()))
    return term
