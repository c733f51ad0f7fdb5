"""The small clock: one thread per job, inside the server process; a failing job is logged and tried again at its next turn."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext

from django.db import close_old_connections, connection

from yuanjiao.lib import clock
from yuanjiao.lib.disk import disk_trouble
from yuanjiao.lib.errors import Conflict, Unavailable, YuanjiaoError
from yuanjiao.lib.precedence import READERS
from yuanjiao.wiring.jobs import Job

log = logging.getLogger(__name__)
LEAST_PAUSE = 0.2
"""A job that takes longer than its period still rests for this part of it: no job may take a whole core."""

RARE_S, FIRST_S = 60.0, 5.0
"""A job that comes as rarely as `RARE_S` begins `FIRST_S` after the start: whoever waits for the first page comes first."""
KEPT_S = 60.0
"""How long a job that comes often keeps its connection to the database."""


class Engine:
    """Runs jobs until stopped, each turn a period after the last began. A job never overlaps itself; a long one only delays its own."""

    def __init__(self, jobs: Sequence[Job], role: str) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(job,), name=job.name, daemon=True) for job in jobs if role in job.roles]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, patience_s: float = 10.0) -> None:
        """Ask every job to end after its present turn and wait for them, at most `patience_s` seconds in all."""
        self._stop.set()
        for thread in self._threads:
            thread.join(patience_s / max(len(self._threads), 1))

    def _loop(self, job: Job) -> None:
        if job.every_s >= RARE_S:
            self._stop.wait(FIRST_S)
        kept_since = time.monotonic()
        while not self._stop.is_set():
            begun = time.monotonic()
            well = run_once(job)
            if not well or time.monotonic() - kept_since + job.every_s > KEPT_S:
                close_old_connections()
                kept_since = time.monotonic()
            took = time.monotonic() - begun
            self._stop.wait(pause_s(job, took))


def pause_s(job: Job, took_s: float) -> float:
    """Seconds to rest after a turn: until the next one is due, and long enough for the job to keep within its share of a core."""
    return max(job.every_s - took_s, job.every_s * LEAST_PAUSE, took_s * (1 / job.share - 1))


def _rest() -> None:
    """Between two turns a connection stays open (to open one costs SQLite more than most turns do), but keeps no pages in memory."""
    if connection.vendor == "sqlite" and connection.connection is not None:
        connection.connection.execute("PRAGMA shrink_memory")


def run_once(job: Job) -> bool:
    """One turn of one job; the worker's border, where errors are caught broadly. True when it went well."""
    try:
        with READERS.giving_way() if job.share < 1.0 else nullcontext():
            job.run(clock.now())
        _rest()
    except (Conflict, Unavailable) as error:
        log.info("%s: %s", job.name, error.message)
    except YuanjiaoError as error:
        log.error("%s: %s: %s", job.name, type(error).__name__, error.message)
    except Exception as error:
        if words := disk_trouble(error):  # every job says so at each turn: one line of it is enough
            log.error("%s: %s", job.name, words)
        else:
            log.exception("%s failed", job.name)
    else:
        return True
    return False
