"""A process kept running beside the server: when it ends by itself it is started again, a little later each time."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

log = logging.getLogger(__name__)
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
STEADY_S = 60.0
"""After so long its end is a new matter, and the wait begins anew."""


class Beside:
    """Runs `yuanjiao <arguments>` until `stop`; use as a context."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._line = [sys.executable, "-m", "yuanjiao.wiring", *arguments]
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name=f"beside {arguments[0]}", daemon=True)

    def __enter__(self) -> Beside:
        self._start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ask it to end in order; SIGKILL after 20 s."""
        self._stop.set()
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._line, env=os.environ.copy())

    def _keep(self) -> None:
        wait = FIRST_WAIT_S
        while self._process is not None:
            begun = time.monotonic()
            code = self._process.wait()
            if self._stop.is_set():
                return
            wait = FIRST_WAIT_S if time.monotonic() - begun > STEADY_S else min(wait * 2, LONGEST_WAIT_S)
            log.warning("%s ended (%s), starting it again in %.0f s", self._thread.name, code, wait)
            if self._stop.wait(wait):
                return
            self._start()
