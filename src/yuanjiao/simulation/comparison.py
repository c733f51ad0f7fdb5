"""The system's findings beside the truth: which true faults became a root outage of the right object and class, what was invented.

A true fault counts as findable when it lasted longer than a beat's period with its grace, doubled, and nothing above it was broken during
all of its time (then the object above is the root, rightly). Faults that touch each other on one object are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from yuanjiao.network.queries import OutageView, detected_outages
from yuanjiao.simulation.behaviour import TrueFault

SLACK = timedelta(minutes=3)
FINDABLE = timedelta(minutes=5)


@dataclass(frozen=True)
class Comparison:
    """Counts of one comparison; `missed` and `invented` are listed by object and time."""

    findable: int
    found: int
    right_class: int
    missed: tuple[str, ...]
    invented: tuple[str, ...]

    def text(self) -> str:
        share = f"{self.found / self.findable:.1%}" if self.findable else "—"
        classes = f"{self.right_class / self.found:.1%}" if self.found else "—"
        lines = [
            f"可发现的真实故障 {self.findable}，查到根源 {self.found}（{share}），类别正确 {self.right_class}（{classes}）",
            f"没有查到 {len(self.missed)}，凭空认定 {len(self.invented)}",
            *(f"  漏 {text}" for text in self.missed[:20]),
            *(f"  误 {text}" for text in self.invented[:20]),
        ]
        return "\n".join(lines)


def read_truth(path: Path) -> list[TrueFault]:
    rows: list[dict[str, Any]] = [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
    return [TrueFault(**{**row, **{key: _moment(row[key]) for key in ("start", "end", "reported_at")}}) for row in rows]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def compare(truth: Sequence[TrueFault], outages: Sequence[OutageView] | None = None) -> Comparison:
    """Compare the truth with the outages of its time (all roots of the whole city when none are given)."""
    start, end = min(fault.start for fault in truth), max(fault.end for fault in truth)
    found_roots = list(detected_outages("/", start - SLACK, end)) if outages is None else list(outages)
    findable = [fault for fault in truth if _is_findable(fault, truth)]
    hits = [(fault, _match(fault, found_roots)) for fault in findable]
    missed = tuple(f"{fault.object_code} {fault.start:%m-%d %H:%M}–{fault.end:%H:%M}" for fault, hit in hits if hit is None)
    right = sum(1 for fault, hit in hits if hit is not None and hit.fault_class == fault.fault_class)
    invented = tuple(f"{row.code} {row.started_at:%m-%d %H:%M}" for row in found_roots if not _is_true(row, truth))
    return Comparison(len(findable), sum(hit is not None for _, hit in hits), right, missed, invented)


def _names(code: str) -> set[str]:
    """An edge and its uplink are dark together; either may be named as the root."""
    return {code, "U" + code[1:]} if code.startswith("E-") else {code, "E" + code[1:]} if code.startswith("U-") else {code}


def _is_findable(fault: TrueFault, truth: Sequence[TrueFault]) -> bool:
    above = [other for other in truth if other.object_code != fault.object_code and _is_above(other, fault)]
    hidden = any(other.start - SLACK <= fault.start and fault.end <= other.end + SLACK for other in above)
    return fault.end - fault.start >= FINDABLE and not hidden


def _is_above(other: TrueFault, fault: TrueFault) -> bool:
    county = fault.object_code[2:8]
    if other.object_kind in {"edge", "uplink"}:
        return other.object_code[2:8] == county and fault.object_kind in {"site", "line", "uplink", "edge"}
    return other.object_kind == "line" and fault.object_kind == "site" and fault.object_code[2:11] == other.object_code[2:11]


def _match(fault: TrueFault, roots: Sequence[OutageView]) -> OutageView | None:
    for row in roots:
        overlaps = row.started_at <= fault.end + SLACK and (row.ended_at is None or row.ended_at >= fault.start - SLACK)
        if row.code in _names(fault.object_code) and overlaps:
            return row
    return None


def _is_true(row: OutageView, truth: Sequence[TrueFault]) -> bool:
    """Something truly was broken at the object, or above it, when the outage began."""
    for fault in truth:
        lies_in = fault.start - SLACK <= row.started_at <= fault.end + SLACK
        covers = row.code in _names(fault.object_code) or (
            fault.object_kind in {"edge", "uplink"} and row.code[2:8] == fault.object_code[2:8]
        )
        covers = covers or (fault.object_kind == "line" and row.code[2:11] == fault.object_code[2:11])
        if lies_in and covers:
            return True
    return False
