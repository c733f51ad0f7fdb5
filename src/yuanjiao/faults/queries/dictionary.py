"""Reads of the two small tables a city keeps itself: causes and service terms."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Min, Q, QuerySet

from yuanjiao.faults.models import FaultCause, ServiceTerm
from yuanjiao.faults.rules import FIRST_PATIENCE_MINUTES, FaultClass, area_of
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors


def causes_for(fault_class: str = "") -> QuerySet[FaultCause]:
    """Causes in use; with a class, those that fit it or any class."""
    rows = FaultCause.objects.filter(active=True)
    return rows.filter(Q(fault_class=fault_class) | Q(fault_class="")) if fault_class else rows


def cause_by_code(code: str) -> FaultCause:
    row = FaultCause.objects.filter(code=code, active=True).first()
    if row is None:
        raise NotFound("没有这个故障原因")
    return row


def terms() -> QuerySet[ServiceTerm]:
    """Every service term, class by class."""
    return ServiceTerm.objects.order_by("fault_class", "area")


def term_for(fault_class: str, division: Division) -> ServiceTerm:
    """The term of a class where the division lies: town or village by the nearest class code upwards."""
    area = area_of(row.urban_rural for row in reversed(ancestors(division)))
    row = ServiceTerm.objects.filter(fault_class=FaultClass(fault_class), area=area).first()
    if row is None:
        raise Refused("服务时限表缺少这一类别，请市级管理员在“故障设置”补上")
    return row


def shortest_patience() -> timedelta:
    """No outage gets an order by itself before it has lasted so long, wherever it is."""
    found = ServiceTerm.objects.aggregate(least=Min("patience_minutes"))["least"]
    return timedelta(minutes=FIRST_PATIENCE_MINUTES if found is None else found)


def term_by_pk(pk: int) -> ServiceTerm:
    row = ServiceTerm.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound("没有这一条服务时限")
    return row
