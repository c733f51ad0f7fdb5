"""Files on their way in, in parts: what was acknowledged is on the disk and survives a cut, a restart and a repeated part."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Protocol

from django.conf import settings
from django.db import transaction

from yuanjiao.courseware.commands.bulk import take_archive
from yuanjiao.courseware.commands.originals import require_replaceable, take_original
from yuanjiao.courseware.models import BulkImport, BulkState, Courseware, Upload, UploadState
from yuanjiao.flow.blobs import store
from yuanjiao.lib.errors import Conflict, NotFound, Refused, YuanjiaoError
from yuanjiao.people.queries import person_by_uid
from yuanjiao.people.rules import Actor

CHUNK = 1 << 20
KEPT_DAYS = 7


class BadChecksum(YuanjiaoError):
    """A part arrived changed; it was not kept and may be sent again."""


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


def incoming_path(upload: Upload) -> Path:
    return Path(settings.MEDIA_ROOT) / "incoming" / str(upload.uid)


def begin_upload(*, courseware: Courseware, filename: str, size_bytes: int, by: Actor, at: datetime) -> Upload:
    """Open an upload. Refused above settings.MAX_UPLOAD_BYTES; DiskFull before a byte is written when it would not fit."""
    require_replaceable(courseware, by)
    return _open(filename, size_bytes, by=by, at=at, courseware=courseware)


def begin_bulk_upload(*, bulk: BulkImport, filename: str, size_bytes: int, by: Actor, at: datetime) -> Upload:
    """The same for the archive of a bulk import."""
    if bulk.actor_uid != by.person_uid:
        raise NotFound("没有这次导入")
    if bulk.state != BulkState.RECEIVED:
        raise Conflict("这次导入已经收过文件")
    return _open(filename, size_bytes, by=by, at=at, bulk=bulk)


def _open(
    filename: str, size_bytes: int, *, by: Actor, at: datetime, courseware: Courseware | None = None, bulk: BulkImport | None = None
) -> Upload:
    if size_bytes <= 0:
        raise Refused("文件是空的（0 字节），请重新选择文件")
    if size_bytes > settings.MAX_UPLOAD_BYTES:
        raise Refused(f"文件超过上限 {settings.MAX_UPLOAD_BYTES / 1e9:.1f} GB，请压缩或分段后上传")
    store.make_room(size_bytes)
    assert by.person_uid is not None  # nobody but the author, or who opened the import, comes here
    return Upload.objects.create(
        person=person_by_uid(by.person_uid),
        courseware=courseware,
        bulk=bulk,
        filename=Path(filename.replace("\\", "/")).name[:200] or "未命名",
        size_bytes=size_bytes,
        created_at=at,
        touched_at=at,
    )


def append_upload(*, upload: Upload, offset: int, source: Readable, by: Actor, at: datetime, sha1: str = "") -> Upload:
    """Add a part at `offset` (bytes). Conflict when that is not where the upload stands, BadChecksum when it arrived changed.

    A part counts once it is on the disk: only then is the offset moved. `sha1` is the part's digest in base64, empty for none.
    """
    _require_sender(upload, by)
    store.make_room(upload.size_bytes - upload.offset_bytes)
    with _locked(upload) as file:
        upload.refresh_from_db()
        if upload.state != UploadState.RECEIVING or offset != upload.offset_bytes:
            raise Conflict(f"已收到 {upload.offset_bytes} 字节，请从那里继续")
        upload.offset_bytes = _write(file, source, upload, sha1)
        upload.touched_at = at
        upload.save(update_fields=["offset_bytes", "touched_at"])
    return upload


def _write(file: IO[bytes], source: Readable, upload: Upload, sha1: str) -> int:
    file.seek(upload.offset_bytes)
    file.truncate()  # bytes behind the acknowledged offset are of a part that was cut
    position, digest = upload.offset_bytes, hashlib.sha1(usedforsecurity=False)
    while chunk := source.read(CHUNK):
        if position + len(chunk) > upload.size_bytes:
            file.truncate(upload.offset_bytes)
            raise Refused("收到的字节多于文件大小")
        file.write(chunk)
        digest.update(chunk)
        position += len(chunk)
    if sha1 and base64.b64encode(digest.digest()).decode() != sha1:
        file.truncate(upload.offset_bytes)
        raise BadChecksum("这一段在传输中损坏，请重传")
    file.flush()
    os.fsync(file.fileno())
    return position


@contextmanager
def _locked(upload: Upload) -> Iterator[IO[bytes]]:
    """The file, for one writer at a time on this machine."""
    path = incoming_path(upload)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "r+b" if path.exists() else "w+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("这个文件正在接收另一段，请稍候") from None
        yield file


def finish_upload(*, upload: Upload, by: Actor, at: datetime) -> Courseware | BulkImport:
    """Hand a complete upload to its item or bulk import. NotUsable says why a file is refused; the upload is over in either case."""
    _require_sender(upload, by)
    # conditional update: the last part may be repeated by an impatient client
    if not Upload.objects.filter(
        pk=upload.pk, state=UploadState.RECEIVING, offset_bytes=upload.size_bytes
    ).update(state=UploadState.COMPLETE, touched_at=at):  # fmt: skip
        raise Conflict("文件还没有收齐，或已经处理")
    if upload.bulk is not None:
        return take_archive(bulk=upload.bulk, path=incoming_path(upload), filename=upload.filename, by=by)
    assert upload.courseware is not None  # held by the constraint upload_for_one_item_or_one_import
    return take_original(courseware=upload.courseware, path=incoming_path(upload), filename=upload.filename, by=by, at=at)


@transaction.atomic
def end_upload(*, upload: Upload, by: Actor, at: datetime) -> None:
    """Give an upload up; its bytes are removed."""
    _require_sender(upload, by)
    if not Upload.objects.filter(pk=upload.pk, state=UploadState.RECEIVING).update(state=UploadState.ENDED, touched_at=at):
        raise Conflict("这次上传已经结束")
    incoming_path(upload).unlink(missing_ok=True)


def _require_sender(upload: Upload, by: Actor) -> None:
    if upload.person.uid != by.person_uid:
        raise NotFound("没有这次上传")


def clear_uploads(*, at: datetime) -> int:
    """Give up uploads nobody has touched for a week. Returns how many."""
    old = list(Upload.objects.filter(state=UploadState.RECEIVING, touched_at__lt=at - timedelta(days=KEPT_DAYS)))
    for upload in old:
        Upload.objects.filter(pk=upload.pk, state=UploadState.RECEIVING).update(state=UploadState.ENDED)
        incoming_path(upload).unlink(missing_ok=True)
    return len(old)
