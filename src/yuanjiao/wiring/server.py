"""granian with our options: one worker process, because the live array lives in it."""

from __future__ import annotations

import gc
import importlib

from django.db import connections
from granian import Granian
from granian.constants import Interfaces

STOP_S = 20
"""A worker that is told to end waits for answers under way; who takes an answer for ever must not keep the machine from stopping."""


def run_server(application: str, *, host: str, port: int, reload: bool = False) -> None:
    """Answer requests until the process is told to end. `application` is a name in wiring/application.py."""
    if not reload:  # the worker is forked: what is loaded here it need not load again. One that reloads must load anew.
        importlib.import_module("yuanjiao.wiring.application")
        importlib.import_module("yuanjiao.wiring.urls")
    connections.close_all()  # no connection is carried over the fork
    gc.collect()
    gc.freeze()  # what is loaded stays shared between parent and worker: the collector writes into all it looks at
    Granian(
        f"yuanjiao.wiring.application:{application}",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=1,
        blocking_threads=1,
        workers_kill_timeout=STOP_S,
        reload=reload,
        log_access=False,
        websockets=False,
    ).serve()
