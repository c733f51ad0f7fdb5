"""What the nodes above must know of nodes below: the key of each node enrolled, and each revocation, as events of the journal.

The nodes folder lies below the journal, so the journal asks it for what is untold, before every shipping.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction

from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.journal.keeping import hash_at
from yuanjiao.flow.journal.models import Head
from yuanjiao.flow.journal.record import locked_head, record_many
from yuanjiao.flow.nodes import commands as nodes
from yuanjiao.flow.nodes.models import Node, Untold
from yuanjiao.flow.nodes.moving import Came, former_scope, know_moved, last_place, may_be_called
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
    last_seq: int | None = None
    """Where it took another scope, or came from another parent: its last entry of before."""
    start_seq: int = 0
    start_hash: bytes = bytes(32)
    """Entries up to `start_seq` lie with a former parent; who does not know the node begins behind it."""
    former_scope: str = ""
    """What its subtree was called before: who was cut off goes on with that name."""


class Acknowledged(msgspec.Struct, frozen=True):
    """Up to which entry of a node the old parent has all of them."""

    node: UUID
    seq: int


class NodeMoved(Event, frozen=True, kw_only=True):
    """The recorder itself goes to another parent: what it records after this is told there."""

    KIND: ClassVar[str] = "flow.node_moved/1"

    parent: UUID
    parent_name: str
    moved_at: datetime
    below: Sequence[Acknowledged] = ()
    """Of the nodes below the recorder: what of them the old parent has may still come from there. Not said before."""


class NodeRevoked(Event, frozen=True, kw_only=True):
    """A node is not believed any more; its entries up to `last_seq` reached the recorder before and stay true."""

    KIND: ClassVar[str] = "flow.node_revoked/1"

    node: UUID
    reason: str
    last_seq: int
    revoked_at: datetime


def apply_enrolled(event: NodeEnrolled, fact: Fact) -> None:
    """Refused, and so set aside, when the recorder may not let this node in."""
    scope, came = scope_given(fact.origin, event.scope, fact), Came(event.last_seq, event.start_seq, event.start_hash)
    nodes.know_node(
        uid=event.node,
        kind=event.kind,
        name=event.name,
        public_key=event.public_key,
        subject_code=event.subject_code,
        scope=scope,
        at=event.enrolled_at,
        told_by=fact.origin,
        came=came,
    )
    if event.former_scope:
        may_be_called(uid=event.node, scope=scope, former=event.former_scope, came=came, spoken=fact, at=event.enrolled_at)


def apply_moved(event: NodeMoved, fact: Fact) -> None:
    below = {one.node: one.seq for one in event.below}
    know_moved(uid=fact.origin, to=event.parent, to_name=event.parent_name, seq=fact.seq, below=below, at=event.moved_at)


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
        start, place = start_above(node), last_place(node)
        events.append(
            NodeEnrolled(
                node=node.uid,
                kind=node.kind,
                name=node.name,
                public_key=bytes(node.public_key),
                subject_code=node.subject_code,
                scope=node.scope,
                enrolled_at=node.enrolled_at,
                last_seq=place.first_seq - 1 if place is not None and place.first_seq else None,
                start_seq=start.seq,
                start_hash=start.entry_hash,
                former_scope=former_scope(node),
            )
        )
    if node.untold in {Untold.REVOKED, Untold.BOTH} and node.revoked_at is not None:
        last = locked_head(node).seq  # locked: a segment of it that is just being taken in counts or is refused, never both
        events.append(NodeRevoked(node=node.uid, reason=node.revoked_reason, last_seq=last, revoked_at=node.revoked_at))
    return events


class Start(NamedTuple):
    """An entry of an origin, by its number and hash."""

    seq: int
    entry_hash: bytes


def start_above(node: Node) -> Start:
    """Behind which entry of a node whoever is above, and new to it, begins."""
    head = Head.objects.filter(origin=node).select_related("origin").first()
    if head is None or head.spared_seq < node.start_seq:
        return Start(node.start_seq, bytes(node.start_hash))
    return Start(head.spared_seq, hash_at(head, head.spared_seq) or GENESIS)
