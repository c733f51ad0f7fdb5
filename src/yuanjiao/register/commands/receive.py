"""Taking a spreadsheet in, letting it go again, and asking for it to be applied."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from yuanjiao.lib.errors import Conflict, DiskFull, Refused
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.register.documents import files
from yuanjiao.register.documents.workbook import MAX_FILE_BYTES
from yuanjiao.register.models import Import, ImportState

KEEP_DAYS = 7


def receive_file(*, name: str, chunks: Iterable[bytes], size_bytes: int, by: Actor, at: datetime) -> Import:
    """Keep the file and open an import in state `received`. Refused when empty or too big, DiskFull before half writing."""
    by.require(Permission.IMPORT_REGISTER)
    if by.person_uid is None:
        raise Refused("导入须由登录的人办理")
    if size_bytes == 0:
        raise Refused("文件是空的，请检查后重新选择")
    if size_bytes > MAX_FILE_BYTES:
        raise Refused(
            f"文件有 {size_bytes / 1e6:.0f} MB，超过 {MAX_FILE_BYTES // 1_000_000} MB；请删去图片和多余的工作表，或分成几个文件导入"
        )
    if shutil.disk_usage(files.folder()).free < settings.MIN_FREE_BYTES + size_bytes:
        raise DiskFull("磁盘空间不足，暂不接收文件；请管理员清理后再试")
    batch = Import(
        file_name=name[-200:], sha256="", size_bytes=size_bytes, actor_uid=by.person_uid, actor_name=by.name, received_at=at
    )  # fmt: skip
    sha256 = hashlib.sha256()
    with files.original(batch.uid).open("wb") as target:
        for chunk in chunks:
            sha256.update(chunk)
            target.write(chunk)
    batch.sha256 = sha256.hexdigest()
    batch.save()
    return batch


@transaction.atomic
def request_apply(*, batch: Import, good_rows_only: bool, by: Actor) -> None:
    """Mark a checked import as being applied, once. Refused when rows are wrong and the person did not choose good rows only."""
    by.require(Permission.IMPORT_REGISTER)
    if batch.state == ImportState.REFUSED and not good_rows_only:
        raise Refused("文件里还有错误：请改好后重新上传，或选择“只导入正确的行”")
    if not files.original(batch.uid).exists():
        raise Refused("上传的文件已过期清除，请重新上传")
    moved = Import.objects.filter(pk=batch.pk, state__in=[ImportState.READY, ImportState.REFUSED]).update(
        state=ImportState.APPLYING, good_rows_only=good_rows_only
    )
    if not moved:
        raise Conflict("这次导入已经在办理，或已经办完")
    files.write_progress(batch.uid, 0.0)


@transaction.atomic
def cancel_import(*, batch: Import, by: Actor, at: datetime) -> None:
    """Give an import up before anything was applied; its file is deleted at once."""
    by.require(Permission.IMPORT_REGISTER)
    open_states = [ImportState.RECEIVED, ImportState.READY, ImportState.REFUSED, ImportState.FAILED]
    moved = Import.objects.filter(pk=batch.pk, state__in=open_states).update(state=ImportState.CANCELLED, finished_at=at)
    if not moved:
        raise Conflict("这次导入已经办完，不能放弃")
    files.forget(batch.uid)


def forget_files(*, at: datetime) -> int:
    """Delete the files of imports nobody finished within a week; the record stays. Returns how many."""
    stale = Import.objects.filter(received_at__lt=at - timedelta(days=KEEP_DAYS), finished_at=None)
    waiting = stale.exclude(state__in=[ImportState.CHECKING, ImportState.APPLYING])
    rows = list(waiting)
    for batch in rows:
        files.forget(batch.uid)
    waiting.update(state=ImportState.CANCELLED, finished_at=at, message="上传后七天没有导入，文件已清除")
    return len(rows)
