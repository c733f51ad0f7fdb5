"""What must be seen to from time to time: the database's statistics, rows of the queue whose worker was killed."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from yuanjiao.courseware.packaging.tasks import package_courseware
from yuanjiao.courseware.packaging.work import items_at_work
from yuanjiao.lib.weigh import weigh_unweighed


def weigh_indexes(at: datetime) -> None:
    """Let the database count how selective its indexes are, where it does not see to that by itself."""
    weigh_unweighed()


# -- rows of the queue -------------------------------------------------------------------------------------------------------

BETWEEN_BATCHES = timedelta(minutes=10)
"""A packaging task holds no lease between two batches, and never for so long."""
LONGEST = timedelta(hours=24)
"""No other task of the queue takes so long; it keeps no lease by which a dead worker could be told."""
KEPT = timedelta(days=14)
"""How long the queue remembers what is over."""


def settle_tasks(at: datetime) -> int:
    """Say of tasks whose worker was killed that they failed, and forget those that have been over for long; returns how many failed.

    The row alone is put right. The work itself comes back by its own rules: packaging by its leases, imports when asked again.
    """
    running = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING, started_at__lt=at - BETWEEN_BATCHES)
    packaging = running.filter(task_path=package_courseware.module_path)
    busy = items_at_work(at=at)
    dead = [pk for pk, said in packaging.values_list("pk", "args_kwargs") if UUID(said["args"][0]) not in busy]
    dead += running.filter(started_at__lt=at - LONGEST).exclude(task_path=package_courseware.module_path).values_list("pk", flat=True)
    over = {"status": TaskResultStatus.FAILED, "finished_at": at, "exception_class_path": "builtins.SystemExit"}
    settled = running.filter(pk__in=dead).update(**over, traceback="the worker ended before the task did")
    DBTaskResult.objects.filter(status__in=[TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED], finished_at__lt=at - KEPT).delete()
    return settled
