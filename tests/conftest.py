"""What every test stands on: a HOME of its own and the cast. The environment is cleaned by tests/environment.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as rules

from tests.encoded import use_what_was_encoded
from tests.kept_cast import cast_again
from tests.storage import s3, storage
from yuanjiao.simulation.cast import PASSWORD, Cast

DATABASE = frozenset({"db", "transactional_db", "django_db_setup"})
"""Fixtures of whoever asks the database."""
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""The moment tests begin at: a Monday in March, 16:00 in China."""

# a test asserts no times, not even by a library's default: on a busy machine everything is slow
rules.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
rules.load_profile("house")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, settings: object) -> None:
    """Files of one test are not seen by the next."""
    settings.HOME = tmp_path  # type: ignore[attr-defined]
    settings.MEDIA_ROOT = tmp_path / "uploads"  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def fast_passwords(settings: object, request: pytest.FixtureRequest) -> None:
    """Argon2 is slow by design; only the test of log-in itself pays for it."""
    if "real_passwords" not in request.keywords:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def encoded_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Films that several tests show are encoded for the first of them (tests/encoded.py)."""
    use_what_was_encoded(request, monkeypatch)


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def cast(db: None) -> Cast:
    """The small city (simulation/cast.py)."""
    return cast_again(AT)


@pytest.fixture
def log_in(cast: Cast) -> Iterator[object]:
    """log_in("xianguan") gives a browser-like client of that person."""

    def enter(username: str) -> Client:
        client = Client()
        client.force_login(cast.accounts[username], backend="django.contrib.auth.backends.ModelBackend")
        return client

    return enter


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long ones begin first; the others keep their (random) order. What asks no database is not run again on another one."""
    if os.environ.get("TEST_DATABASE"):
        config.hook.pytest_deselected(items=[item for item in items if not _asks_the_database(item)])
        items[:] = [item for item in items if _asks_the_database(item)]
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def _asks_the_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or not DATABASE.isdisjoint(fixtures)


__all__ = ["AT", "PASSWORD", "s3", "settings", "storage"]
