"""The database before a release touches it comes back as it was, wherever that was cut, and nobody makes a new one meanwhile."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from django.test import override_settings

from tests.flow.test_forks import say, told
from tests.simulator import Machine, World
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.lib.errors import Refused, Tampered
from yuanjiao.wiring.edge import keeping
from yuanjiao.wiring.newborn import require_whole

pytestmark = [pytest.mark.django_db, pytest.mark.own_files]


@pytest.fixture
def edge(world: World) -> Machine:
    """It has recorded two things; a copy of its database lies in software/before."""
    made = world.machine("edge", "edge")
    say(made, "一", "二")
    (made.home / "software/before").mkdir(parents=True)
    with made.here():
        keeping.keep_database(made.home / "software/before")
    return made


def migrated_by_another(edge: Machine) -> None:
    """What a release that is not well leaves: a table more, and a log that is not written back."""
    edge.stop()
    opened = sqlite3.connect(edge.home / "yuanjiao.sqlite3", isolation_level=None)
    opened.execute("PRAGMA journal_mode=WAL")
    opened.execute("CREATE TABLE left_behind (what TEXT)")
    (edge.home / "log").write_bytes((edge.home / "yuanjiao.sqlite3-wal").read_bytes())
    opened.close()
    (edge.home / "log").rename(edge.home / "yuanjiao.sqlite3-wal")


def put_back(edge: Machine) -> None:
    with edge.here():
        keeping.put_database_back(edge.home / "software/before")
    edge.restart()


def tables(path: Path) -> set[str]:
    opened = sqlite3.connect(path)
    found = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    opened.close()
    return found


def test_the_database_comes_back_and_what_was_left_is_kept_aside(edge: Machine) -> None:
    migrated_by_another(edge)
    put_back(edge)
    assert told(edge) == ["一", "二"]
    say(edge, "三")
    with edge.here():
        assert verify_journal().faults == []
    assert "left_behind" not in tables(edge.home / "yuanjiao.sqlite3")
    assert "left_behind" in tables(edge.home / "software" / keeping.ABANDONED)
    assert not (edge.home / "restoring").exists()


@pytest.mark.parametrize("step", [1, 2, 3])
def test_cut_at_any_rename_nobody_starts_and_the_second_time_ends_well(edge: Machine, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    migrated_by_another(edge)
    real, done = os.replace, list[object]()

    def cut(source: object, target: object) -> None:
        done.append(target)
        if len(done) == step:
            raise InterruptedError
        real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", cut)
    with edge.here(), pytest.raises(InterruptedError):
        keeping.put_database_back(edge.home / "software/before")
    with override_settings(HOME=edge.home), pytest.raises(Refused):
        require_whole()
    monkeypatch.undo()
    put_back(edge)
    assert told(edge) == ["一", "二"]
    assert not (edge.home / "restoring").exists()


def test_where_there_is_no_room_for_two_the_database_comes_back_in_the_room_of_the_one_that_goes(
    edge: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated_by_another(edge)
    abandoned, real = edge.home / "software" / keeping.ABANDONED, shutil.copyfile
    abandoned.write_bytes(b"of an earlier release")

    def small_disk(source: Path, part: Path) -> None:
        if abandoned.exists() or (edge.home / "yuanjiao.sqlite3").exists():
            part.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, part)

    monkeypatch.setattr(shutil, "copyfile", small_disk)
    put_back(edge)
    assert told(edge) == ["一", "二"]
    assert not abandoned.exists()
    assert not (edge.home / "restoring").exists()


def test_a_copy_that_is_spoilt_is_not_put_in_the_place_of_anything(edge: Machine) -> None:
    before = edge.home / "software/before/database.sqlite3"
    content = bytearray(before.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = os.urandom(4096)
    before.write_bytes(bytes(content))
    with edge.here(), pytest.raises((Tampered, sqlite3.DatabaseError)):
        keeping.put_database_back(edge.home / "software/before")
    assert told(edge) == ["一", "二"]
    before.unlink()
    with edge.here(), pytest.raises(Refused):
        keeping.put_database_back(edge.home / "software/before")
