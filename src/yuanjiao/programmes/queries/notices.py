"""Urgent notices: what stands now, and where each has come to — objects, never persons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from yuanjiao.lib.errors import NotFound
from yuanjiao.network import queries as network
from yuanjiao.network.models import Edge, Site
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.programmes.models import Acknowledgement, Notice
from yuanjiao.programmes.queries.scopes import audiences, shown_at


def standing(at: datetime) -> Q:
    """Notices in force at a moment."""
    return Q(recalled_at=None, starts_at__lte=at, ends_at__gt=at)


def notices_now(*, at: datetime, path: str | None = None) -> list[Notice]:
    """Notices in force for the terminals of a place, the newest first. None asks for all."""
    return list(Notice.objects.filter(standing(at), shown_at("scope", path)).select_related("unit").order_by("-starts_at", "-pk"))


def untold_notices(*, at: datetime, subject: str, path: str) -> list[Notice]:
    """Notices in force for a place that its machine has not told the arrival of."""
    told = Acknowledgement.objects.filter(subject=subject, taken_at__isnull=False).values("notice_uid")
    return list(Notice.objects.filter(standing(at), shown_at("scope", path)).exclude(uid__in=told).order_by("pk"))


def notices_seen_by(by: Actor) -> QuerySet[Notice]:
    """Notices that concern a place the person sees the network of."""
    wanted = Q(pk__in=[])
    for path in by.paths(Permission.SEE_NETWORK):
        wanted |= Q(scope__startswith=path) | Q(scope__in=audiences(path))
    return Notice.objects.filter(wanted).select_related("unit__division").order_by("-starts_at", "-pk")


def notice_by_uid(uid: UUID) -> Notice:
    row = Notice.objects.filter(uid=uid).select_related("unit__division").first()
    if row is None:
        raise NotFound("没有这条通知")
    return row


@dataclass(frozen=True)
class Reach:
    """Where a notice stands at one object. `waiting_since` is the moment from which it is not confirmed (or not arrived)."""

    code: str
    name: str
    place: str
    edge: str
    taken_at: datetime | None
    confirmed_at: datetime | None
    via: str
    waiting_since: datetime

    @property
    def stage(self) -> str:
        """confirmed, taken (arrived, nobody confirmed it yet), or waiting (not arrived)."""
        return "confirmed" if self.confirmed_at else "taken" if self.taken_at else "waiting"


def site_reach(notice: Notice, by: Actor) -> list[Reach]:
    """Every site in service of the notice's scope that the person may see: not arrived first, then not confirmed, then confirmed.

    A site without a machine of its own has it from the moment its edge has it: its television asks the edge.
    """
    edge_of, said = _edges_by_holder(), {row.subject: row for row in Acknowledgement.objects.filter(notice_uid=notice.uid)}
    sites = network.sites_in([notice.scope]).filter(within("division__path", by.paths(Permission.SEE_NETWORK)))
    found = [_site(notice, site, edge_of.get(site.depends_on_id or 0), said) for site in sites]
    return sorted(found, key=lambda one: (("waiting", "taken", "confirmed").index(one.stage), one.waiting_since, one.code))


def _site(notice: Notice, site: Site, edge: Edge | None, said: dict[str, Acknowledgement]) -> Reach:
    own, edges = said.get(site.code), said.get(edge.code) if edge else None
    moments = [row.taken_at for row in (own, edges) if row is not None and row.taken_at is not None]
    confirmed_at = own.confirmed_at if own else None
    taken_at = min(moments, default=confirmed_at)
    since = confirmed_at or taken_at or notice.starts_at
    name = edge.name if edge else ""
    return Reach(site.code, site.name, site.division.name, name, taken_at, confirmed_at, own.confirmed_via if own else "", since)


def _edges_by_holder() -> dict[int, Edge]:
    """The edge behind each object a site may hang on: a line of the edge, or the edge itself."""
    edges = {edge.pk: edge for edge in network.edges()}
    holders = dict(edges)
    for line in network.lines():
        if line.depends_on_id in edges:
            holders[line.pk] = edges[line.depends_on_id]
    return holders


def edge_reach(notice: Notice, by: Actor) -> list[Reach]:
    """Every edge that serves a place of the scope: whether its machine has taken the notice in."""
    said = {row.subject: row for row in Acknowledgement.objects.filter(notice_uid=notice.uid)}
    seen = within("division__path", by.paths(Permission.SEE_NETWORK))
    touched = Q(division__path__startswith=notice.scope) | Q(division__path__in=audiences(notice.scope))
    found = []
    for edge in network.edges().filter(seen & touched):
        taken_at = said[edge.code].taken_at if edge.code in said else None
        found.append(Reach(edge.code, edge.name, edge.division.name, "", taken_at, None, "", taken_at or notice.starts_at))
    return sorted(found, key=lambda one: (one.taken_at is not None, one.code))
