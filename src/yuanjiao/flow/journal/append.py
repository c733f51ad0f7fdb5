"""Appending entries: one statement for a whole run, because a month's backlog is millions of them.

The ORM's bulk_create costs more than all proofs of a segment together (bench/journal.py), so the driver's executemany is used;
every column of the model but its key is in `COLUMNS`, and a test says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.journal.segment import Chained
from yuanjiao.flow.nodes.models import Node

COLUMNS = ("origin_id", "seq", "kind", "at", "received_at", "payload", "entry_hash")


def append(origin: Node, entries: Sequence[Chained], *, received_at: datetime) -> None:
    """Write entries of one origin inside the caller's transaction; the named constraint refuses a number that is taken."""
    moment = connection.ops.adapt_datetimefield_value
    received = moment(received_at)
    rows = [(origin.pk, e.seq, e.kind, moment(e.at), received, e.payload, e.entry_hash) for e in entries]
    with connection.cursor() as cursor:
        cursor.executemany(_insert(), rows)


def _insert() -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(name) for name in COLUMNS)
    return f"INSERT INTO {quote(Entry._meta.db_table)} ({columns}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"
