"""A unit hands in its plan (SUP07)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor
from yuanjiao.supervision.commands.problems import at_work
from yuanjiao.supervision.models import UnitPlan


@transaction.atomic
def submit_plan(*, plan: UnitPlan, title: str, words: str, by: Actor, at: datetime) -> UnitPlan:
    """Hand in, or write anew, the plan of one's own unit; the first day it came counts as its day."""
    at_work(plan.campaign)
    if plan.unit_id not in {grant.unit_id for grant in by.grants}:
        raise NotFound("没有这份方案，或不是您单位的")
    if not title.strip() or not words.strip():
        raise Refused("请写明方案名称和内容")
    plan.title, plan.words = title.strip()[:80], words.strip()[:4000]
    plan.submitted_at, plan.submitted_by = plan.submitted_at or at, by.name[:50]
    plan.save(update_fields=["title", "words", "submitted_at", "submitted_by"])
    write_audit(by=by, action="报送整顿方案", subject=f"{plan.campaign.title} {plan.unit}"[:120], at=at, detail=plan.title)
    return plan
