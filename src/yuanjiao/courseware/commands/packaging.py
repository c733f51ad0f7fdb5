"""The queue of packaging, as people may touch it: what must be seen tonight goes before what may wait."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from yuanjiao.courseware.models import Courseware, JobState
from yuanjiao.courseware.packaging.tasks import enqueue
from yuanjiao.lib.errors import Conflict
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission


@transaction.atomic
def hurry_packaging(*, courseware: Courseware, by: Actor, at: datetime) -> None:
    """Package an item before all that are not urgent. Conflict when nothing of it waits, or it is urgent already."""
    by.require(Permission.REVIEW_COURSEWARE, courseware.unit.division.path)
    # conditional update: two who press at once queue it once
    if not courseware.jobs.filter(state=JobState.WAITING, urgent=False).update(urgent=True):
        raise Conflict("这件课件没有在排队的打包任务，或已经加急")
    enqueue(courseware.uid, urgent=True)
    write_audit(by=by, action="打包加急", subject=f"课件 {courseware.title}", at=at)
