"""A unit hands in its plan (SUP07)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor
from yuanjiao.supervision.commands.problems import at_work
from yuanjiao.supervision.models import UnitPlan


@transaction.atomic
def submit_plan(*, plan: UnitPlan, title: str, words: str, seen: str = "", by: Actor, at: datetime) -> UnitPlan:
    """Hand in, or write anew, the plan of one's own unit; the first day it came counts as its day.

    `seen`: `UnitPlan.mark` of the text the writer began from, empty for none. Conflict when a colleague has written another one since.
    """
    at_work(plan.campaign)
    if plan.unit_id not in {grant.unit_id for grant in by.grants}:
        raise NotFound("没有这份方案，或不是您单位的")
    if not title.strip() or not words.strip():
        raise Refused("请写明方案名称和内容")
    before = UnitPlan.objects.get(pk=plan.pk)
    if before.mark != seen:
        raise Conflict("您打开以后，本单位的人又改过这份方案。下面是您写的，上面是现在的：核对合并以后再报送")
    plan.title, plan.words = title.strip()[:80], words.strip()[:4000]
    plan.submitted_at, plan.submitted_by = before.submitted_at or at, by.name[:50]
    held = UnitPlan.objects.filter(pk=plan.pk, title=before.title, words=before.words, submitted_at=before.submitted_at)
    told = {name: getattr(plan, name) for name in ("title", "words", "submitted_at", "submitted_by")}
    if not held.update(**told):
        raise Conflict("本单位的人刚刚改过这份方案，请再看一遍")
    write_audit(by=by, action="报送整顿方案", subject=f"{plan.campaign.title} {plan.unit}"[:120], at=at, detail=plan.title)
    return plan
