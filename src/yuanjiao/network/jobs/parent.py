"""What a machine below tells the one above: its own beat with what it heard."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import zstandard

from yuanjiao.flow.journal.queries import own_seq
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.flow.wire.client import Line, parent_line
from yuanjiao.lib.errors import Refused
from yuanjiao.network.live import LISTENER, Listener


def beat_parent(at: datetime, *, listener: Listener = LISTENER, line: Line | None = None) -> int:
    """Send this node's own beat with the last beats of what it observes, in one signed request; returns how many were taken.

    Nothing to do before enrolment. Unavailable when the line is dead; the next turn tries again.
    """
    own = own_node()
    if parent_node() is None or not listener.swept_at:
        return 0
    through = listener.swept_at
    body = {
        "node": str(own.uid),
        "sent_at": at.isoformat(),
        "boot_at": datetime.fromtimestamp(listener.started_at, UTC).isoformat(),
        "observed_through": datetime.fromtimestamp(through, UTC).isoformat(),
        "journal_seq": own_seq(),
        "beats": _recent(listener, at.timestamp()),
    }
    packed = zstandard.ZstdCompressor(level=3).compress(msgspec.json.encode(body))
    answer = (line or parent_line()).post("/beat", packed, headers={"content-encoding": "zstd", "content-type": "application/json"})
    if answer.status_code != 200:
        raise Refused(f"上级节点没有接受心跳（{answer.status_code}）：{answer.text[:200]}")
    return int(answer.json()["accepted"])


def _recent(listener: Listener, now: float) -> list[tuple[str, float]]:
    """What was heard within the last two periods: [code, seconds ago]."""
    array = listener.array
    young = np.flatnonzero((array.last > 0) & (now - array.last <= 2 * array.period) & (array.flags != 0))
    return [(array.codes[place], round(float(now - array.last[place]), 1)) for place in young]
