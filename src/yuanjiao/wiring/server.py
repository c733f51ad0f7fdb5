"""granian with our options: one worker process, because the live array lives in it."""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces


def run_server(application: str, *, host: str, port: int, reload: bool = False) -> None:
    """Answer requests until the process is told to end. `application` is a name in wiring/asgi.py."""
    Granian(
        f"yuanjiao.wiring.asgi:{application}",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=1,
        blocking_threads=1,
        reload=reload,
        log_access=False,
        websockets=False,
    ).serve()
