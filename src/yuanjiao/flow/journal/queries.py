"""Reads about the journal for other rooms, the command line and pages: how far each origin is, and what waits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from yuanjiao.flow.journal.models import Entry, Head, Unapplied


@dataclass(frozen=True)
class HeadNow:
    """How far one origin is: held here, sealed, acknowledged above; `refusal` is the parent's last word when it refuses."""

    node: UUID
    name: str
    is_self: bool
    seq: int
    sealed_seq: int
    acknowledged_seq: int
    refusal: str
    refused_at: datetime | None


def own_seq() -> int:
    """The number of the last entry this machine recorded; 0 before the first."""
    return Head.objects.filter(origin__is_self=True).values_list("seq", flat=True).first() or 0


def held_seq(node: UUID) -> int:
    """The number up to which this machine holds all entries of a node; 0 for none."""
    return Head.objects.filter(origin__uid=node).values_list("seq", flat=True).first() or 0


def held_seqs(nodes: Iterable[UUID]) -> dict[UUID, int]:
    """The same for many nodes; one of which nothing is held is left out."""
    return dict(Head.objects.filter(origin__uid__in=list(nodes)).values_list("origin__uid", "seq"))


def built_seq(node: UUID) -> int:
    """The number up to which the rows of all entries of a node are built here: what was set aside holds it back."""
    aside = Unapplied.objects.filter(entry__origin__uid=node).order_by("entry__seq").values_list("entry__seq", flat=True).first()
    return held_seq(node) if aside is None else aside - 1


def heads_now() -> list[HeadNow]:
    """Every origin, our own first."""
    heads = Head.objects.select_related("origin").order_by("-origin__is_self", "origin_id")
    return [
        HeadNow(h.origin.uid, h.origin.name, h.origin.is_self, h.seq, h.sealed_seq, h.acknowledged_seq, h.refusal, h.refused_at)
        for h in heads
    ]


def entry_count() -> int:
    """Entries held, of all origins."""
    return Entry.objects.count()


def unapplied_count() -> int:
    """Entries held whose rows could not be built yet."""
    return Unapplied.objects.count()


def unapplied_entries(limit: int = 200) -> list[Unapplied]:
    """What was set aside, in the order it came, with its entry and origin."""
    return list(Unapplied.objects.select_related("entry__origin").order_by("entry_id")[:limit])


def told_entries(kinds: Iterable[str], received_by: datetime | None = None) -> Iterator[tuple[UUID, str, dict[str, Any]]]:
    """(origin, kind, what was said) of the entries of these kinds in the order they came; what was set aside is left out."""
    rows = Entry.objects.filter(kind__in=list(kinds)).exclude(pk__in=Unapplied.objects.values("entry"))
    if received_by is not None:
        rows = rows.filter(received_at__lte=received_by)
    wanted = rows.order_by("pk").values_list("origin__uid", "kind", "payload")
    for origin, kind, payload in wanted.iterator(chunk_size=2000):
        yield origin, kind, json.loads(bytes(payload))
