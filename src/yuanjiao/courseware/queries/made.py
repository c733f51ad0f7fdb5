"""Released items by who made them and when, as plans and contests need them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from yuanjiao.courseware.models import Courseware
from yuanjiao.courseware.rules.life import State


@dataclass(frozen=True)
class Made:
    """One released item. `unit` is the key of the unit that made it, `path` its division."""

    uid: UUID
    title: str
    unit: int
    unit_name: str
    path: str
    released_at: datetime


def made_items(
    *, under: str, since: datetime | None = None, until: datetime | None = None, topic: str = "", column: UUID | None = None
) -> list[Made]:
    """Released items made by units under a division path, released in [since, until).

    Of a column; or labelled with the topic, or with its words in title or summary.
    """
    rows = Courseware.objects.filter(state=State.RELEASED, unit__division__path__startswith=under)
    if since is not None:
        rows = rows.filter(released_at__gte=since)
    if until is not None:
        rows = rows.filter(released_at__lt=until)
    if column is not None:
        rows = rows.filter(placements__column__uid=column)
    elif topic:
        rows = rows.filter(Q(topics__name__iexact=topic) | Q(topics__code=topic) | Q(title__icontains=topic) | Q(summary__icontains=topic))
    found = rows.select_related("unit__division").distinct().order_by("-released_at", "-pk")
    return [
        Made(row.uid, row.title, row.unit_id, row.unit.name, row.unit.division.path, row.released_at)
        for row in found
        if row.released_at is not None
    ]
