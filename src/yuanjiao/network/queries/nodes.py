"""Which edge runs a node, and how far its record is complete here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from yuanjiao.flow.nodes.queries import child_nodes
from yuanjiao.network.models import Watermark


@dataclass(frozen=True)
class EdgeNode:
    """The node of one edge: enrolled when, revoked when, its record complete to when, its clock against ours in seconds; `moved_at` and
    `moved_to` when it has gone to another parent (it is then revoked here too)."""

    name: str
    enrolled_at: datetime
    revoked_at: datetime | None
    held_through: datetime | None
    boot_at: datetime | None
    offset_s: float
    moved_at: datetime | None = None
    moved_to: str = ""


def edge_nodes() -> dict[str, EdgeNode]:
    """Code of the edge → its newest node."""
    marks = {mark.observer: mark for mark in Watermark.objects.all()}
    found = {}
    for node in child_nodes():
        mark = marks.get(node.uid)
        found[node.subject_code] = EdgeNode(
            name=node.name,
            enrolled_at=node.enrolled_at,
            revoked_at=node.revoked_at,
            held_through=mark.held_through if mark else None,
            boot_at=mark.boot_at if mark else None,
            offset_s=mark.offset_s if mark else node.clock_offset_s,
            moved_at=node.moved_at,
            moved_to=node.moved_to_name,
        )
    return found
