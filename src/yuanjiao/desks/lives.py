"""Where a live programme is watched from: this machine, which takes the signal in or passes it on from the one above (0073, 0086)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from yuanjiao.flow.nodes.line import answered_lately
from yuanjiao.programmes.queries import LiveNow

LONGEST_S = 300


def stream_of(one: LiveNow) -> str:
    """What the addresses of its stream begin with; empty while the machine above, which passes it on to us, is not reached."""
    parent = settings.PARENT.rstrip("/")
    return f"/onair/{one.uid}/" if one.here or (parent and answered_lately(parent)) else ""


def again_s(one: LiveNow, stream: str, at: datetime) -> int:
    """Seconds until a page without a stream should come again; 0 when there is nothing to wait for."""
    if stream or one.phase == "over":
        return 0
    return 20 if one.on_air else max(5, min(LONGEST_S, int((one.starts_at - at).total_seconds()) + 1))
