"""What an embedded database must be told from time to time; a server looks after itself."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

SAMPLE = 1000
"""Rows looked at per index: enough to tell a rare state from a common one, and done in a moment whatever the size."""


def weigh_indexes(at: datetime) -> None:
    """Let SQLite count how selective its indexes are: without it a list of the few dark sites reads all sites of a nation."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit={SAMPLE}")
        cursor.execute("ANALYZE")
