"""Reads of play tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from yuanjiao.network.models import ManagedObject, PlayTest


@dataclass(frozen=True)
class Play:
    """One play test as other rooms see it; `step` names what failed, empty when it went well."""

    uid: UUID
    at: datetime
    ok: bool
    step: str
    item: str


def play_tests(site: ManagedObject) -> QuerySet[PlayTest]:
    """The site's tests, newest first."""
    return PlayTest.objects.filter(site_id=site.pk).order_by("-at")


def _play(row: PlayTest | None) -> Play | None:
    return None if row is None else Play(uid=row.uid, at=row.at, ok=row.ok, step=row.step, item=row.item)


def last_play_test(site: ManagedObject) -> Play | None:
    """The newest test of the site, or None."""
    return _play(play_tests(site).first())


def passed_play_test_after(site: ManagedObject, at: datetime) -> Play | None:
    """The first test that went well at or after `at`: what verifies a repair. None when there is none."""
    return _play(PlayTest.objects.filter(site_id=site.pk, ok=True, at__gte=at).order_by("at").first())
