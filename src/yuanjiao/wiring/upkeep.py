"""What an embedded database must be told from time to time; a server looks after itself."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

SAMPLE = 20_000
"""Rows looked at per index: enough to tell the few dark sites from all sites of a nation, and done in part of a second."""
GUESS = 100
"""Rows of a table that was empty when it was looked at. Told nothing, SQLite takes it for a large one and reads every division first."""
GUESSES = (
    "INSERT INTO sqlite_stat1 SELECT name, NULL, %s FROM sqlite_master WHERE type = 'table' AND name NOT IN (SELECT tbl FROM sqlite_stat1)"
)


def weigh_indexes(at: datetime) -> None:
    """Let SQLite count how selective its indexes are: without it a list of the few dark sites reads all sites of a nation."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit={SAMPLE}")
        cursor.execute("ANALYZE")
        cursor.execute(GUESSES, [str(GUESS)])
