"""What a withdrawn item left behind: which machines below have proved that it is gone there, which have not, since when (CW13)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet

from yuanjiao.flow.blobs.inviting import prefer_by
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import child_nodes
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.programmes.models import CatalogueStep, CatalogueTaken, Departure


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


def concerning(paths: Iterable[str]) -> Q:
    """Rows whose `path` lies in these subtrees or above them."""
    paths = list(paths)
    above = {path[: end + 1] for path in paths for end, letter in enumerate(path) if letter == "/"}
    return within("path", paths) | Q(path__in=above)


def departures_seen(paths: Iterable[str], machines: Iterable[Node]) -> QuerySet[Departure]:
    """The departures that concern these subtrees, the newest first, with how many of the machines `proved` them.

    What was made above a subtree stands in it as much as what was made there; what was made beside it is the business of others.
    """
    rows = Departure.objects.filter(concerning(paths))
    proved = Count("confirmed", filter=Q(confirmed__origin__in=[node.uid for node in machines]))
    return rows.annotate(proved=proved).order_by("-withdrawn_at", "-pk")


def departure_for(pk: int, paths: Iterable[str]) -> Departure:
    row = departures_seen(paths, []).filter(pk=pk).first()
    if row is None:
        raise NotFound("没有这次撤下")
    return row


def open_departures() -> QuerySet[Departure]:
    return Departure.objects.filter(over=False)


def gone_from(departure: Departure, machines: Iterable[Node]) -> list[Gone]:
    """What each of the machines proved, those without proof first."""
    proved = dict(departure.confirmed.values_list("origin", "at"))
    heard = {row.origin: row for row in CatalogueTaken.objects.all()}
    found = [_gone(node, departure, proved.get(node.uid), heard.get(node.uid)) for node in machines]
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


def machines_below(paths: Iterable[str]) -> list[Node]:
    """The machines below that are still believed and serve places of these subtrees."""
    paths = tuple(paths)
    return [node for node in child_nodes() if node.revoked_at is None and node.scope.startswith(paths)]


def whole_versions(origins: Collection[UUID]) -> dict[UUID, int]:
    """The newest catalogue each of these machines has said it has with all its files."""
    rows = CatalogueStep.objects.filter(origin__in=origins).values_list("origin")
    return dict(rows.annotate(newest=Max("version")))


prefer_by(whole_versions)
