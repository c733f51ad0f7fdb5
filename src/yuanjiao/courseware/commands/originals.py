"""The original of an item that is made of one file: taken, looked at, packaged; its captions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from yuanjiao.courseware import steps
from yuanjiao.courseware.commands.items import require_own
from yuanjiao.courseware.models import Commission, CommissionKind, Courseware, JobState, Rendition, RenditionJob, RenditionKind
from yuanjiao.courseware.packaging import pages
from yuanjiao.courseware.packaging.probe import NotUsable, Probe, probe
from yuanjiao.courseware.packaging.tasks import enqueue
from yuanjiao.courseware.packaging.work import original_path
from yuanjiao.courseware.rules.kinds import FROM_ONE_FILE, PAGES, Kind
from yuanjiao.courseware.rules.life import EDITABLE, State
from yuanjiao.courseware.rules.playlists import captions_playlist
from yuanjiao.courseware.rules.profiles import CAPTIONS, applicable, encoding_key
from yuanjiao.flow.blobs import store
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor

LARGEST_CAPTIONS = 2 * 1024 * 1024
CUE = re.compile(r"(?m)^(?:\d+:)?\d{2}:\d{2}\.\d{3} --> (?:\d+:)?\d{2}:\d{2}\.\d{3}")


@dataclass(frozen=True)
class Looked:
    """What was found in a received file: the facts its item keeps, and the profiles to be made of it."""

    facts: dict[str, Any]
    profiles: list[str]


UNKNOWN = {"duration_s": 0.0, "width": 0, "height": 0, "frame_rate": 0.0, "has_audio": False, "codecs": "", "note": ""}


def require_replaceable(courseware: Courseware, by: Actor) -> None:
    """Refused unless the author may give the item a (new) original now: while editing, or when packaging has come to nothing."""
    require_own(courseware, by, EDITABLE | {State.PACKAGING})
    if courseware.kind not in FROM_ONE_FILE:
        raise Refused(f"“{courseware.get_kind_display()}”不用上传这种文件")
    if courseware.state == State.PACKAGING and courseware.jobs.filter(state__in=[JobState.WAITING, JobState.RUNNING]).exists():
        raise Refused("正在打包，请等打包结束后再换文件")


def take_original(
    *, courseware: Courseware, path: Path, filename: str, by: Actor, at: datetime, looked: Looked | None = None
) -> Courseware:
    """Take the received file at `path` as the item's original, look at it, and put its packaging into the queue.

    The file is moved: beside the item when it is usable, aside under its name when not; then NotUsable says why and the item
    keeps the reason. Nothing is deleted. `looked`: what `look_at` found in it before.
    """
    require_replaceable(courseware, by)
    try:
        looked = looked or look_at(Kind(courseware.kind), path)
    except NotUsable as error:
        keep_aside(courseware, path, filename, error.message, by=by, at=at)
        raise
    size = path.stat().st_size
    target = original_path(courseware.uid)
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    # the digest is worked out by the packaging worker: ten gigabytes take longer than a request may
    facts = looked.facts | {"original_name": filename[:200], "original_sha256": "", "original_bytes": size, "refusal": ""}
    with transaction.atomic():
        courseware.renditions.exclude(kind=RenditionKind.CAPTIONS).delete()
        courseware.parts.all().delete()
        courseware.jobs.all().delete()
        steps.move(courseware, State.PACKAGING, by=by, at=at, reason=f"上传 {filename[:80]}", **facts)
        _queue(courseware, looked.profiles, at)
    return courseware


def look_at(kind: Kind, path: Path) -> Looked:
    """Look at the one file an item of this kind is made of. NotUsable says why it cannot be."""
    if kind == Kind.DOCUMENT:
        return Looked({**UNKNOWN, "codecs": pages.look(path)[1:].upper()}, [PAGES])
    found = probe(path, sound_only=True) if kind == Kind.AUDIO else probe(path)
    return Looked(_facts(found), [p.name for p in applicable(width=found.width, height=found.height, has_audio=found.has_audio)])


def _facts(found: Probe) -> dict[str, Any]:
    return {
        "note": "；".join(found.notes)[:300],
        "duration_s": found.duration_s,
        "width": found.width,
        "height": found.height,
        "frame_rate": found.frame_rate,
        "has_audio": found.has_audio,
        "codecs": found.codecs,
    }


def keep_aside(courseware: Courseware, path: Path, filename: str, why: str, *, by: Actor, at: datetime) -> None:
    """Put an unusable file aside; the item says why."""
    target = original_path(courseware.uid).parent.parent / "aside" / f"{courseware.uid}-{at:%Y%m%d%H%M%S%f}"
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    with transaction.atomic():
        courseware.refusal, courseware.original_name = f"{filename[:100]}：{why}"[:300], filename[:200]
        courseware.save(update_fields=["refusal", "original_name"])
        write_audit(by=by, action="原文件不可用", subject=f"课件 {courseware.title}", at=at, detail=courseware.refusal)


def _queue(courseware: Courseware, profiles: list[str], at: datetime) -> None:
    urgent = Commission.objects.filter(courseware=courseware, kind=CommissionKind.URGENT, closed_at=None).exists()
    for profile in profiles:
        RenditionJob.objects.update_or_create(
            courseware=courseware,
            profile=profile,
            defaults={
                "state": JobState.WAITING,
                "percent": 0,
                "reason": "",
                "attempts": 0,
                "queued_at": at,
                "finished_at": None,
                "urgent": urgent,
                "lease": None,
                "lease_until": None,
            },
        )
    enqueue(courseware.uid, urgent=urgent)


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
