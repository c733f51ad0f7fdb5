"""Building rows from entries: runs of one kind at once where the room can, and entries that cannot be applied set aside.

An entry that is held is never lost and never blocks the rest without a word: when its rows cannot be built it gets an
`Unapplied` row with the reason, is counted, shown by `yuanjiao journal status`, and tried again (jobs, `journal retry`, replay).
What the machine is at fault for (disk, database, line) is not the entry's fault and goes up to the caller.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils.module_loading import import_string

from yuanjiao.flow.journal.event import Event, EventTable, Fact, InBulk
from yuanjiao.flow.journal.models import Entry, Unapplied
from yuanjiao.flow.journal.segment import Chained
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.errors import Unavailable

log = logging.getLogger(__name__)
NOT_THE_ENTRY = (OperationalError, InterfaceError, Unavailable, MemoryError)
Pair = tuple[Event, Fact]


@cache
def event_table() -> EventTable:
    """The wired events: kind → (class, apply)."""
    table: EventTable = import_string(settings.YUANJIAO_EVENTS)
    return table


def unknown_kinds(kinds: Iterable[str]) -> list[str]:
    """The kinds this node's programme does not know."""
    return sorted(set(kinds) - event_table().keys())


def apply_pairs(pairs: Sequence[Pair]) -> None:
    """Apply events in order; a run of one kind goes to its bulk apply in one call. Raises whatever an apply raises."""
    for kind, run in groupby(pairs, key=lambda pair: pair[0].KIND):
        apply = event_table()[kind][1]
        if isinstance(apply, InBulk):
            apply.many(list(run))
            continue
        for event, fact in run:
            apply(event, fact)


def apply_fresh(origin: Node, entries: Sequence[Chained], *, at: datetime) -> int:
    """Apply entries of one origin that were just appended, inside the caller's transaction; returns how many were set aside."""
    if _goes_well(lambda: [(_decode(e.kind, e.payload), Fact(origin.uid, e.seq, e.at)) for e in entries]):
        return 0
    stored = Entry.objects.filter(origin=origin, seq__gte=entries[0].seq, seq__lte=entries[-1].seq).order_by("seq")
    return sum(not apply_or_set_aside(entry, at=at) for entry in stored.select_related("origin"))


def apply_entries(entries: Sequence[Entry], *, at: datetime) -> int:
    """Apply stored entries in order inside the caller's transaction; returns how many had to be set aside."""
    if _goes_well(lambda: [pair_of(entry) for entry in entries]):
        return 0
    return sum(not apply_or_set_aside(entry, at=at) for entry in entries)


def _goes_well(pairs: Callable[[], Sequence[Pair]]) -> bool:
    """Apply all at once; False, and nothing applied, when one of them is at fault: then they are taken one by one."""
    try:
        with transaction.atomic():
            apply_pairs(pairs())
    except NOT_THE_ENTRY:
        raise
    except Exception as error:  # the receiving border
        log.info("a run of entries is applied one by one: %s: %s", type(error).__name__, error)
        return False
    return True


def apply_or_set_aside(entry: Entry, *, at: datetime) -> bool:
    """Apply one stored entry; when its rows cannot be built, note why. True when they are built."""
    try:
        with transaction.atomic():
            apply_pairs([pair_of(entry)])
    except NOT_THE_ENTRY:
        raise
    except Exception as error:  # the receiving border: one bad entry must not stop an origin
        _set_aside(entry, f"{type(error).__name__}: {error}"[:300], at)
        return False
    Unapplied.objects.filter(entry=entry).delete()
    return True


def retry_set_aside(at: datetime) -> int:
    """Try again what was set aside, in its order; returns how many could be applied now."""
    healed = 0
    for waiting in Unapplied.objects.select_related("entry__origin").order_by("entry_id"):
        with transaction.atomic():
            healed += apply_or_set_aside(waiting.entry, at=at)
    return healed


def pair_of(entry: Entry) -> Pair:
    """A stored entry as what an apply takes; raises msgspec.ValidationError when it is not of its kind."""
    return _decode(entry.kind, bytes(entry.payload)), Fact(origin=entry.origin.uid, seq=entry.seq, at=entry.at)


def _decode(kind: str, payload: bytes) -> Event:
    return msgspec.json.decode(payload, type=event_table()[kind][0])


def _set_aside(entry: Entry, reason: str, at: datetime) -> None:
    log.error("entry %s set aside: %s", entry, reason)
    row, fresh = Unapplied.objects.get_or_create(entry=entry, defaults={"reason": reason, "since": at, "tried_at": at})
    if not fresh:
        row.reason, row.tried_at, row.tries = reason, at, row.tries + 1
        row.save(update_fields=["reason", "tried_at", "tries"])
