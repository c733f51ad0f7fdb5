"""Recording: a command of a room says what happened, the journal keeps it and the same `apply_*` builds the rows.

An entry, its rows and the head move together in one transaction, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db import transaction

from yuanjiao.flow.journal.append import append
from yuanjiao.flow.journal.applying import apply_pairs, pair_of
from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.journal.models import Entry, Head
from yuanjiao.flow.journal.segment import Written, chain
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import Refused

encode = msgspec.json.Encoder().encode
MAX_PAYLOAD_BYTES = 256 * 1024
"""Facts are small; what is larger is a file and travels as a blob."""


def record(event: Event, *, at: datetime) -> Fact:
    """Append one event of this machine to the journal and apply it. `at` is aware; returns where it stands."""
    return record_many([event], at=at)[0]


def record_many(events: Sequence[Event], *, at: datetime) -> list[Fact]:
    """Append several events in one transaction, in order. Refused when one is larger than a fact may be."""
    if not events:
        return []
    written = [_write(event, at) for event in events]
    with transaction.atomic():
        node = own_node()
        head = locked_head(node)
        entries = chain(origin=node.uid, first_seq=head.seq + 1, previous=bytes(head.entry_hash), entries=written)
        append(node, entries, received_at=at)
        head.seq, head.entry_hash = entries[-1].seq, entries[-1].entry_hash
        head.save(update_fields=["seq", "entry_hash"])
        facts = [Fact(origin=node.uid, seq=entry.seq, at=at) for entry in entries]
        apply_pairs(list(zip(events, facts, strict=True)))
    return facts


def apply_entry(entry: Entry) -> None:
    """Build the rows of one stored entry, again or for the first time; raises whatever its apply raises."""
    apply_pairs([pair_of(entry)])


def locked_head(node: Node) -> Head:
    """The head of an origin, made at first use and held until the transaction ends: one writer per origin.

    What a former parent of the node has is not waited for: the head begins behind it.
    """
    start, begun = node.start_seq, bytes(node.start_hash)
    Head.objects.get_or_create(
        origin=node,
        defaults={
            "seq": start,
            "entry_hash": begun,
            "sealed_seq": start,
            "acknowledged_seq": start,
            "kept_from": start + 1,
            "kept_hash": begun,
        },
    )
    return Head.objects.select_for_update().get(origin=node)


def _write(event: Event, at: datetime) -> Written:
    payload = encode(event)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Refused(f"一条记录过大（{len(payload)} 字节，最多 {MAX_PAYLOAD_BYTES} 字节）")
    return Written(at, event.KIND, payload)
