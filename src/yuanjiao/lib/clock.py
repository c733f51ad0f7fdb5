"""The one place that reads the machine's clock; only doors, jobs and the command line call it (law 4)."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)


def seconds() -> float:
    """The present moment in seconds since 1970 UTC."""
    return time.time()


def today() -> date:
    """The present day in China."""
    return now().astimezone(CHINA).date()


def local_day(at: datetime) -> date:
    """The day in China on which the aware moment `at` falls."""
    return at.astimezone(CHINA).date()


def day_start(day: date) -> datetime:
    """Local midnight at which `day` begins, aware."""
    return datetime(day.year, day.month, day.day, tzinfo=CHINA)
