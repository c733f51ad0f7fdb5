"""The prober's process beside the server: started at the first active probe, and ended with the server."""

from __future__ import annotations

import os
from datetime import datetime

from yuanjiao.network.queries import any_probe
from yuanjiao.wiring.beside import Beside

_running: list[Beside] = []


def keep_prober(at: datetime) -> None:
    """Start the process when there is something to ask and it does not run; it ends by itself with this one."""
    del at
    if not _running and any_probe():
        prober = Beside(("probe", "--child-of", str(os.getpid())))
        prober.__enter__()
        _running.append(prober)
