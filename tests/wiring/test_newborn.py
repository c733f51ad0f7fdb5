"""A home that was never used begins with a copy of the empty database; one that was used is left alone."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from tests.wiring.test_command_line import yuanjiao
from yuanjiao.lib.errors import Refused
from yuanjiao.wiring import newborn


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(newborn, "FOLDER", tmp_path)
    return tmp_path / "home.sqlite3"


def test_a_new_home_begins_with_the_copy_and_a_used_one_is_left_alone(target: Path) -> None:
    newborn._empty_one().write_bytes(b"empty")
    newborn._copy_the_empty_one(target)
    assert target.read_bytes() == b"empty"
    target.write_bytes(b"used")
    newborn._copy_the_empty_one(target)
    assert target.read_bytes() == b"used"


def test_an_empty_database_of_other_migrations_is_not_taken(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newborn._empty_one().write_bytes(b"old")
    monkeypatch.setattr(newborn, "_digest", lambda: "of newer migrations")
    newborn._copy_the_empty_one(target)
    assert not target.exists()


def test_a_database_that_another_process_has_begun_meanwhile_is_left_alone(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newborn._empty_one().write_bytes(b"empty")
    copied = shutil.copyfile

    def copied_while_another_was_faster(source: Path, part: Path) -> None:
        copied(source, part)
        target.write_bytes(b"begun")

    monkeypatch.setattr(shutil, "copyfile", copied_while_another_was_faster)
    newborn._copy_the_empty_one(target)
    assert target.read_bytes() == b"begun"
    assert not list(target.parent.glob("*.part"))


def test_the_log_of_an_older_database_is_not_written_into_a_copy(target: Path) -> None:
    newborn._empty_one().write_bytes(b"empty")
    target.with_name(f"{target.name}-wal").write_bytes(b"of another")
    newborn._copy_the_empty_one(target)
    assert not target.exists()


def test_a_migration_that_was_not_applied_is_missed_by_its_name(db: None, client: Client) -> None:
    assert newborn.missing_migrations() == 0
    assert client.get("/readyz").status_code == 200
    MigrationRecorder(connection).record_unapplied("flow", "0001_initial")
    assert newborn.missing_migrations() == 1
    told = client.get("/readyz")
    assert (told.status_code, told.content) == (503, b"1 migrations missing\n")


@pytest.mark.django_db
def test_a_database_that_is_newer_than_this_software_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newborn, "_copy_the_empty_one", lambda _target: None)
    newborn.bring_up_to_date()
    MigrationRecorder(connection).record_applied("flow", "9999_of_a_newer_release")
    with pytest.raises(Refused, match=r"flow\.9999_of_a_newer_release"):
        newborn.bring_up_to_date()


@pytest.mark.own_files
@pytest.mark.parametrize("asked", [["nodes", "list"], ["journal", "status"], ["migrate"]])
def test_no_command_runs_on_a_database_that_is_newer(tmp_path: Path, asked: list[str]) -> None:
    """An installation that was put back beside a database that was not: what it writes, the newer one could not read."""
    with sqlite3.connect(tmp_path / "yuanjiao.sqlite3") as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE django_migrations (id INTEGER PRIMARY KEY, app TEXT, name TEXT, applied TEXT)")
        database.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('flow', '9999_of_a_newer_release', '2026-03-01')")
    database.close()
    before = (tmp_path / "yuanjiao.sqlite3").read_bytes()
    done = yuanjiao(tmp_path, *asked)
    assert done.returncode == 1
    assert "flow.9999_of_a_newer_release" in done.stderr
    assert (tmp_path / "yuanjiao.sqlite3").read_bytes() == before


@pytest.mark.parametrize("asked", [["nodes", "--help"], ["software", "put-back", "x"], ["backup", "x"], ["help"]])
def test_what_only_reads_or_puts_the_old_one_back_is_not_asked(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newborn, "require_known", lambda: pytest.fail("it was looked for"))
    newborn.refuse_newer(["yuanjiao", *asked])


@pytest.mark.own_files
@pytest.mark.parametrize("name", ["new.sqlite3", ":memory:"])
def test_what_is_migrated_anew_begins_as_the_empty_one_and_what_was_begun_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any, name: str
) -> None:
    monkeypatch.setattr(newborn, "FOLDER", tmp_path)
    django_db_blocker.unblock()
    with sqlite3.connect(newborn._empty_one()) as empty:
        empty.execute("CREATE TABLE of_the_empty_one (id INTEGER)")
    where = name if name == ":memory:" else str(tmp_path / name)
    own = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": where}}
    made = DatabaseWrapper(connections.configure_settings(own)["default"], alias="default")
    try:
        newborn.begin_with_the_empty_one(made)
        assert made.introspection.table_names() == ["of_the_empty_one"]
        with made.cursor() as cursor:
            cursor.execute("INSERT INTO of_the_empty_one VALUES (7)")
        newborn.begin_with_the_empty_one(made)
        with made.cursor() as cursor:
            assert cursor.execute("SELECT id FROM of_the_empty_one").fetchall() == [(7,)]
    finally:
        made.close()
        django_db_blocker.restore()
