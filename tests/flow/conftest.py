"""Machines and made-up events for the tests of the flow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests.flow import happenings
from tests.simulator import World, make_blank_database
from yuanjiao.flow.journal import applying


@pytest.fixture
def happenings_wired(settings: object) -> Iterator[None]:
    """The journal knows the events of happenings.py and no others."""
    settings.YUANJIAO_EVENTS = "tests.flow.happenings.EVENTS"  # type: ignore[attr-defined]
    applying.event_table.cache_clear()
    yield
    happenings.cured.clear()
    applying.event_table.cache_clear()


@pytest.fixture(scope="session")
def blank_database(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Path:
    with django_db_blocker.unblock():
        return make_blank_database(tmp_path_factory.mktemp("blank") / "yuanjiao.sqlite3")


@pytest.fixture
def world(tmp_path: Path, blank_database: Path, db: None, at: datetime) -> Iterator[World]:
    """No machines yet; the true time is `at`."""
    made = World(tmp_path / "world", blank_database, at)
    yield made
    made.close()
