"""Reads about the journal for other rooms, the command line and pages: how far each origin is, and what waits."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet

from yuanjiao.flow.journal.models import Entry, Fork, Head, Unapplied
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.moving import last_place


@dataclass(frozen=True)
class HeadNow:
    """How far one origin is: held here, sealed, acknowledged above; `refusal` is the parent's last word when it refuses.

    Entries before `kept_from` lie in archive files; `forks` counts the segments of another story that nobody has told again.
    """

    node: UUID
    name: str
    is_self: bool
    seq: int
    sealed_seq: int
    acknowledged_seq: int
    refusal: str
    refused_at: datetime | None
    kept_from: int = 1
    forks: int = 0


def own_seq() -> int:
    """The number of the last entry this machine recorded; 0 before the first."""
    return Head.objects.filter(origin__is_self=True).values_list("seq", flat=True).first() or 0


def own_last_at() -> datetime | None:
    """When this machine recorded its newest entry that is not in an archive file, by its own clock as it stood then."""
    return Entry.objects.filter(origin__is_self=True).order_by("-seq").values_list("at", flat=True).first()


def former_seq() -> int:
    """The number of the last entry recorded before the place this machine asks for. It may be asking for the one it has just taken:
    that began where it began, as long as the parent has nothing of it."""
    own = Node.objects.filter(is_self=True).first()
    place = last_place(own) if own is not None else None
    began = place.first_seq if place is not None else 0
    return began - 1 if began and not Head.objects.filter(origin=own, acknowledged_seq__gte=began).exists() else own_seq()


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
    forked = dict(Fork.objects.filter(retold_by=None).values_list("origin").annotate(n=Count("pk")))
    return [
        HeadNow(
            node=head.origin.uid,
            name=head.origin.name,
            is_self=head.origin.is_self,
            seq=head.seq,
            sealed_seq=head.sealed_seq,
            acknowledged_seq=head.acknowledged_seq,
            refusal=head.refusal,
            refused_at=head.refused_at,
            kept_from=head.kept_from,
            forks=forked.get(head.pk, 0),
        )
        for head in heads
    ]


@dataclass(frozen=True)
class Untold:
    """What the parent has not acknowledged yet, of this machine and those below: how many entries, and when the oldest was recorded."""

    entries: int
    since: datetime | None


def untold() -> Untold:
    """What still has to go up."""
    heads = list(Head.objects.filter(seq__gt=F("acknowledged_seq")))
    firsts = [Entry.objects.filter(origin_id=h.origin_id, seq=h.acknowledged_seq + 1).values_list("at", flat=True).first() for h in heads]
    return Untold(sum(h.seq - h.acknowledged_seq for h in heads), min((at for at in firsts if at is not None), default=None))


def kept_forks() -> list[Fork]:
    """Segments of another story than the one held here, with who told them again, in the order they came."""
    return list(Fork.objects.select_related("origin", "retold_by").order_by("pk"))


def entry_count() -> int:
    """Entries held, of all origins, in archive files too."""
    return sum(Head.objects.values_list("seq", flat=True))


def nodes_of_journals() -> list[Node]:
    """Every node of which entries are held here."""
    return [head.origin for head in Head.objects.select_related("origin")]


def unapplied_count(nodes: Collection[UUID] | None = None) -> int:
    """Entries held, of these nodes or of all, whose rows could not be built yet."""
    rows = Unapplied.objects.all()
    return (rows if nodes is None else rows.filter(entry__origin__uid__in=list(nodes))).count()


def unapplied_entries(limit: int = 200) -> list[Unapplied]:
    """What was set aside, in the order it came, with its entry and origin."""
    return list(Unapplied.objects.select_related("entry__origin").order_by("entry_id")[:limit])


def troubled_nodes() -> list[Node]:
    """Nodes of whose entries something is set aside here, or is refused by our parent; in the order of enrolment."""
    aside = Q(pk__in=Unapplied.objects.values("entry__origin"))
    return list(Node.objects.filter(aside | Q(pk__in=Head.objects.exclude(refusal="").values("origin"))).order_by("enrolled_at", "pk"))


def set_aside_of(nodes: Iterable[UUID]) -> QuerySet[Unapplied]:
    """What was set aside of these nodes, with its entry and origin, in the order it came."""
    return Unapplied.objects.filter(entry__origin__uid__in=list(nodes)).select_related("entry__origin").order_by("entry_id")


def refused_heads() -> list[HeadNow]:
    """Origins of whose entries our parent refuses the next ones, our own first."""
    return [head for head in heads_now() if head.refusal]


def told_entries(kinds: Iterable[str], received_by: datetime | None = None) -> Iterator[tuple[UUID, str, dict[str, Any]]]:
    """(origin, kind, what was said) of the entries of these kinds in the order they came; what was set aside is left out."""
    rows = Entry.objects.filter(kind__in=list(kinds)).exclude(pk__in=Unapplied.objects.values("entry"))
    if received_by is not None:
        rows = rows.filter(received_at__lte=received_by)
    wanted = rows.order_by("pk").values_list("origin__uid", "kind", "payload")
    for origin, kind, payload in wanted.iterator(chunk_size=2000):
        yield origin, kind, json.loads(bytes(payload))
