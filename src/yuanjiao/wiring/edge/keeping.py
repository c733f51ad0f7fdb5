"""The database before a new release touches it, and back again. The keeper has the old release do both, while no server runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from django.conf import settings
from django.db import connection, connections

from yuanjiao.lib.disk import disk_trouble
from yuanjiao.lib.errors import Refused, Tampered
from yuanjiao.wiring.closed import wait_for_others
from yuanjiao.wiring.edge import database
from yuanjiao.wiring.newborn import RESTORING

ABANDONED = "abandoned.sqlite3"
"""The database that a release left behind which was not well: kept for whoever asks what became of it, until the next one."""
LOGS = ("-wal", "-journal")
"""What belongs to a database of SQLite, beside its file."""


def keep_database(folder: Path) -> None:
    """Write it into the folder, whole and on the disk, when nobody else writes. Refused when it could not be put back later."""
    wait_for_others(folder.parent)
    database.require_replaceable()
    target = folder / database.name_now()
    database.dump(target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def put_database_back(folder: Path) -> None:
    """Put it in the place of the present one; may be cut anywhere and done again. Tampered when the copy is not whole.

    Meanwhile HOME says that it is not whole, so that nobody makes a new database in it.
    """
    source = folder / database.name_now()
    if not source.is_file():
        raise Refused(f"{folder} 里没有数据库的副本")
    if connection.vendor != "sqlite":
        database.replace(source)
        return
    mark, present = Path(settings.HOME) / RESTORING, Path(connection.settings_dict["NAME"])
    connections.close_all()
    part = present.with_suffix(".part")
    if not mark.exists():  # the last time was not cut: what lies there is of an earlier release
        _remove(folder.parent / ABANDONED)
    try:
        _copy_whole(source, part)
    except OSError as error:
        if not disk_trouble(error):
            raise
        part.unlink(missing_ok=True)
        _require_whole(source)
        mark.write_text("软件退回\n", encoding="utf-8")
        _remove(present)  # its room is needed; behind closed doors nothing was recorded in it
        _copy_whole(source, part)
    mark.write_text("软件退回\n", encoding="utf-8")
    _set_aside(present, folder.parent)
    part.replace(present)
    _sync(present.parent)
    mark.unlink()


def _copy_whole(source: Path, part: Path) -> None:
    shutil.copyfile(source, part)
    _require_whole(part)


def _remove(path: Path) -> None:
    for ending in ("", *LOGS, "-shm"):
        path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)


def _require_whole(path: Path) -> None:
    with closing(sqlite3.connect(path)) as opened:
        if opened.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise Tampered("升级前保存的数据库不完整")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _set_aside(present: Path, folder: Path) -> None:
    """With its log, so that it stays readable; each by itself, because the last time may have been cut between them: a log of the one
    beside the other would spoil it."""
    for ending in ("", *LOGS):
        with suppress(FileNotFoundError):
            present.with_name(f"{present.name}{ending}").replace(folder / f"{ABANDONED}{ending}")
    present.with_name(f"{present.name}-shm").unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
