"""Timed work: packaging that lost its worker goes back into the queue; uploads nobody finished are cleared."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django_tasks import task

from yuanjiao.courseware import search
from yuanjiao.courseware.commands import (
    apply_bulk_import,
    check_bulk_import,
    clear_uploads,
    expire_courseware,
    free_bulk_imports,
    keep_released_playlists,
    tell_misses,
    watch_columns,
)
from yuanjiao.courseware.models import BulkImport
from yuanjiao.courseware.packaging import tasks, work
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.queries import actor_of_person
from yuanjiao.people.rules import SYSTEM


def requeue_packaging(at: datetime) -> int:
    """Give back what dead workers held, and queue every waiting item that no worker will come for. Returns how many."""
    work.free_abandoned(at=at)
    coming = tasks.queued() | work.items_at_work(at=at)
    lost = {uid: urgent for uid, urgent in work.waiting_items().items() if uid not in coming}
    for uid, urgent in lost.items():
        tasks.enqueue(uid, urgent=urgent)
    return len(lost)


def clear_old_uploads(at: datetime) -> int:
    """Returns how many uploads were given up."""
    return clear_uploads(at=at)


def tell_search_misses(at: datetime) -> int:
    """Returns how many words were told upwards."""
    return tell_misses(at=at)


def keep_playlists(at: datetime) -> int:
    """Put the playlists of items that were released before they travelled in files into such files; returns how many items."""
    del at
    return keep_released_playlists()


def index_courseware(at: datetime) -> int:
    """Bring the search index up to date; returns how many items were due. A release can be found after one turn of this."""
    del at
    return search.catch_up()


def watch_promises(at: datetime) -> tuple[int, int]:
    """Tell owners of columns that do not keep what they promise (DLV04); returns how many alarms opened and closed."""
    return watch_columns(at=at)


def expire_rights(at: datetime) -> int:
    """End the delivery of items whose rights are over, on every machine for itself (CW08); returns how many."""
    return expire_courseware(on=clock.local_day(clock.civil(at)), by=SYSTEM, at=at)


def free_imports(at: datetime) -> int:
    """Tell of bulk imports that lost their worker; returns how many."""
    return free_bulk_imports(at=at)


# -- bulk imports -----------------------------------------------------------------------------------------------------------


@task(queue_name="default")
def check_bulk(uid: str) -> None:
    """Check one bulk import, as the person who brought it."""
    bulk, at = BulkImport.objects.get(uid=UUID(uid)), clock.now()
    check_bulk_import(bulk=bulk, by=actor_of_person(bulk.actor_uid, on=clock.local_day(at)), at=at)


@task(queue_name="default")
def import_bulk(uid: str, good_rows_only: bool) -> None:
    """Make the items of one bulk import; a refusal stays on the import for the person to read."""
    bulk, at = BulkImport.objects.get(uid=UUID(uid)), clock.now()
    with suppress(Refused, Conflict):
        apply_bulk_import(bulk=bulk, good_rows_only=good_rows_only, by=actor_of_person(bulk.actor_uid, on=clock.local_day(at)), at=at)
