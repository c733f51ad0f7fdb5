"""A home that was never used begins with a copy of the empty database; one that was used is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from yuanjiao.wiring import newborn

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases are not copied")


@pytest.fixture
def target(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(newborn, "FOLDER", tmp_path)
    path = tmp_path / "home.sqlite3"
    settings.DATABASES = {"default": {"NAME": path}}
    return path


def test_a_new_home_begins_with_the_copy_and_a_used_one_is_left_alone(target: Path) -> None:
    newborn._empty_one().write_bytes(b"empty")
    newborn._copy_the_empty_one()
    assert target.read_bytes() == b"empty"
    target.write_bytes(b"used")
    newborn._copy_the_empty_one()
    assert target.read_bytes() == b"used"


def test_an_empty_database_of_other_migrations_is_not_taken(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newborn._empty_one().write_bytes(b"old")
    monkeypatch.setattr(newborn, "_digest", lambda: "of newer migrations")
    newborn._copy_the_empty_one()
    assert not target.exists()
