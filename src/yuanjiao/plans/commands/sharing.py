"""Writes of lent facilities, cost shares and practice notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.models import Site
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.plans.models import CostShare, LentFacility, PracticeNote


@transaction.atomic
def lend_facility(
    *, name: str, owner: str, division: Division, permitted_use: str, lent_on: date, ends_on: date, document: str, by: Actor, at: datetime
) -> LentFacility:
    """Register a facility lent by another department."""
    by.require(Permission.PLAN_BUILDING, division.path)
    if not (name.strip() and owner.strip() and permitted_use.strip()):
        raise Refused("须写明设施、产权单位和许可用途")
    if ends_on < lent_on:
        raise Refused("到期日期早于借用日期")
    row = LentFacility.objects.create(
        name=name.strip(), owner=owner.strip(), division=division, permitted_use=permitted_use.strip(),
        lent_on=lent_on, ends_on=ends_on, document=document.strip(),
    )  # fmt: skip
    write_audit(by=by, action="登记借用设施", subject=row.name, at=at, detail=f"{owner}，至 {ends_on}")
    return row


@transaction.atomic
def return_facility(*, facility: LentFacility, on: date, by: Actor, at: datetime) -> None:
    """It has gone back to its owner."""
    by.require(Permission.PLAN_BUILDING, facility.division.path)
    if facility.returned_on is not None:
        raise Conflict("已经登记归还")
    if on < facility.lent_on:
        raise Refused("归还日期早于借用日期")
    facility.returned_on = on
    facility.save(update_fields=["returned_on"])
    write_audit(by=by, action="归还借用设施", subject=facility.name, at=at, detail=f"{on}")


@transaction.atomic
def set_cost_shares(*, site: Site, shares: Sequence[tuple[str, int]], by: Actor, at: datetime) -> None:
    """Say with which weights the programmes of a site bear its costs; replaces what was said before."""
    by.require(Permission.PLAN_BUILDING, site.division.path)
    names = [name.strip() for name, _ in shares]
    if not shares or not all(names) or len(set(names)) < len(names):
        raise Refused("每个项目写一次，名称不能为空")
    if any(weight < 1 for _, weight in shares):
        raise Refused("份数至少为 1")
    CostShare.objects.filter(site=site).delete()
    CostShare.objects.bulk_create([CostShare(site=site, programme=name.strip(), weight=weight) for name, weight in shares])
    said = "，".join(f"{name.strip()} {weight}" for name, weight in shares)
    write_audit(by=by, action="设定费用分摊", subject=f"站点 {site.code}", at=at, detail=said)


@transaction.atomic
def write_practice_note(*, division: Division, title: str, words: str, by: Actor, at: datetime) -> PracticeNote:
    """Write down how a division does it well; the newest note is the one that is linked."""
    by.require(Permission.PLAN_BUILDING, division.path)
    if not title.strip() or not words.strip():
        raise Refused("标题和做法都不能为空")
    note = PracticeNote.objects.create(division=division, title=title.strip(), words=words.strip(), written_at=at)
    write_audit(by=by, action="登记经验做法", subject=division.name, at=at, detail=note.title)
    return note
