"""Recording: a command of a room says what happened, the journal keeps it and the same `apply_*` builds the rows.

An entry, its rows and the head move together in one transaction, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from yuanjiao.flow.journal.chain import entry_hash
from yuanjiao.flow.journal.event import Event, EventTable, Fact
from yuanjiao.flow.journal.models import Entry, Head
from yuanjiao.flow.nodes.queries import own_node

encode = msgspec.json.Encoder().encode


@cache
def event_table() -> EventTable:
    """The wired events: kind → (class, apply)."""
    table: EventTable = import_string(settings.YUANJIAO_EVENTS)
    return table


def record(event: Event, *, at: datetime) -> Fact:
    """Append one event of this machine to the journal and apply it. `at` is aware; returns where it stands."""
    return record_many([event], at=at)[0]


def record_many(events: Sequence[Event], *, at: datetime) -> list[Fact]:
    """Append several events in one transaction, in order."""
    with transaction.atomic():
        node = own_node()
        Head.objects.get_or_create(origin=node)
        head = Head.objects.select_for_update().get(origin=node)
        entries, facts, previous = [], [], bytes(head.entry_hash)
        for seq, event in enumerate(events, head.seq + 1):
            payload = encode(event)
            previous = entry_hash(previous=previous, origin=node.uid, seq=seq, at=at, kind=event.KIND, payload=payload)
            entries.append(Entry(origin=node, seq=seq, kind=event.KIND, at=at, received_at=at, payload=payload, entry_hash=previous))
            facts.append(Fact(origin=node.uid, seq=seq, at=at))
        Entry.objects.bulk_create(entries, batch_size=2000)
        head.seq, head.entry_hash = head.seq + len(entries), previous
        head.save(update_fields=["seq", "entry_hash"])
        for event, fact in zip(events, facts, strict=True):
            event_table()[event.KIND][1](event, fact)
    return facts


def apply_entry(entry: Entry) -> None:
    """Build the rows of a stored entry again or for the first time (receive, replay)."""
    kind, apply = event_table()[entry.kind]
    apply(msgspec.json.decode(bytes(entry.payload), type=kind), Fact(origin=entry.origin.uid, seq=entry.seq, at=entry.at))
