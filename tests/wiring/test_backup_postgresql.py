"""The database of a centre on PostgreSQL goes out and comes back by the server's own programs."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from yuanjiao.lib.errors import Refused
from yuanjiao.wiring.edge import database

BACK = "yuanjiao_back"


def program_is_old() -> bool:
    """pg_dump reads no server that is newer than itself."""
    return shutil.which("pg_dump") is None or database.program_version() < connection.pg_version // 10_000  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_postgresql_goes_out_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the database is SQLite")
    if program_is_old():
        with pytest.raises(Refused, match="pg_dump"):
            database.dump(tmp_path / database.POSTGRESQL)
        return
    database.dump(tmp_path / database.POSTGRESQL)
    assert not database.is_empty()
    asked = settings.DATABASES["default"]
    where = {"host": asked["HOST"], "port": asked["PORT"], "user": asked["USER"], "password": asked["PASSWORD"]}
    with psycopg.connect(dbname="postgres", autocommit=True, **where) as server:
        server.execute(f"CREATE DATABASE {BACK}")
        try:
            monkeypatch.setattr(database, "_name", lambda: BACK)
            database.load(tmp_path / database.POSTGRESQL)
            with psycopg.connect(dbname=BACK, **where) as back:
                (found,) = back.execute("SELECT count(*) FROM django_migrations").fetchone() or (0,)
            assert found > 50
        finally:
            server.execute(f"DROP DATABASE {BACK} WITH (FORCE)")


@pytest.mark.django_db
def test_who_may_not_put_a_database_back_is_refused_before_it_is_needed() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the database is SQLite")
    database.require_replaceable()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE yuanjiao_guest")
        cursor.execute("SET LOCAL ROLE yuanjiao_guest")
        with pytest.raises(Refused, match="所有者"):
            database.require_replaceable()
        cursor.execute("RESET ROLE")
        cursor.execute("DROP ROLE yuanjiao_guest")
