"""Writes of community outlets and their checklist."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.models import Lifecycle, Site
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.rules import Level
from yuanjiao.plans.models import Outlet, OutletCheck, OutletMinimum, OutletPoint
from yuanjiao.plans.queries import points


@transaction.atomic
def add_point(*, words: str, by: Actor, at: datetime) -> OutletPoint:
    """Add a point to the checklist; it binds every outlet, so only who may import the register adds one."""
    by.require(Permission.IMPORT_REGISTER)
    if not words.strip():
        raise Refused("检查内容为空")
    if points().filter(words=words.strip()).exists():
        raise Conflict("标准里已有这一条")
    last = OutletPoint.objects.aggregate(last=Max("position"))["last"] or 0
    point = OutletPoint.objects.create(position=last + 1, words=words.strip())
    write_audit(by=by, action="增加创建标准", subject=point.words, at=at, detail="")
    return point


@transaction.atomic
def drop_point(*, point: OutletPoint, by: Actor, at: datetime) -> None:
    """Take a point off the checklist; what was found on it is kept."""
    by.require(Permission.IMPORT_REGISTER)
    point.active = False
    point.save(update_fields=["active"])
    write_audit(by=by, action="停用创建标准", subject=point.words, at=at, detail="")


@transaction.atomic
def open_outlet(*, site: Site, opened_on: date, document: str, by: Actor, at: datetime) -> Outlet:
    """Run an existing site as a community outlet."""
    by.require(Permission.PLAN_BUILDING, site.division.path)
    if site.lifecycle != Lifecycle.IN_SERVICE:
        raise Refused(f"{site.name} 不在用，不能设为网络教育家园")
    outlet, made = Outlet.objects.get_or_create(site=site, defaults={"opened_on": opened_on, "document": document.strip()})
    if not made:
        raise Conflict(f"{site.name} 已经是网络教育家园")
    write_audit(by=by, action="设立网络教育家园", subject=f"站点 {site.code}", at=at, detail=document)
    return outlet


@transaction.atomic
def check_outlet(*, outlet: Outlet, fulfilled: Collection[int], by: Actor, at: datetime) -> None:
    """Keep which points (by key) an outlet fulfils now; every other point of the checklist it does not."""
    by.require(Permission.PLAN_BUILDING, outlet.site.division.path)
    checklist = list(points())
    if not checklist:
        raise Refused("还没有创建标准")
    for point in checklist:
        found = {"fulfilled": point.pk in fulfilled, "checked_at": at}
        OutletCheck.objects.update_or_create(outlet=outlet, point=point, defaults=found)
    count = sum(point.pk in fulfilled for point in checklist)
    write_audit(by=by, action="检查网络教育家园", subject=f"站点 {outlet.site.code}", at=at, detail=f"{count} / {len(checklist)} 达标")


@transaction.atomic
def set_outlet_minimum(*, division: Division, count: int, document: str, by: Actor, at: datetime) -> None:
    """How many demonstration outlets a county must have: said by the city."""
    by.require(Permission.IMPORT_REGISTER, division.path)
    if division.level != Level.COUNTY:
        raise Refused("示范网点任务按县（市、区）下达")
    OutletMinimum.objects.update_or_create(division=division, defaults={"count": count, "document": document.strip()})
    write_audit(by=by, action="下达示范网点任务", subject=division.name, at=at, detail=f"{count} 个，{document}")
