"""The database of this machine as one file, and back: SQLite by itself, PostgreSQL by the server's own programs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from django.conf import settings
from django.db import connection, connections, transaction

from yuanjiao.lib.errors import Refused, Tampered

SQLITE, POSTGRESQL = "database.sqlite3", "database.pgdump"


def name_now() -> str:
    """Under which name the database of this machine lies in a backup; it says of what kind it is."""
    return SQLITE if connection.vendor == "sqlite" else POSTGRESQL


def dump(target: Path) -> None:
    """Write the database as it is at one moment, while others go on writing."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(target)])
    else:
        _run("pg_dump", "--format=custom", "--no-owner", "--file", str(target))


def size() -> int:
    """Bytes of the database."""
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
        return int(cursor.execute("PRAGMA page_count").fetchone()[0]) * int(cursor.execute("PRAGMA page_size").fetchone()[0])


def is_empty() -> bool:
    """Whether there is nothing in it that a restore would write over."""
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        return not (path.exists() or path.with_name(f"{path.name}-wal").exists())
    return not connection.introspection.table_names()


def load(source: Path) -> None:
    """Put the database of a backup in the place of the empty one. Tampered when it is not whole."""
    if source.name != SQLITE:
        _run("pg_restore", "--exit-on-error", "--no-owner", "--single-transaction", "--dbname", _name(), str(source))
        return
    connections.close_all()
    with sqlite3.connect(source) as database:
        if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise Tampered("备份中的数据库不完整")
    database.close()
    source.rename(connection.settings_dict["NAME"])


def require_replaceable() -> None:
    """Refused when `replace` would not be allowed to do its work."""
    if connection.vendor == "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_database_privilege(current_database(), 'CREATE') AND NOT EXISTS"
            " (SELECT FROM pg_namespace WHERE nspname = 'public' AND NOT pg_has_role(nspowner, 'USAGE'))"
        )
        if not cursor.fetchone()[0]:
            raise Refused("数据库用户不是 public 模式的所有者，换软件失败时不能放回数据库：请让它成为数据库的所有者")


def replace(source: Path) -> None:
    """PostgreSQL: the backup in the place of all that is there. Cut in between it is done again: the backup stays. Refused, and nothing
    is gone, when it cannot be read to its end."""
    _run("pg_restore", "--file", os.devnull, str(source))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS public CASCADE")
        cursor.execute("CREATE SCHEMA public")
    connections.close_all()
    load(source)


def program_version() -> int:
    """The main version of the pg_dump that is installed."""
    said = subprocess.run(["pg_dump", "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.split(")", 1)[1].split(".")[0])  # pg_dump (PostgreSQL) 15.20 (Debian …)


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _run(program: str, *arguments: str) -> None:
    """A program of PostgreSQL; the password goes by the environment, where `ps` does not show it."""
    found = shutil.which(program)
    if found is None:
        raise Refused(f"没有 {program}：请安装与数据库同版本的 postgresql-client")
    asked = settings.DATABASES["default"]
    said = {"PGHOST": asked["HOST"], "PGPORT": asked["PORT"], "PGUSER": asked["USER"], "PGPASSWORD": asked["PASSWORD"]}
    environment = {**os.environ, "PGDATABASE": _name(), **{name: value for name, value in said.items() if value}}
    done = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{program} 没有成功：{done.stderr.strip()[-400:]}")
