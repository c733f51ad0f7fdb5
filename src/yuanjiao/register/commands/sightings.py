"""Taking in an operator's list of boxes: all of it or nothing, unless the person asks for the good rows only."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings

from yuanjiao.lib.errors import DiskFull, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.commands import enter_sightings
from yuanjiao.network.queries import sites_in
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.register.checks.sightings import Sites, check_list
from yuanjiao.register.documents import files
from yuanjiao.register.documents.operator_list import read_list, return_list
from yuanjiao.register.documents.workbook import MAX_FILE_BYTES

KEEP = timedelta(days=1)


@dataclass(frozen=True)
class SightingImport:
    """What came of a list: rows read, sightings entered and known before, reasons by row; `returned` names the file that goes back."""

    rows: int
    entered: int
    known: int
    reasons: dict[int, str]
    returned: str = ""


def import_sightings(
    *, name: str, chunks: Iterable[bytes], size_bytes: int, good_rows_only: bool, by: Actor, at: datetime
) -> SightingImport:
    """Read, check and enter one list. With wrong rows nothing is entered unless `good_rows_only`; they come back in the same file."""
    by.require(Permission.IMPORT_REGISTER)
    suffix = Path(name).suffix.lower()
    if suffix not in {".xlsx", ".csv"}:
        raise Refused("只收 .xlsx 或 .csv 文件")
    if not 0 < size_bytes <= MAX_FILE_BYTES:
        raise Refused(
            "文件是空的，请检查后重新选择" if not size_bytes else f"文件超过 {MAX_FILE_BYTES // 1_000_000} MB，请分成几个文件导入"
        )
    if shutil.disk_usage(files.folder()).free < settings.MIN_FREE_BYTES + 3 * size_bytes:
        raise DiskFull("磁盘空间不足，暂不接收文件；请管理员清理后再试")
    forget_returned(at=at)
    uid = new_uid()
    path = files.folder() / f"{uid}-operator{suffix}"
    try:
        with path.open("wb") as target:
            target.writelines(chunks)
        return _enter(path, uid, name, good_rows_only=good_rows_only, by=by, at=at)
    finally:
        path.unlink(missing_ok=True)


def _enter(path: Path, uid: UUID, name: str, *, good_rows_only: bool, by: Actor, at: datetime) -> SightingImport:
    read = read_list(path, name)
    rows = sites_in(by.paths(Permission.IMPORT_REGISTER)).order_by().select_related(None).values_list("code", "pk", "name")
    good, reasons = check_list(read, Sites({code: (pk, title) for code, pk, title in rows}), at=at)
    returned = ""
    if reasons:
        returned = f"{by.person_uid or 0}_{uid}{path.suffix}"
        return_list(path, returned_file(returned), read, reasons)
    if reasons and not good_rows_only:
        return SightingImport(len(read.rows), 0, 0, reasons, returned)
    entered, known = enter_sightings(sightings=good, source=name[-100:], by=by, at=at)
    return SightingImport(len(read.rows), entered, known, reasons, returned)


def returned_file(name: str) -> Path:
    """Where the file with the reasons lies for a day; `name` is whose it is, a uid and a suffix."""
    return files.folder() / f"sightings-{name}"


def forget_returned(*, at: datetime) -> None:
    """Delete returned files nobody has fetched within a day."""
    for path in files.folder().glob("sightings-*"):
        if at.timestamp() - path.stat().st_mtime > KEEP.total_seconds():
            path.unlink(missing_ok=True)
