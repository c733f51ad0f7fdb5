"""The task the worker process takes from the queue; the worker's border, where the clock is read."""

from __future__ import annotations

from uuid import UUID

from django_tasks import task
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from yuanjiao.courseware.packaging.work import package_item
from yuanjiao.lib import clock

ORDINARY, URGENT = 0, 50


@task(queue_name="packaging")
def package_courseware(uid: str) -> None:
    """Package what waits of one item. Safe to enqueue twice: the second finds nothing waiting."""
    if package_item(UUID(uid), now=clock.now):
        enqueue(UUID(uid))


def enqueue(uid: UUID, *, urgent: bool = False) -> None:
    """Put an item into the queue; an urgent one is taken before all that are not."""
    package_courseware.using(priority=URGENT if urgent else ORDINARY).enqueue(str(uid))


def queued() -> set[UUID]:
    """The items that some worker will come for."""
    rows = DBTaskResult.objects.filter(status=TaskResultStatus.READY, task_path=package_courseware.module_path)
    return {UUID(found["args"][0]) for found in rows.values_list("args_kwargs", flat=True)}
