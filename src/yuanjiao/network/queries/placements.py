"""Reads of the dated stories: where one object stood and when, what a site was, and who is out of service by which decision (OPS19)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from yuanjiao.network.models import FormerLabels, Lifecycle, ManagedObject, ObjectKind, Placement, Site
from yuanjiao.people.queries import within


def placement_story(subject: ManagedObject) -> list[Placement]:
    """Every span of one object's story, the newest first."""
    return list(Placement.objects.filter(object=subject.pk).select_related("division").order_by("-valid_from"))


@dataclass(frozen=True)
class LabelSpan:
    """What one site was over the days [since, until), None for no end; as words."""

    since: date | None
    until: date | None
    site_kind: str
    access_mode: str
    programmes: str


def label_story(site: Site) -> list[LabelSpan]:
    """What one site was and is, the newest first."""
    rows: list[FormerLabels | Site] = [*FormerLabels.objects.filter(site=site.pk).order_by("until"), site]
    since: date | None = None
    spans = []
    for row in rows:
        until = row.until if isinstance(row, FormerLabels) else None
        spans.append(LabelSpan(since, until, row.get_site_kind_display(), row.get_access_mode_display(), row.programmes))
        since = until
    return spans[::-1]


def suspended_sites(paths: Iterable[str]) -> QuerySet[Placement]:
    """Spans in which a site was out of the denominator by decision, newest first; the open ones still are."""
    rows = Placement.objects.filter(
        within("division__path", paths), object__kind=ObjectKind.SITE, lifecycle__in=[Lifecycle.SUSPENDED, Lifecycle.RETIRED]
    )
    return rows.select_related("object", "division").order_by("-valid_from", "object__code")
