"""The work of the packaging queue: take what is waiting of one item, encode, prove, keep. Killed at any point, it goes on where it was.

Every finished rendition is kept at once; a batch whose worker died is waiting again after `requeue_stuck`. Two workers may
come for the same item: each batch is taken by a conditional update that only one can win.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from yuanjiao.courseware import steps
from yuanjiao.courseware.models import Courseware, JobState, Rendition, RenditionJob
from yuanjiao.courseware.packaging import pages
from yuanjiao.courseware.packaging.encode import EncodingFailed, Original, batches, encode
from yuanjiao.courseware.packaging.probe import NotUsable, probe
from yuanjiao.courseware.packaging.prove import NotProved, Proof, prove
from yuanjiao.courseware.rules.kinds import PAGES
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.rules.profiles import BY_NAME, Profile, encoding_key
from yuanjiao.flow.blobs import store
from yuanjiao.people.rules import SYSTEM

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
BEAT_EVERY_S = 2.0
STUCK_AFTER_S = 180.0
TRIES = 3
MEASURED = (
    "kind", "key", "blob", "size_bytes", "media_type", "codecs", "width", "height",
    "frame_rate", "bitrate", "peak_bitrate", "duration_s", "playlist",
)  # fmt: skip


@dataclass
class Batch:
    """The jobs of one run of ffmpeg, taken by this worker."""

    courseware: Courseware
    jobs: list[RenditionJob]
    now: Clock
    beaten_at: datetime | None = None
    percent: int = 0

    def beat(self, percent: int | None = None) -> None:
        """Say that the work lives, at most every other second."""
        at = self.now()
        self.percent = self.percent if percent is None else percent
        if self.beaten_at is None or (at - self.beaten_at).total_seconds() >= BEAT_EVERY_S:
            self.beaten_at = at
            self.rows.filter(state=JobState.RUNNING).update(beat_at=at, percent=self.percent)

    def fail(self, reason: str) -> None:
        at = self.now()
        self.rows.filter(state=JobState.RUNNING).update(state=JobState.FAILED, reason=reason[:300], finished_at=at, beat_at=at)

    @property
    def rows(self) -> QuerySet[RenditionJob]:
        return RenditionJob.objects.filter(pk__in=[job.pk for job in self.jobs])


def original_path(uid: UUID) -> Path:
    """Where the original of an item lies; it is never sent anywhere and never deleted by packaging."""
    return Path(settings.MEDIA_ROOT) / "originals" / str(uid)


def package_item(uid: UUID, *, now: Clock) -> None:
    """Make everything of this item that waits, then send it to review if all is there."""
    courseware = Courseware.objects.filter(uid=uid).first()
    if courseware is None:
        return
    waiting = list(courseware.jobs.filter(state=JobState.WAITING))
    for job in [job for job in waiting if job.profile == PAGES]:
        pages.make(courseware, job, original_path(uid), now=now)
    for group in batches([BY_NAME[job.profile] for job in waiting if job.profile in BY_NAME]):
        batch = _take(courseware, [profile.name for profile in group], now)
        if batch is not None:
            _make(batch)
    finish(uid, at=now())


def finish(uid: UUID, *, at: datetime) -> None:
    """Send the item to review when every job is done; once, however many workers ask."""
    with transaction.atomic():
        courseware = Courseware.objects.select_for_update().filter(uid=uid, state=State.PACKAGING).first()
        if courseware is None or courseware.jobs.exclude(state=JobState.DONE).exists() or not courseware.jobs.exists():
            return
        steps.submit(courseware, by=SYSTEM, at=at, reason="全部规格打包完成并通过检验，自动送审")


def _take(courseware: Courseware, profiles: Sequence[str], now: Clock) -> Batch | None:
    at = now()
    taken = []
    for job in courseware.jobs.filter(profile__in=profiles, state=JobState.WAITING):
        won = RenditionJob.objects.filter(pk=job.pk, state=JobState.WAITING).update(
            state=JobState.RUNNING, started_at=at, beat_at=at, percent=0, reason="", attempts=job.attempts + 1
        )
        taken += [job] if won else []
    return Batch(courseware, taken, now) if taken else None


def _make(batch: Batch) -> None:
    profiles = [BY_NAME[job.profile] for job in batch.jobs]
    try:
        _remember_digest(batch)
        missing = [profile for profile in profiles if not _reuse(batch, profile)]
        if missing:
            _encode_and_keep(batch, missing)
    except NotUsable as error:
        batch.fail(error.message)
    except EncodingFailed as error:
        log.warning("packaging %s: %s", batch.courseware.uid, error)
        batch.fail(f"转码失败：{error}")
    finally:
        # still running here means that another error is on its way up (a stop, a full disk): the jobs wait for the next try
        batch.rows.filter(state=JobState.RUNNING).update(state=JobState.WAITING)


def _remember_digest(batch: Batch) -> None:
    courseware = batch.courseware
    if courseware.original_sha256:
        return
    digest = hashlib.sha256()
    with open(original_path(courseware.uid), "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
            batch.beat()
    courseware.original_sha256 = digest.hexdigest()
    courseware.save(update_fields=["original_sha256"])


def _reuse(batch: Batch, profile: Profile) -> bool:
    """Take the rendition of the same input and profile if some item already has it and its blob is here."""
    key = encoding_key(batch.courseware.original_sha256, profile)
    known = Rendition.objects.filter(key=key).first()
    if known is None or not store.has(known.blob):
        return False
    fields = {
        f.name: getattr(known, f.name) for f in Rendition._meta.concrete_fields if f.name not in {"id", "uid", "courseware", "profile"}
    }
    _keep(batch, profile, fields)
    return True


def _encode_and_keep(batch: Batch, profiles: Sequence[Profile]) -> None:
    found = probe(original_path(batch.courseware.uid))
    original = Original(
        original_path(batch.courseware.uid), found.width, found.height, found.frame_rate, found.duration_s, found.audio_duration_s
    )
    work = Path(settings.MEDIA_ROOT) / "packaging"
    work.mkdir(parents=True, exist_ok=True)
    # as large again as the original is a safe upper bound: every profile has a ceiling far below what cameras write
    store.make_room(original.path.stat().st_size)
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name)
        encode(original, profiles, folder, progress=batch.beat)
        for profile in profiles:
            try:
                proof = prove(original, profile, folder, beat=batch.beat)
            except NotProved as error:
                _fail_one(batch, profile, str(error))
            else:
                _keep(batch, profile, _fields(batch, profile, proof, folder))


def _fail_one(batch: Batch, profile: Profile, reason: str) -> None:
    batch.courseware.jobs.filter(profile=profile.name).update(state=JobState.FAILED, reason=reason[:300], finished_at=batch.now())


def _fields(batch: Batch, profile: Profile, proof: Proof, folder: Path) -> dict[str, object]:
    blob = store.put(folder / f"{profile.name}{profile.suffix}")
    return {
        "kind": profile.kind,
        "key": encoding_key(batch.courseware.original_sha256, profile),
        "blob": blob.sha256,
        "size_bytes": blob.size,
        "media_type": profile.media_type,
        "codecs": proof.codecs,
        "width": proof.width,
        "height": proof.height,
        "frame_rate": proof.frame_rate,
        "bitrate": proof.bitrate,
        "peak_bitrate": proof.peak_bitrate,
        "duration_s": proof.duration_s,
        "playlist": proof.playlist,
    }


@transaction.atomic
def _keep(batch: Batch, profile: Profile, fields: dict[str, object]) -> None:
    at = batch.now()
    Rendition.objects.update_or_create(courseware=batch.courseware, profile=profile.name, defaults=fields)
    batch.courseware.jobs.filter(profile=profile.name).update(state=JobState.DONE, percent=100, beat_at=at, finished_at=at, reason="")


def requeue_stuck(*, at: datetime) -> list[UUID]:
    """Give back jobs whose worker went silent; those that died again and again fail by name. Returns the items to package again."""
    limit = at - timedelta(seconds=STUCK_AFTER_S)
    silent = RenditionJob.objects.filter(state=JobState.RUNNING, beat_at__lt=limit)
    silent.filter(attempts__gte=TRIES).update(
        state=JobState.FAILED, reason=f"打包进程连续 {TRIES} 次中断，请检查原文件或服务器内存", finished_at=at
    )
    items = {job.courseware.uid for job in silent.filter(attempts__lt=TRIES).select_related("courseware")}
    silent.filter(attempts__lt=TRIES).update(state=JobState.WAITING, percent=0)
    if not RenditionJob.objects.filter(state=JobState.RUNNING).exists():
        # nobody works, yet something has waited for long: its place in the queue was lost with a worker
        lost = RenditionJob.objects.filter(state=JobState.WAITING, queued_at__lt=limit)
        items |= {job.courseware.uid for job in lost.select_related("courseware")}
        lost.update(queued_at=at)
    return sorted(items)
