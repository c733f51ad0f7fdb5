"""The one place that reads the machine's clock; only doors, jobs and the command line call it (law 4).

Two times are told. `now` is the machine's own: facts, logs and files carry it. `civil` is what people live by: the own clock put right by
what the machine above says, where there is one (flow/wire/parents_time.py); what is on today and what is over goes by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)


def seconds() -> float:
    """The present moment in seconds since 1970 UTC."""
    return time.time()


def steady_s() -> float:
    """Seconds by a clock that nobody sets and that goes on while the machine sleeps (where there is such a one)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@cache
def boot_id() -> str:
    """Names this run of the machine from power on to power off; empty where the system does not tell: then no two starts are the same."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


_civil_ahead_s: Callable[[], float] = lambda: 0.0  # noqa: E731


def put_right_by(ahead_s: Callable[[], float]) -> None:
    """Whoever knows says how many seconds the time people live by is ahead of the machine's clock."""
    global _civil_ahead_s
    _civil_ahead_s = ahead_s


def civil(at: datetime) -> datetime:
    """A present moment of the machine's clock as people live it."""
    ahead_s = _civil_ahead_s()
    return at + timedelta(seconds=ahead_s) if ahead_s else at


def civil_now() -> datetime:
    """The present moment as people live it, aware, UTC."""
    return civil(now())


def today() -> date:
    """The present day in China, as people live it."""
    return civil_now().astimezone(CHINA).date()


def local_day(at: datetime) -> date:
    """The day in China on which the aware moment `at` falls."""
    return at.astimezone(CHINA).date()


def day_start(day: date) -> datetime:
    """Local midnight at which `day` begins, aware."""
    return datetime(day.year, day.month, day.day, tzinfo=CHINA)
