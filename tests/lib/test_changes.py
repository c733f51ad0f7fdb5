"""The stamp of the database: equal while nobody writes, another after somebody did."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from django.db import connection

from yuanjiao.lib.changes import Changes


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's way")
def test_sqlite_tells_that_another_connection_wrote(tmp_path: Path) -> None:
    file = tmp_path / "some.sqlite3"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE a (n int)")
    asked = Changes(file=file)
    before = asked.stamp()
    assert asked.stamp() == before
    writer.execute("INSERT INTO a VALUES (1)")
    after = asked.stamp()
    assert after != before
    writer.execute("SELECT count(*) FROM a").fetchone()
    assert asked.stamp() == after


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's way")
def test_postgresql_tells_that_somebody_wrote() -> None:
    asked = Changes()
    before = asked.stamp()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE written AS SELECT generate_series(1, 100) AS n")
        cursor.execute("DROP TABLE written")
    assert asked.stamp() != before


def test_a_database_that_does_not_answer_has_no_stamp_twice(tmp_path: Path) -> None:
    asked = Changes(file=tmp_path / "none.sqlite3")
    assert connection.vendor != "sqlite" or asked.stamp() != asked.stamp()
