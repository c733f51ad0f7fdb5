"""The dead man's beat of the centre itself: a watcher outside raises the alarm when it stays away (DEADMAN_URL)."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError

from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.live import LISTENER, Listener

log = logging.getLogger(__name__)
TIMEOUT_S = 10.0
LATE_SWEEPS = 10
STUCK_S = 10.0


def tell_alive(at: datetime, *, listener: Listener = LISTENER) -> bool:
    """Ask for the watcher's address, but only while sweep, intake and database are well; True when it was reached."""
    if not settings.DEADMAN_URL:
        return False
    import httpx  # where it is needed: few have a watcher

    if ailing := ailment(at, listener):
        log.error("no sign of life is given: %s", ailing)
        return False
    try:
        return httpx.get(settings.DEADMAN_URL, timeout=TIMEOUT_S).is_success
    except httpx.HTTPError as error:
        log.warning("the watcher at DEADMAN_URL was not reached: %s", error)
        return False


def ailment(at: datetime, listener: Listener) -> str:
    """What is wrong with this machine's own listening; empty when nothing is."""
    now = at.timestamp()
    if not listener.loaded_at:
        return "the register is not loaded"
    if now - listener.swept_at > LATE_SWEEPS * settings.SWEEP_S:
        return f"no sweep for {now - listener.swept_at:.0f} s"
    if listener.ticked_at and now - listener.ticked_at > STUCK_S:
        return f"the intake is stuck for {now - listener.ticked_at:.0f} s"
    try:
        own_node()
    except (DatabaseError, NotFound) as error:
        return f"the database does not answer: {error}"
    return ""
