"""Reads of what edges find of themselves and their lines."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from yuanjiao.network.models import EdgeCheck
from yuanjiao.people.queries import within


def edge_checks_now(paths: Iterable[str]) -> QuerySet[EdgeCheck]:
    """The open span of each check by edges under the division paths, failing ones first."""
    rows = EdgeCheck.objects.filter(within("edge__division__path", paths), until=None)
    return rows.select_related("edge", "subject").order_by("ok", "edge__code", "kind", "subject__code")
