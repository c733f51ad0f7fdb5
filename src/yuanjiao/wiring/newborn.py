"""The database of a home that was never used: a copy of an empty one made at set-up, because migrating from nothing takes many seconds.

The empty one carries in its name the digest of every migration it has seen; one of other migrations is not taken. Migrations that
are missing are run in any case, so nothing depends on it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import django
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from yuanjiao.lib.errors import Refused
from yuanjiao.wiring.closed import belongs_to_the_trial

FOLDER = Path(sys.prefix) / "share" / "yuanjiao"
"""Of the Python environment: it goes when the environment goes."""


RESTORING = "restoring"
"""Lies in HOME while a backup is put back into it."""


def require_whole() -> None:
    """Refused while a restore that was cut has left half a machine: a new database in it would hide what is missing."""
    mark = Path(settings.HOME) / RESTORING
    if mark.exists():
        raise Refused(f"恢复没有做完（{mark}），本机还不完整，不能启动：请再运行一次 yuanjiao restore 备份文件")


def bring_up_to_date() -> None:
    """Migrate the database, if there is anything to migrate. Refused when it is newer than this software."""
    if connection.vendor == "sqlite":
        _copy_the_empty_one(Path(settings.DATABASES["default"]["NAME"]))
    require_known()
    if missing_migrations():
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)


def require_known() -> None:
    """Refused when the database has taken steps that this software does not have: it is older, and would spoil what it cannot read."""
    known = migrations_on_disk()
    if unknown := sorted(taken_steps() - known):
        label, name = unknown[0]
        raise Refused(f"数据库比本软件新（多 {len(unknown)} 步，如 {label}.{name}），不能启动：请装回较新的版本，或从备份恢复")


LEAVES_ALONE = frozenset({"serve", "backup", "restore", "check", "edge", "clock"})
"""Commands that look for themselves (`bring_up_to_date`), that only read the database, or that make another one. The clock is set by the
installed program, also after a newer release came by the catalogue: it reads two rows."""


def refuse_newer(arguments: Sequence[str]) -> None:
    """Before any other command runs: Refused when the database is newer than this software, as after a fall back to an old installation.
    `arguments` begin with the program's name. Where there is no database yet nothing is looked for."""
    asked = list(arguments[1:])
    if belongs_to_the_trial(arguments) or asked[0] in LEAVES_ALONE or not {"-h", "--help"}.isdisjoint(asked):
        return
    django.setup()
    if connection.vendor != "sqlite" or Path(settings.DATABASES["default"]["NAME"]).exists():
        require_known()


def taken_steps() -> set[tuple[str, str]]:
    """(application, name) of every migration of our own applications that the database has taken."""
    rooms = {config.label for config in apps.get_app_configs() if config.name.startswith("yuanjiao.")}
    return {(label, name) for label, name in MigrationRecorder(connection).applied_migrations() if label in rooms}


def missing_migrations() -> int:
    """How many migrations have files and were not applied. By their names alone: to load them all would take as long as to look."""
    return len(migrations_on_disk() - MigrationRecorder(connection).applied_migrations().keys())


def migrations_on_disk() -> set[tuple[str, str]]:
    """(application, name) of every migration this software has."""
    return {(config.label, file.stem) for config in apps.get_app_configs() for file in _migration_files(config)}


def make_the_empty_one() -> Path:
    """At set-up: migrate the database of this (new) home and keep a copy of it for homes to come."""
    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("empty-*.sqlite3"):
        old.unlink()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(_empty_one())])
    return _empty_one()


def begin_with_the_empty_one(made: BaseDatabaseWrapper) -> None:
    """Give a new embedded database at once what migrating from nothing would in tens of seconds of a processor."""
    if made.vendor != "sqlite" or not _empty_one().is_file():
        return
    if not made.is_in_memory_db():  # type: ignore[attr-defined]
        _copy_the_empty_one(Path(made.settings_dict["NAME"]))
    elif not made.introspection.table_names():
        with closing(sqlite3.connect(f"file:{_empty_one()}?mode=ro", uri=True)) as source:
            source.backup(made.connection)


def _copy_the_empty_one(target: Path) -> None:
    source = _empty_one()
    log = target.with_name(f"{target.name}-wal")  # what an older database left behind would be written into the new one
    if target.exists() or log.exists() or not source.is_file():
        return
    connections.close_all()
    part = target.with_suffix(f".{os.getpid()}.part")
    shutil.copyfile(source, part)
    with suppress(OSError):  # another process was faster, and may have written already: its database stays
        os.link(part, target)
    part.unlink()


def _empty_one() -> Path:
    return FOLDER / f"empty-{_digest()}.sqlite3"


def _digest() -> str:
    """Of names and texts of all migrations of all applications."""
    digest = hashlib.sha256()
    for config in sorted(apps.get_app_configs(), key=lambda one: one.label):
        for file in _migration_files(config):
            digest.update(f"{config.label}/{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _migration_files(config: AppConfig) -> list[Path]:
    return sorted((Path(config.path) / "migrations").glob("[!_]*.py"))


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
    django.setup()
    make_the_empty_one()
