"""Appending entries: one statement for a whole run, because a month's backlog is millions of them.

The ORM's bulk_create costs more than all proofs of a segment together (bench/journal.py). Every column of the model but its key is in
`COLUMNS`, and a test says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.journal.segment import Chained
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.rows import insert

COLUMNS = ("origin_id", "seq", "kind", "at", "received_at", "payload", "entry_hash")


def append(origin: Node, entries: Sequence[Chained], *, received_at: datetime) -> None:
    """Write entries of one origin inside the caller's transaction; the named constraint refuses a number that is taken."""
    insert(Entry, COLUMNS, ((origin.pk, e.seq, e.kind, e.at, received_at, e.payload, e.entry_hash) for e in entries))
