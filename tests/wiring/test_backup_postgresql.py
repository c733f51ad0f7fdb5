"""The database of a centre on PostgreSQL goes out and comes back by the server's own programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tests.journeys.database import Database
from tests.wiring.test_command_line import yuanjiao
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


SHAPE = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
NEWER = (
    "ALTER TABLE village ADD COLUMN party text NOT NULL DEFAULT ''",
    "INSERT INTO village (name) VALUES ('新版记下的')",
    "CREATE TABLE added AS SELECT 1 AS one",
    "DROP TABLE leaving",
)
"""What a release leaves behind that was not well."""


@pytest.mark.own_files
def test_what_a_release_did_to_postgresql_is_undone_by_the_old_one(tmp_path: Path) -> None:
    """By the programs the keeper runs, on a server of its own; again after it was cut behind the emptying, and not from half a copy."""
    if shutil.which("pg_dump") is None:
        pytest.skip("no PostgreSQL here")
    own = Database()
    try:
        own.start()
        if database.program_version() < int(str(own.ask("SHOW server_version")[0][0]).split(".")[0]):
            pytest.skip("pg_dump is older than the server")
        with psycopg.connect(own.address) as opened:
            opened.execute("CREATE TABLE village (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE)")
            opened.execute("CREATE TABLE leaving (village bigint REFERENCES village)")
            opened.execute("INSERT INTO village (name) SELECT '村' || n FROM generate_series(1, 500) n")
        before, shape = own.ask("SELECT * FROM village ORDER BY id"), own.ask(SHAPE)
        folder = tmp_path / "software" / "before"
        folder.mkdir(parents=True)

        def old(*asked: str, **settings: str) -> subprocess.CompletedProcess[str]:
            return yuanjiao(tmp_path, "software", *asked, str(folder), DATABASE=own.address, **settings)

        kept = old("keep")
        assert kept.returncode == 0, kept.stderr
        with psycopg.connect(own.address) as opened:
            for words in NEWER:
                opened.execute(words)
        left, dump = own.ask(SHAPE), folder / database.POSTGRESQL
        dump.rename(whole := tmp_path / "whole")
        dump.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        assert old("put-back").returncode, "half a copy is no copy"
        assert own.ask(SHAPE) == left, "and nothing is thrown away for it"
        whole.rename(dump)
        for cut in (False, True):
            if cut:  # killed when it had emptied the database and not yet begun to fill it
                with psycopg.connect(own.address) as opened:
                    opened.execute("DROP SCHEMA public CASCADE")
            back = old("put-back")
            assert back.returncode == 0, back.stderr
            assert own.ask(SHAPE) == shape
            assert own.ask("SELECT * FROM village ORDER BY id") == before
        with psycopg.connect(own.address) as opened:
            opened.execute("INSERT INTO village (name) VALUES ('之后')")
        assert own.ask("SELECT max(id) FROM village") == [(501,)], "numbers go on where they were"
    finally:
        own.remove()
