"""The queue of packaging, as people may touch it: what must be seen tonight goes before what may wait."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from yuanjiao.courseware import steps
from yuanjiao.courseware.models import Courseware, JobState, Rendition
from yuanjiao.courseware.packaging.tasks import enqueue
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.blobs import store
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


def keep_released_playlists(*, most: int = 500) -> int:
    """Give released items whose playlists have no file one (older software released them, or it was lost); returns how many were given."""
    streams = Rendition.objects.filter(courseware=OuterRef("pk")).exclude(playlist="")
    named = Courseware.objects.filter(Exists(streams), state=State.RELEASED).order_by("pk").values_list("pk", "playlists")
    lacking = [pk for pk, name in named if not name or not store.has(name)][:most]
    rows = list(Courseware.objects.filter(pk__in=lacking).order_by("pk"))
    for row in rows:
        Courseware.objects.filter(pk=row.pk, state=State.RELEASED, playlists=row.playlists).update(**steps.playlists_file(row))
    return len(rows)
