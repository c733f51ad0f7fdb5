"""Writes of trainings: when site managers of a place were trained."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from yuanjiao.faults.models import Training
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division


@transaction.atomic
def record_training(*, division: Division, on: date, topic: str, by: Actor, at: datetime) -> Training:
    """Write down a training that was held; a training to come changes nothing yet and is refused."""
    by.require(Permission.PLAN_LEARNING, division.path)
    if on > local_day(at):
        raise Refused("培训举办以后再登记")
    if not topic.strip():
        raise Refused("请填写培训内容")
    row, fresh = Training.objects.get_or_create(division=division, on=on, defaults={"topic": topic.strip()[:100]})
    if not fresh:
        raise Conflict("这一天的培训已经登记")
    write_audit(by=by, action="登记培训", subject=str(row), at=at, detail=row.topic)
    return row


@transaction.atomic
def withdraw_training(*, training: Training, by: Actor, at: datetime) -> None:
    """Take back what was written down by mistake; the audit trail keeps it."""
    by.require(Permission.PLAN_LEARNING, training.division.path)
    write_audit(by=by, action="撤销培训登记", subject=str(training), at=at, detail=training.topic)
    training.delete()
