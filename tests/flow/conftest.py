"""Machines and made-up events for the tests of the flow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from tests.flow import happenings
from tests.flow.moving import Land
from tests.flow.notices import LOCAL, NOTICES
from tests.flow.publishing import COUNTY, OTHER, Centre
from tests.simulator import World, make_blank_database
from yuanjiao.flow.blobs import fetch
from yuanjiao.flow.catalogue import shelf as shelves_table
from yuanjiao.flow.catalogue.trust import pin_root
from yuanjiao.flow.journal import applying
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.models import Node


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lives in a simulated world has SQLite files of its own."""
    for item in items:
        if "world" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.own_files)


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


@pytest.fixture
def centre(db: None, tmp_path: Path, settings: Any, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    """A centre that has published its first notices; this machine is an edge of one county that trusts it."""
    settings.YUANJIAO_SHELVES = "tests.flow.notices.SHELVES"
    settings.HOME = tmp_path / "edge"
    shelves_table.shelves.cache_clear()
    monkeypatch.setattr(fetch, "PAUSE_S", 0.0)
    NOTICES.texts, NOTICES.blobs, LOCAL.texts, LOCAL.blobs = ("开学了",), (), ("本县通知",), ()
    ensure_self(at=at)
    Node.objects.filter(is_self=True).update(scope=COUNTY)
    for number, scope in enumerate((COUNTY, OTHER)):
        Node.objects.create(kind="edge", name=scope, public_key=bytes([number]) * 32, scope=scope, enrolled_at=at)
    made = Centre(tmp_path / "centre")
    made.publish(at)
    pin_root(made.root)
    yield made
    shelves_table.shelves.cache_clear()


@pytest.fixture
def seen_wired(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The journal knows what is seen at a place (moving.py); the catalogue is the notices."""
    settings.YUANJIAO_EVENTS = "tests.flow.moving.EVENTS"
    settings.YUANJIAO_SHELVES = "tests.flow.notices.SHELVES"
    monkeypatch.setattr(fetch, "PAUSE_S", 0.0)
    NOTICES.texts, NOTICES.blobs, LOCAL.texts, LOCAL.blobs = ("开学了",), (), (), ()
    for table in (applying.event_table, shelves_table.shelves):
        table.cache_clear()
    yield
    for table in (applying.event_table, shelves_table.shelves):
        table.cache_clear()


@pytest.fixture
def land(world: World, seen_wired: None) -> Land:
    """Everybody has said one thing, and everybody above knows it."""
    made = Land(world)
    made.see(made.county, "搬前")
    made.see(made.village, "村里搬前")
    made.ship()
    return made
