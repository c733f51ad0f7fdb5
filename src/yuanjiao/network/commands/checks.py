"""What an edge found of itself and its lines: the machine's own facts, told only when they change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from yuanjiao.flow.journal.record import record
from yuanjiao.network.events import EdgeChecked, Finding


def record_findings(*, edge: str, findings: Sequence[Finding], at: datetime) -> int:
    """Journal the outcomes that changed; returns how many. Nothing is written when nothing did."""
    if findings:
        record(EdgeChecked(edge=edge, findings=list(findings)), at=at)
    return len(findings)
