"""Official channels and what was published on them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from yuanjiao.courseware.queries import released_uids
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.programmes.models import Outlet, Publication, PublicationState


def outlets_managed_by(by: Actor) -> QuerySet[Outlet]:
    """Channels of the subtrees whose columns the person manages, with how many items stand there and how many did not come through."""
    rows: QuerySet[Outlet] = Outlet.objects.filter(within("unit__division__path", by.paths(Permission.MANAGE_COLUMNS)))
    counted = {
        "published": Count("publications", filter=Q(publications__state=PublicationState.PUBLISHED)),
        "failed": Count("publications", filter=Q(publications__state=PublicationState.FAILED)),
    }
    return rows.select_related("unit__division").annotate(**counted).order_by("ended_on", "name", "pk")


def outlet_for(by: Actor, uid: UUID) -> Outlet:
    row = outlets_managed_by(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这个媒体，或不在您的范围内")
    return row


def publications_managed_by(by: Actor) -> QuerySet[Publication]:
    """Every publication on these channels, the newest first."""
    rows = Publication.objects.filter(within("outlet__unit__division__path", by.paths(Permission.MANAGE_COLUMNS)))
    return rows.select_related("outlet__unit__division").order_by("-asked_at", "-pk")


def publication_for(by: Actor, uid: UUID) -> Publication:
    row = publications_managed_by(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这次发布，或不在您的范围内")
    return row


def withdrawn_here(rows: Iterable[Publication]) -> set[UUID]:
    """Items of these that stand on a channel though they are not released here any more."""
    standing = {row.item_uid for row in rows if row.state == PublicationState.PUBLISHED}
    return standing - released_uids(standing)
