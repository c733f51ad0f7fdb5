"""Building rows from entries: many at once where the room can, and entries that cannot be applied set aside.

Kinds that come by the thousand lie mixed in a journal, in the order in which things happened. What commutes (`InBulk`) is gathered
from a whole stretch and applied in one call per apply; everything else is applied at its place.

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

from yuanjiao.flow.journal.event import Apply, Event, EventTable, Fact, InBulk
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
    """Apply events; the rows are those of applying one after the other. Inside the caller's transaction, as a whole or not at all: raises
    whatever an apply raises, and then nothing may stay."""
    for commuting, stretch in groupby(pairs, key=lambda pair: _commutes(_apply_of(pair))):
        for apply, run in _gathered(stretch) if commuting else groupby(stretch, key=_apply_of):
            _apply_run(apply, list(run))


def _apply_run(apply: Apply, run: Sequence[Pair]) -> None:
    if isinstance(apply, InBulk):
        apply.many(run)
        return
    for event, fact in run:
        apply(event, fact)


def _gathered(stretch: Iterable[Pair]) -> Iterable[tuple[Apply, Sequence[Pair]]]:
    """Each apply of the stretch once, with all its events in their order; always in the order of the table, so that two who
    write at once take rows in one order."""
    runs: dict[Apply, list[Pair]] = {apply: [] for _, apply in event_table().values()}
    for pair in stretch:
        runs[_apply_of(pair)].append(pair)
    return [(apply, run) for apply, run in runs.items() if run]


def _apply_of(pair: Pair) -> Apply:
    return event_table()[pair[0].KIND][1]


def _commutes(apply: Apply) -> bool:
    return isinstance(apply, InBulk) and apply.commutes


def apply_fresh(origin: Node, entries: Sequence[Chained], *, at: datetime) -> int:
    """Apply entries of one origin that were just appended, inside the caller's transaction; returns how many were set aside."""
    if _goes_well(lambda: [(_decode(e.kind, e.payload), Fact(origin.uid, e.seq, e.at)) for e in entries]):
        return 0
    stored = Entry.objects.filter(origin=origin, seq__gte=entries[0].seq, seq__lte=entries[-1].seq).order_by("seq")
    return _apply_halves(list(stored.select_related("origin")), at)


def apply_entries(entries: Sequence[Entry], *, at: datetime) -> int:
    """Apply stored entries in order inside the caller's transaction; returns how many had to be set aside."""
    if len(entries) > 1 and _goes_well(lambda: [pair_of(entry) for entry in entries]):
        return 0
    return _apply_halves(entries, at)


def _apply_halves(entries: Sequence[Entry], at: datetime) -> int:
    """One of them is at fault: halved until it stands alone. The rest still goes in bulk, else one bad entry would hold the writer of
    an embedded database for seconds."""
    if len(entries) <= 1:
        return sum(not apply_or_set_aside(entry, at=at) for entry in entries)
    middle = len(entries) // 2
    return apply_entries(entries[:middle], at=at) + apply_entries(entries[middle:], at=at)


def _goes_well(pairs: Callable[[], Sequence[Pair]]) -> bool:
    """Apply all at once; False, and nothing applied, when one of them is at fault: then they are taken in parts."""
    try:
        with transaction.atomic():
            apply_pairs(pairs())
    except NOT_THE_ENTRY:
        raise
    except Exception as error:  # the receiving border
        log.info("a run of entries is applied in parts: %s: %s", type(error).__name__, error)
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


def retry_set_aside(at: datetime, only: Iterable[int] | None = None) -> int:
    """Try again what was set aside (`only`: these entries of it), in its order; returns how many could be applied now."""
    healed, rows = 0, Unapplied.objects.select_related("entry__origin").order_by("entry_id")
    for waiting in rows if only is None else rows.filter(pk__in=list(only)):
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
