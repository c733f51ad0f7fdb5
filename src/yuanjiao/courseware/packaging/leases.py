"""Who makes what: a batch of jobs is taken with a lease, kept by beats, and lost when the beats stop. A lost lease writes nothing.

Several workers, also on several machines, come for the same items: one conditional update decides, and every later write asks
again whether the lease still holds. A worker that was only slow therefore does no harm when somebody else has taken over.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet

from yuanjiao.courseware.models import Courseware, JobState, RenditionJob
from yuanjiao.courseware.packaging.expected import expected_s
from yuanjiao.courseware.packaging.recipe import batches
from yuanjiao.courseware.rules.profiles import BY_NAME, Profile
from yuanjiao.lib.uid import new_uid

Clock = Callable[[], datetime]
BEAT_EVERY_S = 2.0
LEASE_S = 90.0
"""Longer than the longest piece of work between two beats: a large file being moved into the store."""
TRIES = 3


class LeaseLost(Exception):
    """Somebody else has taken the work over; what was made here is thrown away."""


@dataclass
class Batch:
    """The jobs of one run of ffmpeg, held by this worker."""

    courseware: Courseware
    lease: UUID
    profiles: list[Profile]
    now: Clock
    beaten_at: datetime
    percent: int = 0

    @property
    def held(self) -> QuerySet[RenditionJob]:
        """The jobs still to be done under this lease."""
        return self.courseware.jobs.filter(lease=self.lease, state=JobState.RUNNING)

    def beat(self, percent: int | None = None) -> None:
        """Say that the work lives, at most every other second. Raises LeaseLost."""
        at = self.now()
        self.percent = self.percent if percent is None else percent
        if (at - self.beaten_at).total_seconds() >= BEAT_EVERY_S:
            self.renew()

    def renew(self) -> None:
        """Hold the lease for another while. Raises LeaseLost."""
        at = self.beaten_at = self.now()
        until = at + timedelta(seconds=LEASE_S)
        if not self.held.update(beat_at=at, lease_until=until, percent=self.percent):
            raise LeaseLost(str(self.lease))

    def done(self, profile: Profile) -> None:
        """One job is over. Raises LeaseLost; call it in the transaction that keeps what was made."""
        at = self.now()
        over = {"state": JobState.DONE, "percent": 100, "beat_at": at, "finished_at": at, "reason": ""}
        if not self.held.filter(profile=profile.name).update(**over):
            raise LeaseLost(str(self.lease))

    def fail(self, reason: str, profile: Profile | None = None) -> None:
        """One job, or all that are left, cannot be done."""
        at = self.now()
        jobs = self.held.filter(profile=profile.name) if profile else self.held
        jobs.update(state=JobState.FAILED, reason=reason[:300], finished_at=at, beat_at=at)

    def give_back(self) -> None:
        """What is not done waits for the next worker."""
        self.held.update(state=JobState.WAITING, lease=None, lease_until=None, percent=0)


def take(courseware: Courseware, now: Clock) -> Batch | None:
    """Take the next batch of an item; None when nothing is left, or when others are at it.

    Pictures wait for the sound: it is copied into them.
    """
    at = now()
    free = _free(courseware, at)
    for group in batches([BY_NAME[name] for name in free.values_list("profile", flat=True) if name in BY_NAME]):
        if group[0].kind != "audio" and _sound_is_being_made(courseware, at):
            return None
        batch = _take(courseware, group, now)
        if batch is not None:
            return batch
    return None


def _free(courseware: Courseware, at: datetime) -> QuerySet[RenditionJob]:
    abandoned = Q(state=JobState.RUNNING, lease_until__lt=at, attempts__lt=TRIES)
    return courseware.jobs.filter(Q(state=JobState.WAITING) | abandoned)


def _sound_is_being_made(courseware: Courseware, at: datetime) -> bool:
    sounds = [profile.name for profile in BY_NAME.values() if profile.kind == "audio"]
    return courseware.jobs.filter(profile__in=sounds, state=JobState.RUNNING, lease_until__gte=at).exists()


def _take(courseware: Courseware, group: Sequence[Profile], now: Clock) -> Batch | None:
    at, lease = now(), new_uid()
    # one statement decides: of two workers only one gets the batch
    taken = _free(courseware, at).filter(profile__in=[profile.name for profile in group]).update(
        state=JobState.RUNNING, lease=lease, lease_until=at + timedelta(seconds=LEASE_S), worker=_worker(), started_at=at, beat_at=at,
        finished_at=None, percent=0, reason="", attempts=F("attempts") + 1, expected_s=expected_s(courseware, group),
    )  # fmt: skip
    if not taken:
        return None
    mine = set(courseware.jobs.filter(lease=lease).values_list("profile", flat=True))
    return Batch(courseware, lease, [profile for profile in group if profile.name in mine], now, at)


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:80]
