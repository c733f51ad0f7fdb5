"""Checking and applying run in the background, through the queue in the database; the page only watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django_tasks import task

from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.people.queries import actor_of_person
from yuanjiao.register.commands import apply_import, check_import, forget_files
from yuanjiao.register.models import Import, ImportState

BROKEN = "后台处理中断，没有写入任何内容；请重新上传。仍不行请把时间告诉系统管理员"


@task(queue_name="default")
def check_in_background(uid: str) -> None:
    """Check one import, as the person who brought it."""
    run_check(UUID(uid))


@task(queue_name="default")
def apply_in_background(uid: str) -> None:
    """Apply one import, as the person who brought it."""
    run_apply(UUID(uid))


def run_check(uid: UUID) -> None:
    _run(uid, lambda batch, at: check_import(batch=batch, by=actor_of_person(batch.actor_uid, on=clock.local_day(at)), at=at))


def run_apply(uid: UUID) -> None:
    _run(uid, lambda batch, at: apply_import(batch=batch, by=actor_of_person(batch.actor_uid, on=clock.local_day(at)), at=at))


def _run(uid: UUID, work: Callable[[Import, datetime], None]) -> None:
    batch, at = Import.objects.get(uid=uid), clock.now()
    with _failure_noted(batch, at):
        work(batch, at)


@contextmanager
def _failure_noted(batch: Import, at: datetime) -> Iterator[None]:
    """However the work ends, the import does not stay 'running': people would wait for ever."""
    message = BROKEN
    try:
        yield
        message = ""
    except YuanjiaoError as error:
        message = error.message
    finally:
        if message:
            running = Import.objects.filter(pk=batch.pk, state__in=[ImportState.RECEIVED, ImportState.CHECKING, ImportState.APPLYING])
            running.update(state=ImportState.FAILED, message=message[:400], finished_at=at)


def forget_old_uploads(at: datetime) -> int:
    """Delete uploads nobody finished."""
    return forget_files(at=at)
