"""Checkpoints of SQLite beside a long run of transactions, on a second connection in a second thread.

A transaction that leaves more than 1,000 pages in the write-ahead log carries them over into the database file itself, and whoever
committed waits. In a storm of hundreds of megabytes that is a tenth of the whole. What makes a commit durable is the log alone
(`synchronous=FULL`); to carry it over is no more than tidying up, which another core can do.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

log = logging.getLogger(__name__)
AUTOMATIC_PAGES = 1000
"""What SQLite does by itself."""
PAUSE_S = 0.5
PATIENCE_MS = 500
"""How long the end waits for readers of the old log before it leaves the log as long as it is."""


@contextmanager
def checkpoints_beside(connection: BaseDatabaseWrapper | None = None) -> Iterator[None]:
    """Inside, commits of this thread do not checkpoint: a thread beside does. Nothing on a database server or in memory."""
    connection = connection or connections["default"]
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or connection.in_atomic_block or ":memory:" in name or "mode=memory" in name:
        yield
        return
    done = threading.Event()
    beside = threading.Thread(target=_tidy, args=(name, done), name="checkpoints", daemon=True)
    _automatic(connection, 0)
    beside.start()
    try:
        yield
    finally:
        done.set()
        beside.join()
        _automatic(connection, AUTOMATIC_PAGES)


def _automatic(connection: BaseDatabaseWrapper, pages: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA wal_autocheckpoint={pages}")


def _tidy(name: str, done: threading.Event) -> None:
    database = sqlite3.connect(name, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous=FULL")
        database.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        while not done.wait(PAUSE_S):
            database.execute("PRAGMA wal_checkpoint(PASSIVE)")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:  # the next commit that finds the log long does it by itself
        log.warning("the log of the database was not carried over: %s", error)
    finally:
        database.close()
