"""The database learns how selective its indexes are; the queue forgets workers that were killed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from yuanjiao.courseware.jobs import check_bulk
from yuanjiao.courseware.models import Courseware, CoursewareClass, CoursewareSource, JobState, RenditionJob
from yuanjiao.courseware.packaging.tasks import enqueue
from yuanjiao.lib.weigh import GUESS, weigh_all
from yuanjiao.network.models import ManagedObject
from yuanjiao.places.models import OrgUnit
from yuanjiao.simulation.cast import Cast
from yuanjiao.wiring.upkeep import BETWEEN_BATCHES, KEPT, LONGEST, settle_tasks, weigh_indexes

S = TaskResultStatus


def test_indexes_are_weighed_by_what_they_hold(cast: Cast, at: datetime) -> None:
    weigh_indexes(at)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'network_managedobject' AND idx = 'object_population'")
            kinds = cursor.fetchone()[0].split()
            assert int(kinds[0]) == ManagedObject.objects.count()
            assert int(kinds[1]) < int(kinds[0]), "rows per kind of object"


def test_a_table_that_is_empty_is_told_to_be_small(cast: Cast, at: datetime) -> None:
    weigh_indexes(at)
    weigh_indexes(at)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'network_instability'")
            assert cursor.fetchall() == [(str(GUESS),)]


def test_what_came_by_the_thousand_is_looked_at_at_once(cast: Cast, at: datetime) -> None:
    weigh_all()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'network_managedobject'")
            assert cursor.fetchone()[0] == ManagedObject.objects.count()
            cursor.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'network_managedobject' AND attname = 'lifecycle'")
            assert cursor.fetchone()[0] == 1


@pytest.fixture
def item(cast: Cast, at: datetime) -> Courseware:
    unit: OrgUnit = cast.units["ZZ-9901"]
    sort = {"item_class": CoursewareClass.SERVICE, "source": CoursewareSource.OWN}
    return Courseware.objects.create(title="夜里打包", unit=unit, created_at=at, **sort)


def test_a_task_whose_worker_was_killed_is_said_to_have_failed_and_a_living_one_is_left_alone(item: Courseware, at: datetime) -> None:
    enqueue(item.uid)
    check_bulk.enqueue(str(item.uid))
    DBTaskResult.objects.update(status=S.RUNNING, started_at=at)
    RenditionJob.objects.create(
        courseware=item, profile="box-sd", state=JobState.RUNNING, queued_at=at, lease=item.uid, lease_until=at + 2 * BETWEEN_BATCHES
    )
    soon = at + BETWEEN_BATCHES + timedelta(seconds=1)
    assert settle_tasks(soon) == 0, "somebody holds its lease"
    RenditionJob.objects.update(lease_until=at)
    assert settle_tasks(at + timedelta(seconds=30)) == 0, "it may be between two batches"
    assert settle_tasks(soon) == 1
    assert settle_tasks(soon) == 0
    assert settle_tasks(at + LONGEST + timedelta(seconds=1)) == 1, "other tasks hold no lease"
    assert set(DBTaskResult.objects.values_list("status", flat=True)) == {S.FAILED}


def test_what_is_over_for_long_is_forgotten_and_what_waits_is_not(item: Courseware, at: datetime) -> None:
    for _time in range(3):
        enqueue(item.uid)
    first, second, third = DBTaskResult.objects.order_by("enqueued_at")
    DBTaskResult.objects.filter(pk=first.pk).update(status=S.SUCCESSFUL, finished_at=at)
    DBTaskResult.objects.filter(pk=second.pk).update(status=S.FAILED, finished_at=at + timedelta(days=1))
    settle_tasks(at + KEPT + timedelta(hours=1))
    assert set(DBTaskResult.objects.values_list("pk", flat=True)) == {second.pk, third.pk}
