"""Whether another machine of ours answers now. For people who wait before a browser: a line that needs longer carries no film either."""

from __future__ import annotations

import threading
import time

WAIT_S = 3.0
REMEMBERED_S = 10.0
_lately: dict[str, tuple[float, bool]] = {}
_asking = threading.Lock()


def answers(address: str) -> bool:
    """Ask the machine at `address` now."""
    import httpx  # where it is needed: a machine that asks nobody starts without it

    try:
        return httpx.get(address.rstrip("/") + "/healthz", timeout=WAIT_S, trust_env=False).status_code == 200
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def answered_lately(address: str) -> bool:
    """The same for pages that anybody opens: asked at most once in ten seconds, however many come."""
    with _asking:
        until, found = _lately.get(address, (0.0, False))
        if time.monotonic() >= until:
            found = answers(address)
            _lately[address] = (time.monotonic() + REMEMBERED_S, found)
        return found
