"""Timed work: packaging that lost its worker goes back into the queue; uploads nobody finished are cleared."""

from __future__ import annotations

from datetime import datetime

from yuanjiao.courseware import search
from yuanjiao.courseware.commands import clear_uploads, watch_columns
from yuanjiao.courseware.packaging.tasks import package_courseware
from yuanjiao.courseware.packaging.work import requeue_stuck


def requeue_packaging(at: datetime) -> int:
    """Returns how many items went back into the queue."""
    items = requeue_stuck(at=at)
    for uid in items:
        package_courseware.enqueue(str(uid))
    return len(items)


def clear_old_uploads(at: datetime) -> int:
    """Returns how many uploads were given up."""
    return clear_uploads(at=at)


def index_courseware(at: datetime) -> int:
    """Bring the search index up to date; returns how many items were due. A release can be found after one turn of this."""
    del at
    return search.catch_up()


def watch_promises(at: datetime) -> tuple[int, int]:
    """Tell owners of columns that do not keep what they promise (DLV04); returns how many alarms opened and closed."""
    return watch_columns(at=at)
