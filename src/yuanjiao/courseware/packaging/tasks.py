"""The task the worker process takes from the queue; the worker's border, where the clock is read."""

from __future__ import annotations

from uuid import UUID

from django_tasks import task

from yuanjiao.courseware.packaging.work import package_item
from yuanjiao.lib import clock


@task(queue_name="packaging")
def package_courseware(uid: str) -> None:
    """Package what waits of one item. Safe to enqueue twice: the second finds nothing waiting."""
    package_item(UUID(uid), now=clock.now)
