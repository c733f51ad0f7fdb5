"""What a withdrawn item left behind: which machines below have proved that it is gone there, which have not, since when (CW13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import child_nodes
from yuanjiao.lib.errors import NotFound
from yuanjiao.programmes.models import CatalogueTaken, Departure


@dataclass(frozen=True)
class Gone:
    """One machine below and one departed item. `waiting_since` is when the item was withdrawn, while it is not proved gone there.

    `version` and `heard_at` are the newest catalogue the machine said it has, 0 and None when it never said so.
    """

    name: str
    subject: str
    kind: str
    confirmed_at: datetime | None
    version: int
    heard_at: datetime | None
    waiting_since: datetime | None


def departures_seen() -> QuerySet[Departure]:
    """Every departure, the newest first, with how many machines proved it."""
    rows: QuerySet[Departure] = Departure.objects.annotate(proved=Count("confirmed"))
    return rows.order_by("-withdrawn_at", "-pk")


def departure_for(pk: int) -> Departure:
    row = Departure.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound("没有这次撤下")
    return row


def open_departures() -> QuerySet[Departure]:
    return Departure.objects.filter(over=False)


def gone_from(departure: Departure) -> list[Gone]:
    """Every machine below that is still believed, those without proof first."""
    proved = dict(departure.confirmed.values_list("origin", "at"))
    heard = {row.origin: row for row in CatalogueTaken.objects.all()}
    nodes = [node for node in child_nodes() if node.revoked_at is None]
    found = [_gone(node, departure, proved.get(node.uid), heard.get(node.uid)) for node in nodes]
    return sorted(found, key=lambda one: (one.confirmed_at is not None, one.kind, one.name))


def _gone(node: Node, departure: Departure, at: datetime | None, heard: CatalogueTaken | None) -> Gone:
    return Gone(
        name=node.name,
        subject=node.subject_code,
        kind=node.get_kind_display(),
        confirmed_at=at,
        version=heard.version if heard else 0,
        heard_at=heard.taken_at if heard else None,
        waiting_since=None if at else departure.withdrawn_at,
    )


def machines_below() -> int:
    return sum(node.revoked_at is None for node in child_nodes())
