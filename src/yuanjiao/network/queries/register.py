"""Reads of the register: who is in service, what hangs on what."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from yuanjiao.lib.errors import NotFound
from yuanjiao.network.models import Lifecycle, ManagedObject, Site
from yuanjiao.people.queries import within
from yuanjiao.places.models import Division


def object_by_code(code: str) -> ManagedObject:
    """The edge, line or site that bears `code`; NotFound otherwise."""
    row = ManagedObject.objects.select_related("division", "depends_on").filter(code=code).first()
    if row is None:
        raise NotFound(f"没有编号为 {code} 的边缘服务器、线路或站点")
    return row


def object_names(codes: Iterable[str]) -> dict[str, str]:
    """Names of the edges, lines and sites of these codes; a code nobody bears is left out."""
    return dict(ManagedObject.objects.filter(code__in=list(codes)).values_list("code", "name"))


def objects_at(place: Division) -> QuerySet[ManagedObject]:
    """Edges, lines and sites that stand directly in a place, not below it."""
    return ManagedObject.objects.filter(division__code=place.code).order_by("kind", "code")


def divisions_of(codes: Iterable[str]) -> dict[str, Division]:
    """Where the edges, lines and sites of these codes stand; a code nobody bears is left out."""
    rows = ManagedObject.objects.filter(code__in=list(codes)).select_related("division")
    return {row.code: row.division for row in rows}


def sites_in(paths: Iterable[str]) -> QuerySet[Site]:
    """Sites in service or suspended under any of the division paths, in code order."""
    wanted = Site.objects.filter(within("division__path", paths), lifecycle__in=[Lifecycle.IN_SERVICE, Lifecycle.SUSPENDED])
    return wanted.select_related("division", "depends_on").order_by("code")


def upstream(subject: ManagedObject) -> list[ManagedObject]:
    """What the object hangs on, nearest first; at most ten steps, so that a wrong register cannot loop."""
    chain: list[ManagedObject] = []
    while subject.depends_on_id and len(chain) < 10:
        subject = ManagedObject.objects.select_related("division").get(pk=subject.depends_on_id)
        chain.append(subject)
    return chain


def site_by_id(pk: int) -> Site:
    return Site.objects.select_related("division", "depends_on").get(pk=pk)


def directly_below(subject: ManagedObject) -> QuerySet[ManagedObject]:
    """What hangs directly on an object, in code order."""
    return ManagedObject.objects.filter(depends_on=subject.pk).select_related("division").order_by("kind", "code")
