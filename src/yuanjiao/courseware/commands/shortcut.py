"""The whole way of an item in one call, through the same commands as people use: for the demo's set-up and for tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings

from yuanjiao.courseware.commands.items import create_courseware
from yuanjiao.courseware.commands.originals import attach_captions, take_original
from yuanjiao.courseware.commands.review import approve_courseware, release_courseware
from yuanjiao.courseware.models import Column, Courseware, CoursewareClass, CoursewareSource
from yuanjiao.courseware.packaging.work import package_item
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.errors import Refused
from yuanjiao.people.rules import Actor


def publish_file(
    *,
    path: Path,
    title: str,
    author: Actor,
    reviewer: Actor | Sequence[Actor],
    releaser: Actor,
    columns: Sequence[Column],
    now: Callable[[], datetime],
    item_class: CoursewareClass = CoursewareClass.EDUCATION,
    source: CoursewareSource = CoursewareSource.OWN,
    summary: str = "",
    speaker: str = "",
    captions: bytes = b"",
) -> Courseware:
    """Make an item of a local video (copied, the file stays), package it here and now, have it passed and released.

    `reviewer`: one person, or as many as the policy of the author's place asks for, in the order of the rounds.

    Takes as long as ffmpeg does. Refused with the reasons when a rendition fails.
    """
    item = create_courseware(
        title=title, item_class=item_class, source=source, summary=summary, speaker=speaker, by=author, at=now()
    )  # fmt: skip
    Path(settings.MEDIA_ROOT).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.MEDIA_ROOT) as folder:
        copy = Path(shutil.copy(path, folder))
        take_original(courseware=item, path=copy, filename=path.name, by=author, at=now())
    if captions:
        attach_captions(courseware=item, content=captions, by=author, at=now())
    package_item(item.uid, now=now)
    item.refresh_from_db()
    if item.state != State.IN_REVIEW:
        raise Refused("打包失败：" + "；".join(f"{job.profile} {job.reason}" for job in item.jobs.exclude(reason="")))
    for one in [reviewer] if isinstance(reviewer, Actor) else reviewer[: item.rounds_needed]:
        approve_courseware(courseware=item, by=one, at=now())
    release_courseware(courseware=item, columns=columns, by=releaser, at=now())
    return item
