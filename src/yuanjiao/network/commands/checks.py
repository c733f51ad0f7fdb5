"""What an edge found of itself and its lines: the machine's own facts, told only when they change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import structs

from yuanjiao.flow.journal.record import record
from yuanjiao.network.commands.moments import told
from yuanjiao.network.events import EdgeChecked, Finding


def record_findings(*, edge: str, findings: Sequence[Finding], at: datetime) -> int:
    """Journal the outcomes that changed, by our clock; returns how many. Nothing is written when nothing did."""
    if findings:
        record(EdgeChecked(edge=edge, findings=[structs.replace(one, at=told(one.at)) for one in findings]), at=at)
    return len(findings)
