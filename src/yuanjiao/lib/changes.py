"""Whether anything at all was written to the database since one looked: a stamp that costs microseconds and needs no cooperation.

SQLite counts the commits of others (`PRAGMA data_version`), PostgreSQL tells where its log ends. An equal stamp means: nothing
was written in between. Another stamp means that something was, of whatever kind.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from django.db import DatabaseError, connections


class Changes:
    """Asks over a connection of its own, which never writes."""

    def __init__(self, using: str = "default", *, file: Path | None = None) -> None:
        """`file`: an SQLite file other than the one of the settings."""
        self._using, self._name = using, file
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None

    def stamp(self) -> object:
        """The state of the database; a stamp equal to no other while the database does not answer."""
        with self._lock:
            try:
                return self._sqlite() if connections[self._using].vendor == "sqlite" else self._postgres()
            except (DatabaseError, sqlite3.Error):
                self._file = None
                return object()

    def _sqlite(self) -> object:
        if self._file is None:
            name = self._name or connections[self._using].settings_dict["NAME"]
            self._file = sqlite3.connect(f"file:{name}?mode=ro", uri=True, check_same_thread=False, isolation_level=None)
        return self._file.execute("PRAGMA data_version").fetchone()[0], id(self._file)

    def _postgres(self) -> object:
        connection = connections[self._using]
        connection.close_if_unusable_or_obsolete()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
            return cursor.fetchone()[0]
