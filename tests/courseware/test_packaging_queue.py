"""The queue: a lease decides who makes what, lost leases write nothing, urgent items come first, and people see how long it takes."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django_tasks_db.models import DBTaskResult

from yuanjiao.courseware import commands
from yuanjiao.courseware.jobs import requeue_packaging
from yuanjiao.courseware.models import Courseware, CoursewareClass, CoursewareSource, JobState, RenditionJob
from yuanjiao.courseware.packaging import expected, leases, tasks, work
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.errors import Conflict, Forbidden
from yuanjiao.simulation.cast import Cast

Queued = Callable[..., Courseware]


@pytest.fixture
def queued(cast: Cast, films: dict[str, Path], tmp_path: Path, draft: Courseware, at: datetime) -> Queued:
    """Put a film of a new item into the queue."""

    def put(title: str = "果树冬季修剪技术", film: str = "short.mp4") -> Courseware:
        item = commands.create_courseware(
            title=title, item_class=CoursewareClass.SERVICE, source=CoursewareSource.OWN, by=cast.actor("zhizuo"), at=at
        )
        copy = Path(shutil.copy(films[film], tmp_path / str(item.uid)))
        commands.take_original(courseware=item, path=copy, filename=film, by=cast.actor("zhizuo"), at=at)
        return item

    return put


def states(item: Courseware) -> set[str]:
    return set(item.jobs.values_list("state", flat=True))


@pytest.mark.django_db(transaction=True)
def test_the_worker_of_the_queue_makes_everything_and_the_item_goes_to_review(queued: Queued) -> None:
    item = queued()
    call_command("db_worker", queue_name="packaging", batch=True, interval=0, startup_delay=False, verbosity=0, reload=False)
    item.refresh_from_db()
    assert item.state == State.IN_REVIEW, list(item.jobs.values_list("profile", "state", "reason"))
    assert states(item) == {JobState.DONE}
    assert not list(work.scratch_path().iterdir()), "nothing is left lying"


def test_while_one_makes_the_sound_nobody_else_gets_anything_of_the_item(queued: Queued, at: datetime) -> None:
    item = queued()
    first = leases.take(item, lambda: at)
    assert first
    assert {profile.kind for profile in first.profiles} == {"audio"}
    assert leases.take(item, lambda: at) is None


def test_an_abandoned_batch_is_taken_over_and_the_old_worker_writes_nothing_more(queued: Queued, at: datetime) -> None:
    item = queued()
    old = leases.take(item, lambda: at)
    assert old
    later = at + timedelta(seconds=leases.LEASE_S + 1)
    new = leases.take(item, lambda: later)
    assert new
    assert [one.name for one in new.profiles] == [one.name for one in old.profiles]
    with pytest.raises(leases.LeaseLost):
        old.renew()
    with pytest.raises(leases.LeaseLost):
        old.done(old.profiles[0])
    old.fail("来得太晚")
    old.give_back()
    assert set(item.jobs.filter(profile__in=[p.name for p in new.profiles]).values_list("state", "reason")) == {(JobState.RUNNING, "")}


def test_a_beat_keeps_the_lease(queued: Queued, at: datetime) -> None:
    item, moment = queued(), [at]
    batch = leases.take(item, lambda: moment[0])
    assert batch
    for _minute in range(5):
        moment[0] += timedelta(seconds=60)
        batch.beat(10)
        work.free_abandoned(at=moment[0])
    assert leases.take(item, lambda: moment[0]) is None
    assert set(item.jobs.filter(lease=batch.lease).values_list("percent", flat=True)) == {10}


def test_a_worker_that_was_only_slow_throws_its_work_away(queued: Queued, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    item = queued()
    moments = iter([at] * 3 + [at + timedelta(hours=n) for n in range(1, 400)])
    slow = leases.take(item, lambda: at)
    assert slow
    slow.now = lambda: next(moments)
    later = at + timedelta(seconds=leases.LEASE_S + 1)
    assert leases.take(item, lambda: later)
    work._make(slow)
    assert not item.renditions.exists()
    assert not list(work.scratch_path().iterdir())


def test_a_dead_worker_is_found_the_finished_forms_stay_and_its_folder_goes(queued: Queued, at: datetime) -> None:
    item = queued()
    work.package_item(item.uid, now=lambda: at)
    kept = item.renditions.get(profile="audio")
    Courseware.objects.filter(pk=item.pk).update(state=State.PACKAGING)
    item.renditions.filter(profile="box-sd").delete()
    item.jobs.filter(profile="box-sd").update(state=JobState.WAITING)
    dead = leases.take(item, lambda: at)
    assert dead
    (work.scratch_path() / str(dead.lease)).mkdir()
    DBTaskResult.objects.all().delete()
    assert requeue_packaging(at + timedelta(seconds=60)) == 0, "the lease still runs"
    assert (work.scratch_path() / str(dead.lease)).exists()
    later = at + timedelta(seconds=leases.LEASE_S + 1)
    assert requeue_packaging(later) == 1
    assert not (work.scratch_path() / str(dead.lease)).exists()
    assert requeue_packaging(later) == 0, "it stands in the queue already"
    work.package_item(item.uid, now=lambda: later)
    item.refresh_from_db()
    assert item.state == State.IN_REVIEW
    assert item.renditions.get(profile="audio").pk == kept.pk
    assert item.renditions.get(profile="box-sd").duration_s > 1


def test_work_whose_worker_dies_every_time_fails_by_name(draft: Courseware, at: datetime) -> None:
    RenditionJob.objects.create(
        courseware=draft, profile="box-sd", state=JobState.RUNNING, attempts=leases.TRIES, queued_at=at, lease=draft.uid, lease_until=at
    )
    assert requeue_packaging(at + timedelta(hours=1)) == 0
    job = draft.jobs.get()
    assert job.state == JobState.FAILED
    assert "连续 3 次中断" in job.reason


def test_an_urgent_item_is_taken_before_those_that_came_earlier(queued: Queued, cast: Cast, at: datetime) -> None:
    items = [queued(f"第 {number} 讲") for number in range(3)]
    with pytest.raises(Forbidden):
        commands.hurry_packaging(courseware=items[2], by=cast.actor("zhizuo"), at=at)
    commands.hurry_packaging(courseware=items[2], by=cast.actor("shenhe"), at=at)
    with pytest.raises(Conflict):
        commands.hurry_packaging(courseware=items[2], by=cast.actor("shenhe"), at=at)
    row = DBTaskResult.objects.ready().get_locked()
    assert row is not None
    assert row.args_kwargs["args"] == [str(items[2].uid)]


def test_an_ordinary_item_steps_back_between_its_batches_when_an_urgent_one_waits(queued: Queued, at: datetime) -> None:
    ordinary, urgent = queued("一般的"), queued("加急的", "plain.mp4")
    urgent.jobs.update(urgent=True)
    assert work.package_item(ordinary.uid, now=lambda: at), "it asks to be queued again"
    assert set(ordinary.jobs.values_list("profile", "state")) >= {("audio", JobState.DONE), ("box-sd", JobState.WAITING)}
    assert not work.package_item(urgent.uid, now=lambda: at)
    assert not work.package_item(ordinary.uid, now=lambda: at)
    assert states(ordinary) == states(urgent) == {JobState.DONE}


def test_the_expected_time_is_judged_by_what_the_last_items_took(queued: Queued, at: datetime) -> None:
    first = queued()
    assert expected.outlook(first, first.jobs.all(), at=at).expected_s is None, "nothing to judge by"
    moments = iter([at + timedelta(seconds=10 * n) for n in range(1000)])
    work.package_item(first.uid, now=lambda: next(moments))
    took = expected.outlook(first, first.jobs.all(), at=at)
    second = queued("同样长的")
    second.renditions.all().delete()
    told = expected.outlook(second, second.jobs.all(), at=at)
    assert told.percent == 0
    assert told.expected_s
    assert 0.5 < told.expected_s / took.gone_s < 2
    batch = leases.take(second, lambda: at)
    assert batch
    batch.held.update(percent=50)
    half = expected.outlook(second, second.jobs.all(), at=at + timedelta(seconds=20))
    assert 0 < half.percent < 50
    assert half.left_s
    assert half.left_s < told.expected_s


def test_damage_in_the_original_is_told_to_its_makers(queued: Queued, films: dict[str, Path], tmp_path: Path, at: datetime) -> None:
    item = queued("有几处坏的", "plain.mp4")
    path = work.original_path(item.uid)
    film = bytearray(path.read_bytes())
    start = film.find(b"mdat") + 4000
    for place in range(start, len(film) - 2000, 3000):
        film[place : place + 40] = bytes(40)
    path.write_bytes(film)
    work.package_item(item.uid, now=lambda: at)
    item.refresh_from_db()
    assert "损坏" in item.note or JobState.FAILED in states(item)


def test_a_machine_without_the_original_says_what_is_missing(queued: Queued, at: datetime) -> None:
    item = queued()
    work.original_path(item.uid).unlink()
    work.package_item(item.uid, now=lambda: at)
    assert "没有原文件" in item.jobs.first().reason  # type: ignore[union-attr]


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_come_at_once_only_one_gets_the_work(queued: Queued, at: datetime) -> None:
    item, won, gate = queued(), [], threading.Barrier(4)

    def take() -> Any:
        """None when asked to come again: SQLite in memory does not wait for another's lock as it does on disk."""
        try:
            return leases.take(item, lambda: at) or ()
        except OperationalError as error:
            if "locked" not in str(error):
                raise
            return None

    def come() -> None:
        try:
            gate.wait()
            while (batch := take()) is None:
                time.sleep(0.05)
            won.extend([1] if batch else [])
        finally:
            connection.close()

    workers = [threading.Thread(target=come) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(won) == 1


def test_enqueueing_tells_what_is_coming(draft: Courseware) -> None:
    tasks.enqueue(draft.uid)
    assert tasks.queued() == {draft.uid}
