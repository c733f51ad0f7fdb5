"""Items: made, described, given their original and captions, packaged, submitted."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from yuanjiao.courseware import steps
from yuanjiao.courseware.models import Courseware, CoursewareClass, CoursewareSource, JobState, Rendition, RenditionJob, RenditionKind
from yuanjiao.courseware.packaging.probe import NotUsable, Probe, probe
from yuanjiao.courseware.packaging.tasks import package_courseware
from yuanjiao.courseware.packaging.work import original_path
from yuanjiao.courseware.rules.life import EDITABLE, State
from yuanjiao.courseware.rules.playlists import captions_playlist
from yuanjiao.courseware.rules.profiles import CAPTIONS, applicable, encoding_key
from yuanjiao.flow.blobs import store
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import person_by_uid
from yuanjiao.people.rules import Actor, Permission

LARGEST_CAPTIONS = 2 * 1024 * 1024
CUE = re.compile(r"(?m)^(?:\d+:)?\d{2}:\d{2}\.\d{3} --> (?:\d+:)?\d{2}:\d{2}\.\d{3}")


@transaction.atomic
def create_courseware(
    *,
    title: str,
    item_class: CoursewareClass,
    source: CoursewareSource,
    by: Actor,
    at: datetime,
    summary: str = "",
    speaker: str = "",
) -> Courseware:
    """A draft in the author's unit. Refused without a title, or for somebody who does not produce courseware."""
    if by.person_uid is None:
        raise Forbidden("课件须由具体的制作人建立")
    author = person_by_uid(by.person_uid)
    by.require(Permission.PRODUCE_COURSEWARE, author.unit.division.path)
    words = _words(title=title, summary=summary, speaker=speaker)
    row = Courseware.objects.create(
        **words, item_class=item_class, source=source, author=author, unit=author.unit, created_at=at, state=State.DRAFT
    )
    steps.record_step(row, State.DRAFT, old=None, by=by, at=at, reason="")
    return row


@transaction.atomic
def describe_courseware(
    *,
    courseware: Courseware,
    title: str,
    item_class: CoursewareClass,
    source: CoursewareSource,
    by: Actor,
    at: datetime,
    summary: str = "",
    speaker: str = "",
) -> None:
    """Change the words of an item that is not in review or released."""
    require_own(courseware, by)
    for name, value in _words(title=title, summary=summary, speaker=speaker).items():
        setattr(courseware, name, value)
    courseware.item_class, courseware.source = item_class, source
    courseware.save(update_fields=["title", "summary", "speaker", "item_class", "source"])
    write_audit(by=by, action="修改课件说明", subject=f"课件 {courseware.title}", at=at)


def _words(*, title: str, summary: str, speaker: str) -> dict[str, str]:
    if not title.strip():
        raise Refused("标题不能为空")
    if len(title.strip()) > 100 or len(summary) > 500 or len(speaker) > 50:
        raise Refused("标题最多 100 字，简介最多 500 字，主讲人最多 50 字")
    return {"title": title.strip(), "summary": summary.strip(), "speaker": speaker.strip()}


def require_own(courseware: Courseware, by: Actor, states: frozenset[State] = EDITABLE) -> None:
    by.require(Permission.PRODUCE_COURSEWARE, courseware.unit.division.path)
    if courseware.author is None or courseware.author.uid != by.person_uid:
        raise Forbidden("只有制作人本人可以修改这件课件")
    if courseware.state not in states:
        raise Refused(f"“{steps.NAMES[courseware.state]}”的课件不能修改；需要修改请先由审核人退回")


def require_replaceable(courseware: Courseware, by: Actor) -> None:
    """Refused unless the author may give the item a (new) original now: while editing, or when packaging has come to nothing."""
    require_own(courseware, by, EDITABLE | {State.PACKAGING})
    if courseware.state == State.PACKAGING and courseware.jobs.filter(state__in=[JobState.WAITING, JobState.RUNNING]).exists():
        raise Refused("正在打包，请等打包结束后再换文件")


# -- the original -----------------------------------------------------------------------------------------------------------


def take_original(*, courseware: Courseware, path: Path, filename: str, by: Actor, at: datetime) -> Courseware:
    """Take the received file at `path` as the item's original, look at it, and put its packaging into the queue.

    The file is moved: beside the item when it is usable, aside under its name when not; then NotUsable says why and the item
    keeps the reason. Nothing is deleted.
    """
    require_replaceable(courseware, by)
    try:
        found = probe(path)
    except NotUsable as error:
        _keep_aside(courseware, path, filename, error.message, by=by, at=at)
        raise
    size = path.stat().st_size
    target = original_path(courseware.uid)
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    with transaction.atomic():
        courseware.renditions.exclude(kind=RenditionKind.CAPTIONS).delete()
        courseware.jobs.all().delete()
        steps.move(courseware, State.PACKAGING, by=by, at=at, reason=f"上传 {filename[:80]}", **_facts(found, filename=filename, size=size))
        _queue(courseware, [p.name for p in applicable(width=found.width, height=found.height, has_audio=found.has_audio)], at)
    return courseware


def _facts(found: Probe, *, filename: str, size: int) -> dict[str, Any]:
    return {
        "original_name": filename[:200],
        "original_sha256": "",  # worked out by the packaging worker: ten gigabytes take longer than a request may
        "original_bytes": size,
        "refusal": "",
        "note": "；".join(found.notes)[:300],
        "duration_s": found.duration_s,
        "width": found.width,
        "height": found.height,
        "frame_rate": found.frame_rate,
        "has_audio": found.has_audio,
        "codecs": found.codecs,
    }


def _keep_aside(courseware: Courseware, path: Path, filename: str, why: str, *, by: Actor, at: datetime) -> None:
    target = original_path(courseware.uid).parent.parent / "aside" / f"{courseware.uid}-{at:%Y%m%d%H%M%S%f}"
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    with transaction.atomic():
        courseware.refusal, courseware.original_name = f"{filename[:100]}：{why}"[:300], filename[:200]
        courseware.save(update_fields=["refusal", "original_name"])
        write_audit(by=by, action="原文件不可用", subject=f"课件 {courseware.title}", at=at, detail=courseware.refusal)


def _queue(courseware: Courseware, profiles: list[str], at: datetime) -> None:
    for profile in profiles:
        RenditionJob.objects.update_or_create(
            courseware=courseware,
            profile=profile,
            defaults={"state": JobState.WAITING, "percent": 0, "reason": "", "attempts": 0, "queued_at": at, "finished_at": None},
        )
    package_courseware.enqueue(str(courseware.uid))


@transaction.atomic
def retry_packaging(*, courseware: Courseware, by: Actor, at: datetime) -> None:
    """Try the failed renditions again; finished ones stay. Conflict when nothing has failed."""
    require_own(courseware, by, frozenset({State.PACKAGING}))
    failed = list(courseware.jobs.filter(state=JobState.FAILED).values_list("profile", flat=True))
    if not failed:
        raise Conflict("没有失败的打包任务")
    _queue(courseware, failed, at)
    write_audit(by=by, action="重试打包", subject=f"课件 {courseware.title}", at=at, detail="、".join(failed))


@transaction.atomic
def attach_captions(*, courseware: Courseware, content: bytes, by: Actor, at: datetime) -> Rendition:
    """Add or replace the captions (WebVTT, UTF-8). Refused when it is not WebVTT or holds no cue."""
    require_own(courseware, by, frozenset({*EDITABLE, State.PACKAGING, State.IN_REVIEW}))
    if courseware.duration_s <= 0:
        raise Refused("请先上传视频，再上传字幕")
    text = _webvtt(content)
    blob = store.put(text.encode(), media_type=CAPTIONS.media_type)
    row, _created = Rendition.objects.update_or_create(
        courseware=courseware,
        profile=CAPTIONS.name,
        defaults={
            "kind": RenditionKind.CAPTIONS,
            "key": encoding_key(blob.sha256, CAPTIONS),
            "blob": blob.sha256,
            "size_bytes": blob.size,
            "media_type": CAPTIONS.media_type,
            "duration_s": courseware.duration_s,
            "playlist": captions_playlist(courseware.duration_s),
        },
    )
    write_audit(by=by, action="上传字幕", subject=f"课件 {courseware.title}", at=at)
    return row


def _webvtt(content: bytes) -> str:
    if len(content) > LARGEST_CAPTIONS:
        raise Refused("字幕文件超过 2 兆字节，请检查是否选错文件")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise Refused("字幕不是 UTF-8 编码，请用字幕软件另存为 UTF-8 的 WebVTT（.vtt）") from None
    if text.startswith("WEBVTT"):
        found = text
    elif re.search(r"(?m)^\d{2}:\d{2}:\d{2},\d{3} --> ", text):
        found = "WEBVTT\n\n" + re.sub(r"(\d{2}:\d{2}:\d{2}),(\d{3})", r"\1.\2", text)  # SRT, as most editors save it
    else:
        raise Refused("这不是 WebVTT（.vtt）或 SRT（.srt）字幕文件")
    if not CUE.search(found):
        raise Refused("字幕文件里没有一条字幕")
    return found


@transaction.atomic
def submit_courseware(*, courseware: Courseware, by: Actor, at: datetime, reason: str = "") -> None:
    """Send a returned or withdrawn item to review again. Refused without all renditions."""
    require_own(courseware, by, frozenset({State.RETURNED, State.WITHDRAWN}))
    require_complete(courseware)
    steps.move(courseware, State.IN_REVIEW, by=by, at=at, reason=reason or "修改后再次送审")


def require_complete(courseware: Courseware) -> None:
    """Refused unless every profile the item needs is there and proved; the message names the missing ones."""
    needed = applicable(width=courseware.width, height=courseware.height, has_audio=courseware.has_audio)
    have = set(courseware.renditions.values_list("profile", flat=True))
    missing = [profile.title for profile in needed if profile.name not in have]
    if courseware.duration_s <= 0 or missing:
        raise Refused("还缺少规格：" + ("、".join(missing) or "没有视频") + "，不能送审或发布")
