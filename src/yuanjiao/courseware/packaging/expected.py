"""How long packaging takes: judged by how fast this machine's last batches went, and told in seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from yuanjiao.courseware.models import Courseware, JobState, RenditionJob
from yuanjiao.courseware.packaging.recipe import Original, batches, frame_rate, ingredients, picture_size, usual_rate
from yuanjiao.courseware.rules.profiles import BY_NAME, Profile

LATELY = 120
"""So many finished jobs are looked at: about ten items."""
SOUND, DECODING, COPYING = 0.5, 0.35, 0.02
"""Work in millions of encoded picture points: of a second of sound, of a million points decoded, of a second copied."""


def load(courseware: Courseware, group: Sequence[Profile]) -> float:
    """The work of a batch, in millions of encoded picture points."""
    original = Original(
        path=None, width=courseware.width, height=courseware.height, frame_rate=courseware.frame_rate or 25.0,  # type: ignore[arg-type]
        duration_s=courseware.duration_s, audio_duration_s=courseware.duration_s if courseware.has_audio else 0.0,
    )  # fmt: skip
    decoded = courseware.width * courseware.height * usual_rate(original.frame_rate) / 1e6 if group and group[0].kind != "audio" else 0.0
    return original.duration_s * (DECODING * decoded + sum(_a_second_of(original, profile) for profile in group))


def _a_second_of(original: Original, profile: Profile) -> float:
    if profile.kind in {"poster", "still"}:
        return 0.0
    if profile.kind == "audio":
        return SOUND
    if ingredients(original, profile)[:1] in {(), (profile.name,)}:
        width, height = picture_size(original, profile)
        return width * height * frame_rate(original, profile) / 1e6
    return COPYING


def seconds_a_load() -> float:
    """Wall seconds per million points lately; 0 while nothing was packaged yet."""
    lately = RenditionJob.objects.filter(state=JobState.DONE, lease__isnull=False, started_at__isnull=False, finished_at__isnull=False)
    runs: dict[UUID, list[RenditionJob]] = defaultdict(list)
    for job in lately.select_related("courseware").order_by("-finished_at")[:LATELY]:
        runs[job.lease].append(job)  # type: ignore[index]
    took = work = 0.0
    for jobs in runs.values():
        took += max((job.finished_at - job.started_at).total_seconds() for job in jobs)  # type: ignore[operator]
        work += load(jobs[0].courseware, [BY_NAME[job.profile] for job in jobs if job.profile in BY_NAME])
    return took / work if work else 0.0


def expected_s(courseware: Courseware, group: Sequence[Profile], speed: float | None = None) -> float:
    """How many seconds a batch should take; 0 when there is nothing to judge by."""
    return load(courseware, group) * (seconds_a_load() if speed is None else speed)


@dataclass(frozen=True)
class Outlook:
    """How far an item is: whole percent; seconds expected in all, still to go (None: not known), and gone by."""

    percent: int
    expected_s: float | None
    left_s: float | None
    gone_s: float


def outlook(courseware: Courseware, jobs: Iterable[RenditionJob], *, at: datetime, speed: float | None = None) -> Outlook:
    """What can be said of an item's packaging at a moment. `speed` is `seconds_a_load()` where many items are looked at."""
    every = list(jobs)
    known = [job for job in every if job.profile in BY_NAME]
    speed = seconds_a_load() if speed is None else speed
    state = {job.profile: job for job in known}
    whole = left = ready = 0.0
    for group in batches([BY_NAME[name] for name in BY_NAME if name in state]):
        work = load(courseware, group) or 1.0
        share = sum(_finished(state[profile.name]) for profile in group) / len(group)
        whole, ready = whole + work, ready + work * share
        left += _left_s(work * speed, share, [state[profile.name] for profile in group], at)
    begun = [job.started_at for job in known if job.started_at]
    ended = [job.finished_at for job in known if job.finished_at]
    open_ = any(job.state in {JobState.WAITING, JobState.RUNNING} for job in every)
    until = at if open_ or not ended else max(ended)
    return Outlook(
        percent=round(100 * ready / whole) if whole else 0,
        expected_s=whole * speed or None,
        left_s=None if not (speed and known) and left == 0 and open_ else left if open_ else 0.0,
        gone_s=max(0.0, (until - min(begun)).total_seconds()) if begun else 0.0,
    )


def _finished(job: RenditionJob) -> float:
    return 1.0 if job.state in {JobState.DONE, JobState.FAILED} else job.percent / 100 if job.state == JobState.RUNNING else 0.0


def _left_s(expected: float, share: float, jobs: Sequence[RenditionJob], at: datetime) -> float:
    """Seconds a batch still takes: by its own pace once that shows, before by what others took."""
    running = [job for job in jobs if job.state == JobState.RUNNING and job.started_at]
    if running and running[0].percent >= 10:
        gone = (at - running[0].started_at).total_seconds()  # type: ignore[operator]
        return gone * (100 - running[0].percent) / running[0].percent
    return expected * (1 - share)
