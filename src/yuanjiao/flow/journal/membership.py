"""What the nodes above must know of nodes below: the key of each node enrolled, and each revocation, as events of the journal.

The nodes folder lies below the journal, so the journal asks it for what is untold, before every shipping.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import transaction

from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.journal.record import locked_head, record_many
from yuanjiao.flow.nodes import commands as nodes
from yuanjiao.flow.nodes.models import Node, Untold
from yuanjiao.flow.nodes.queries import scope_given, untold_nodes


class NodeEnrolled(Event, frozen=True, kw_only=True):
    """A node was let in by the recorder. `public_key` is its 32 bytes."""

    KIND: ClassVar[str] = "flow.node_enrolled/1"

    node: UUID
    kind: str
    name: str
    public_key: bytes
    subject_code: str
    scope: str
    enrolled_at: datetime


class NodeRevoked(Event, frozen=True, kw_only=True):
    """A node is not believed any more; its entries up to `last_seq` reached the recorder before and stay true."""

    KIND: ClassVar[str] = "flow.node_revoked/1"

    node: UUID
    reason: str
    last_seq: int
    revoked_at: datetime


def apply_enrolled(event: NodeEnrolled, fact: Fact) -> None:
    """Refused, and so set aside, when the recorder may not let this node in."""
    nodes.know_node(
        uid=event.node,
        kind=event.kind,
        name=event.name,
        public_key=event.public_key,
        subject_code=event.subject_code,
        scope=scope_given(fact.origin, event.scope),
        at=event.enrolled_at,
        told_by=fact.origin,
    )


def apply_revoked(event: NodeRevoked, fact: Fact) -> None:
    nodes.know_revoked(uid=event.node, reason=event.reason, last_seq=event.last_seq, at=event.revoked_at, told_by=fact.origin)


def announce_nodes(*, at: datetime) -> int:
    """Record what is untold about nodes enrolled or revoked here; returns how many nodes."""
    untold = untold_nodes()
    for node in untold:
        with transaction.atomic():
            record_many(_events_about(node), at=at)
            nodes.mark_told(node=node)
    return len(untold)


def _events_about(node: Node) -> list[Event]:
    events: list[Event] = []
    if node.untold in {Untold.ENROLLED, Untold.BOTH}:
        events.append(
            NodeEnrolled(
                node=node.uid,
                kind=node.kind,
                name=node.name,
                public_key=bytes(node.public_key),
                subject_code=node.subject_code,
                scope=node.scope,
                enrolled_at=node.enrolled_at,
            )
        )
    if node.untold in {Untold.REVOKED, Untold.BOTH} and node.revoked_at is not None:
        last = locked_head(node).seq  # locked: a segment of it that is just being taken in counts or is refused, never both
        events.append(NodeRevoked(node=node.uid, reason=node.revoked_reason, last_seq=last, revoked_at=node.revoked_at))
    return events
