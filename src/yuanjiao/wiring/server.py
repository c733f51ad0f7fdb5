"""granian with our options: one worker process, because the live array lives in it.

`run_server` becomes another program, the one at the end of this file: what a command loaded to look at database and settings is of
no use to the process that watches over the worker, and memory it shared with a worker would not stay shared.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from typing import NoReturn

from granian import Granian
from granian.constants import Interfaces

from yuanjiao.wiring.beside import Beside

STOP_S = 20
"""A worker that is told to end waits for answers under way; who takes an answer for ever must not keep the machine from stopping."""
WORKER = ("db_worker", "--queue-name", "*", "--interval", "1")
"""The process that takes packaging jobs from the queue in the database."""


def run_server(application: str, *, host: str, port: int, reload: bool = False, packaging: bool = False) -> NoReturn:
    """Answer requests until the process is told to end. `application` is a name in wiring/application.py; `packaging` runs beside it."""
    flags = [flag for flag, wanted in (("--reload", reload), ("--packaging", packaging)) if wanted]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "yuanjiao.wiring.server", application, host, str(port), *flags])


def main() -> None:
    """Watch over the worker; knows neither Django nor the rooms."""
    parser = ArgumentParser()
    parser.add_argument("application")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--reload", action="store_true")
    parser.add_argument("--packaging", action="store_true")
    asked = parser.parse_args()
    with Beside(WORKER) if asked.packaging else nullcontext():
        Granian(
            f"yuanjiao.wiring.application:{asked.application}",
            address=asked.host,
            port=asked.port,
            interface=Interfaces.RSGI,
            workers=1,
            blocking_threads=1,
            workers_kill_timeout=STOP_S,
            reload=asked.reload,
            log_access=False,
            websockets=False,
        ).serve()


if __name__ == "__main__":
    main()
