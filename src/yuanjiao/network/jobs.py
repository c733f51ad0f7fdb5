"""Timed work of the network: the sweep with its marks, the edge's beat to its parent, the diagnosis at the top."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import zstandard

from yuanjiao.flow.journal.queries import own_seq
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.flow.wire.client import Line, parent_line
from yuanjiao.lib.errors import Refused
from yuanjiao.network.commands import confirm_words, note_deafness, record_transitions, set_mark
from yuanjiao.network.diagnosis import diagnose
from yuanjiao.network.live import LISTENER, Listener
from yuanjiao.network.models import ListeningMark

MARK_S = 10.0
DEAF_S = 30.0
"""A shorter pause of the listener cannot hide a missed beat: silence is judged from period and grace."""


def sweep(at: datetime, *, listener: Listener = LISTENER) -> int:
    """One turn: own up to a pause of ours, keep the edges' words, journal who came back and who fell silent."""
    now, own = at.timestamp(), own_node()
    if not listener.started_at:
        listener.started_at = now
    if listener.wants_reload(now):
        listener.reload(own, top=own.kind == NodeKind.CENTRE, now=now)
    _own_up(listener, own, at)
    confirm_words(words=listener.take_words(), at=at)
    with listener.lock:
        transitions = listener.array.sweep(now)
    if transitions:
        record_transitions(transitions=transitions, at=at)
        with listener.lock:
            listener.array.settle(transitions)
    listener.swept_at = now
    if now - listener.marked_at >= MARK_S or now < listener.marked_at:
        set_mark(observer=own.uid, at=at)
        listener.marked_at = now
    return len(transitions)


def _own_up(listener: Listener, own: Node, at: datetime) -> None:
    """Time since the last sweep (or, after a start, since the last mark) in which nobody listened is journalled as deaf."""
    now, last = at.timestamp(), listener.swept_at or _last_mark(own)
    deaf = bool(last) and now - last > DEAF_S
    if deaf:
        note_deafness(start=datetime.fromtimestamp(last, UTC), at=at)
    with listener.lock:
        if deaf:
            listener.array.forget(now)
        elif not listener.swept_at:
            listener.array.listening_since = now


def _last_mark(own: Node) -> float:
    at = ListeningMark.objects.filter(observer=own.uid).values_list("at", flat=True).first()
    return at.timestamp() if at else 0.0


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


def diagnose_outages(at: datetime, *, listener: Listener = LISTENER) -> None:
    """The diagnosis with what the live array heard."""
    diagnose(at=at, heard=listener.last_heard())
