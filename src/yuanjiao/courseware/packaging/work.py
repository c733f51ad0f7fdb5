"""The work of the packaging queue: take what is waiting of one item, encode, prove, keep. Killed at any point, it goes on where it was.

Every finished rendition is kept at once; a batch whose worker died is free again when its lease is over (`leases.py`).
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from yuanjiao.courseware import steps
from yuanjiao.courseware.models import Courseware, JobState, Rendition, RenditionJob
from yuanjiao.courseware.packaging import pages
from yuanjiao.courseware.packaging.conform import prove_ladder
from yuanjiao.courseware.packaging.encode import EncodingFailed, make_pictures, make_sounds, with_ingredients
from yuanjiao.courseware.packaging.flaw import NotProved
from yuanjiao.courseware.packaging.leases import LEASE_S, TRIES, Batch, Clock, LeaseLost, take
from yuanjiao.courseware.packaging.probe import NotUsable, probe
from yuanjiao.courseware.packaging.prove import Proof, prove
from yuanjiao.courseware.packaging.recipe import Original, ingredients
from yuanjiao.courseware.rules.kinds import PAGES
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.rules.profiles import BY_NAME, LADDER, Profile, encoding_key
from yuanjiao.flow.blobs import store
from yuanjiao.people.rules import SYSTEM

log = logging.getLogger(__name__)
MANY_ERRORS = 10


def original_path(uid: UUID) -> Path:
    """Where the original of an item lies; it is never sent anywhere and never deleted by packaging."""
    return Path(settings.MEDIA_ROOT) / "originals" / str(uid)


def scratch_path() -> Path:
    """Where batches are made, each in a folder named by its lease."""
    return Path(settings.MEDIA_ROOT) / "packaging"


def package_item(uid: UUID, *, now: Clock) -> bool:
    """Make what waits of this item, then send it to review if all is there. True when it stepped back for an urgent one and
    has to be queued again."""
    courseware = Courseware.objects.filter(uid=uid).first()
    if courseware is None:
        return False
    for job in courseware.jobs.filter(profile=PAGES, state=JobState.WAITING):
        pages.make(courseware, job, original_path(uid), now=now)
    while batch := take(courseware, now):
        _make(batch)
        if _urgent_waits(courseware):
            return True
    finish(uid, at=now())
    return False


def _urgent_waits(courseware: Courseware) -> bool:
    """Whether an urgent item waits while this one is not urgent and not done."""
    mine = courseware.jobs.filter(state=JobState.WAITING)
    others = RenditionJob.objects.filter(state=JobState.WAITING, urgent=True).exclude(courseware=courseware)
    return mine.filter(urgent=False).exists() and others.exists()


def finish(uid: UUID, *, at: datetime) -> None:
    """Send the item to review when every job is done; once, however many workers ask."""
    with transaction.atomic():
        courseware = Courseware.objects.select_for_update().filter(uid=uid, state=State.PACKAGING).first()
        if courseware is None or courseware.jobs.exclude(state=JobState.DONE).exists() or not courseware.jobs.exists():
            return
        if _ladder_in_step(courseware, at):
            steps.submit(courseware, by=SYSTEM, at=at, reason="全部规格打包完成并通过检验，自动送审")


def _ladder_in_step(courseware: Courseware, at: datetime) -> bool:
    rungs = courseware.renditions.filter(profile__in=[profile.name for profile in LADDER]).order_by("peak_bitrate")
    try:
        prove_ladder(dict(rungs.values_list("profile", "playlist")))
    except NotProved as error:
        failed = {"state": JobState.FAILED, "reason": str(error)[:300], "finished_at": at}
        courseware.jobs.filter(profile__in=[rung.profile for rung in rungs]).update(**failed)
        return False
    return True


def _make(batch: Batch) -> None:
    try:
        _require_original(batch.courseware)
        _remember_digest(batch)
        missing = [profile for profile in batch.profiles if not _reuse(batch, profile)]
        if missing:
            _encode_and_keep(batch, missing)
    except NotUsable as error:
        batch.fail(error.message)
    except EncodingFailed as error:
        log.warning("packaging %s: %s", batch.courseware.uid, error)
        batch.fail(f"转码失败：{error}")
    except LeaseLost:
        log.warning("packaging %s: taken over by another worker", batch.courseware.uid)
    finally:
        # still running here means that another error is on its way up (a stop, a full disk): the jobs wait for the next try
        batch.give_back()


def _require_original(courseware: Courseware) -> None:
    if not original_path(courseware.uid).is_file():
        raise NotUsable("这台机器上没有原文件：几台机器一起打包时须共用 uploads 与 blobs 两个目录")


def _remember_digest(batch: Batch) -> None:
    courseware = batch.courseware
    if not courseware.original_sha256:
        courseware.original_sha256 = _digest_of(original_path(courseware.uid), batch)
        courseware.save(update_fields=["original_sha256"])


def _digest_of(path: Path, batch: Batch) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
            batch.beat()
    return digest.hexdigest()


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


# -- making -----------------------------------------------------------------------------------------------------------------


def _encode_and_keep(batch: Batch, missing: Sequence[Profile]) -> None:
    path = original_path(batch.courseware.uid)
    original = probe(path, sound_only=not batch.courseware.width).original(path)
    # as large again as the original is a safe upper bound: every profile has a ceiling far below what cameras write
    store.make_room(path.stat().st_size)
    folder = scratch_path() / str(batch.lease)
    folder.mkdir(parents=True)
    try:
        known = _made_before(batch.courseware)
        making = with_ingredients(original, missing, known)
        with ExitStack() as held:
            here = _at_hand(known, original, making, held)
            _encode(batch, original, making, folder, here)
            for profile in making:
                here |= _prove_and_keep(batch, original, profile, folder, here, wanted=profile in missing)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _at_hand(known: Mapping[str, str], original: Original, making: Sequence[Profile], held: ExitStack) -> dict[str, Path]:
    """The files that what is to be made is made of, by profile, for as long as `held` holds them."""
    needed = {name for profile in making for name in ingredients(original, profile)} | {"hls-audio"}
    return {name: held.enter_context(store.local(blob)) for name, blob in known.items() if name in needed}


def _made_before(courseware: Courseware) -> dict[str, str]:
    """Proved renditions of this very original whose blobs are here, by profile."""
    found = {}
    for profile, key, blob in courseware.renditions.values_list("profile", "key", "blob"):
        known = BY_NAME.get(profile)
        if known and key == encoding_key(courseware.original_sha256, known) and store.has(blob):
            found[profile] = blob
    return found


def _encode(batch: Batch, original: Original, making: Sequence[Profile], folder: Path, here: dict[str, Path]) -> None:
    sounds, rest = [p for p in making if p.kind == "audio"], [p for p in making if p.kind != "audio"]
    errors = 0
    if sounds:
        errors += make_sounds(original, sounds, folder, progress=batch.beat).errors
    if rest:
        made = {profile.name: folder / f"{profile.name}{profile.suffix}" for profile in sounds}
        errors += make_pictures(original, rest, folder, here={**here, **made}, progress=batch.beat).errors
    if errors:
        _note_damage(batch.courseware, errors)


def _note_damage(courseware: Courseware, errors: int) -> None:
    """A film with a few broken pictures is packaged all the same, but its makers are told."""
    word = "多处" if errors > MANY_ERRORS else "个别地方"
    note = f"原文件{word}有损坏，已跳过，请从头到尾看一遍"
    if "有损坏" not in courseware.note:
        courseware.note = "；".join(filter(None, [courseware.note, note]))[:300]
        courseware.save(update_fields=["note"])


def _prove_and_keep(
    batch: Batch, original: Original, profile: Profile, folder: Path, here: dict[str, Path], *, wanted: bool
) -> dict[str, Path]:
    """The profile's file by its name once it is proved; empty when it failed."""
    path = folder / f"{profile.name}{profile.suffix}"
    try:
        if lost := [name for name in ingredients(original, profile) if name != profile.name and name not in here]:
            raise NotProved(f"所用的{BY_NAME[lost[0]].title}没有通过检验")
        told = _digest_of(path, batch)
        proof = prove(original, profile, folder, here=here, beat=batch.beat)
    except NotProved as error:
        if wanted:
            batch.fail(str(error), profile)
        return {}
    batch.renew()
    if wanted:
        # what is kept is what was proved, byte for byte
        _keep(batch, profile, _fields(batch, profile, proof, store.put(path, expect=told)))
    return {profile.name: path}


def _fields(batch: Batch, profile: Profile, proof: Proof, blob: store.BlobRef) -> dict[str, object]:
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
    batch.done(profile)
    Rendition.objects.update_or_create(courseware=batch.courseware, profile=profile.name, defaults=fields)


# -- what was left lying ----------------------------------------------------------------------------------------------------


def free_abandoned(*, at: datetime) -> None:
    """Give back jobs whose worker went silent; those that died again and again fail by name. Their folders are cleared."""
    unbeaten = Q(lease=None, beat_at__lt=at - timedelta(seconds=LEASE_S))  # pages of documents are made without a lease
    silent = RenditionJob.objects.filter(Q(lease_until__lt=at) | unbeaten, state=JobState.RUNNING)
    silent.filter(attempts__gte=TRIES).update(
        state=JobState.FAILED, reason=f"打包进程连续 {TRIES} 次中断，请检查原文件或服务器内存", finished_at=at
    )
    silent.update(state=JobState.WAITING, lease=None, lease_until=None, percent=0)
    _clear_scratch()


def _clear_scratch() -> None:
    """Remove the folders of leases nobody holds: their worker was killed. A folder is only made under a lease that is held."""
    folders = [path for path in scratch_path().glob("*-*-*-*-*") if path.is_dir()]  # named by a lease; others are not ours
    held = set(map(str, RenditionJob.objects.filter(state=JobState.RUNNING).values_list("lease", flat=True)))
    for path in folders:
        if path.name not in held:
            shutil.rmtree(path, ignore_errors=True)


def waiting_items() -> dict[UUID, bool]:
    """Items with work that waits, in the order they came, and whether they are urgent."""
    rows = RenditionJob.objects.filter(state=JobState.WAITING).order_by("queued_at", "pk").values_list("courseware__uid", "urgent")
    found: dict[UUID, bool] = {}
    for uid, urgent in rows:
        found[uid] = found.get(uid, False) or urgent
    return found


def items_at_work(*, at: datetime) -> set[UUID]:
    """Items some living worker is at: it takes the rest of them by itself."""
    rows = RenditionJob.objects.filter(state=JobState.RUNNING, lease_until__gte=at)
    return set(rows.values_list("courseware__uid", flat=True))
