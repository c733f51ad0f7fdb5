"""Reads of the dated stories: where one object stood and when, and who is out of service by which decision (OPS19)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from yuanjiao.network.models import Lifecycle, ManagedObject, ObjectKind, Placement
from yuanjiao.people.queries import within


def placement_story(subject: ManagedObject) -> list[Placement]:
    """Every span of one object's story, the newest first."""
    return list(Placement.objects.filter(object=subject.pk).select_related("division").order_by("-valid_from"))


def suspended_sites(paths: Iterable[str]) -> QuerySet[Placement]:
    """Spans in which a site was out of the denominator by decision, newest first; the open ones still are."""
    rows = Placement.objects.filter(
        within("division__path", paths), object__kind=ObjectKind.SITE, lifecycle__in=[Lifecycle.SUSPENDED, Lifecycle.RETIRED]
    )
    return rows.select_related("object", "division").order_by("-valid_from", "object__code")
