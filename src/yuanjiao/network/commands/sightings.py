"""Boxes as the operator's own platform has seen them (requirements c9): further evidence, never a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from yuanjiao.lib.errors import NotFound
from yuanjiao.network.models import BoxSighting, Site
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission

BATCH = 500
KEEP = timedelta(days=60)
"""Verdicts quote what they rest on; older lists answer no question any more, and one comes every day."""


@dataclass(frozen=True)
class Sighting:
    """One site's box: when it was last seen, and whether it was online when the list was made."""

    site_id: int
    seen_at: datetime
    online: bool


@transaction.atomic
def enter_sightings(*, sightings: Sequence[Sighting], source: str, by: Actor, at: datetime) -> tuple[int, int]:
    """Keep what a list says; returns how many were new and how many were known. NotFound for a site outside the subtrees of `by`.

    What is told again is known to be so still: its `entered_at` moves on.
    """
    by.require(Permission.IMPORT_REGISTER)
    _check_sites({one.site_id for one in sightings}, by)
    known = 0
    for start in range(0, len(sightings), BATCH):
        part = sightings[start : start + BATCH]
        rows = BoxSighting.objects.filter(site__in=[one.site_id for one in part], seen_at__in={one.seen_at for one in part})
        kept = {(row.site_id, row.seen_at, row.online): row.pk for row in rows}
        again = [kept[key] for one in part if (key := (one.site_id, one.seen_at, one.online)) in kept]
        BoxSighting.objects.filter(pk__in=again, entered_at__lt=at).update(entered_at=at, source=source[:100])
        known += len(again)
        fresh = [one for one in part if (one.site_id, one.seen_at, one.online) not in kept]
        BoxSighting.objects.bulk_create(
            [BoxSighting(site_id=one.site_id, seen_at=one.seen_at, online=one.online, source=source[:100], entered_at=at) for one in fresh]
        )
    BoxSighting.objects.filter(entered_at__lt=at - KEEP).delete()
    write_audit(
        by=by, action="导入运营商清单", subject=source[:100], at=at, detail=f"{len(sightings)} 个站点，新增 {len(sightings) - known}"
    )
    return len(sightings) - known, known


def _check_sites(ids: set[int], by: Actor) -> None:
    wanted = sorted(ids)
    for start in range(0, len(wanted), BATCH):
        paths = Site.objects.filter(pk__in=wanted[start : start + BATCH]).values_list("division__path", flat=True)
        if any(not by.covers(Permission.IMPORT_REGISTER, path) for path in paths):
            raise NotFound("没有找到，或不在您负责的范围内")
