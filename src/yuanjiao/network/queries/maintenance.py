"""Reads of announced maintenance: the windows themselves, and whom each one covers, all that hangs on its object included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet

from yuanjiao.lib.errors import NotFound
from yuanjiao.network.counting.reading import moment
from yuanjiao.network.models import MaintenanceWindow, ManagedObject, ObjectKind
from yuanjiao.people.queries import within

STEPS = 10
"""How far down a window reaches: no dependency tree is deeper, and a wrong register cannot loop."""
BATCH = 500


@dataclass(frozen=True)
class Window:
    """One announced span of work on one object, as it held: a cancelled one ends when it was cancelled."""

    object_id: int
    start: datetime
    end: datetime
    document: str
    reason: str


def effective() -> Q:
    """Windows that held at all: not cancelled, or cancelled after they began."""
    return Q(cancelled_at=None) | Q(cancelled_at__gt=F("start_at"))


def windows_between(start: datetime, end: datetime) -> list[Window]:
    """Windows that held at some time in [start, end)."""
    rows = MaintenanceWindow.objects.filter(effective(), end_at__gt=start, start_at__lt=end).order_by("start_at", "pk")
    found = [_window(row) for row in rows]
    return [one for one in found if one.end > start]


def _window(row: MaintenanceWindow) -> Window:
    end = row.end_at if row.cancelled_at is None else min(row.end_at, row.cancelled_at)
    return Window(row.object_id, row.start_at, end, row.document, row.reason)


def covered_by(keys: Iterable[int]) -> dict[int, set[int]]:
    """Object → the keys of the sites, lines and edges on which a window of it tells: itself and all that hangs on it now."""
    covered = {key: {key} for key in keys}
    owners: dict[int, set[int]] = {key: {key} for key in covered}  # object → whose windows reach it
    layer = dict(owners)
    for _ in range(STEPS):
        below: dict[int, set[int]] = defaultdict(set)
        for pk, above in _children(list(layer)):
            fresh = layer[above] - owners.get(pk, set())
            if fresh:
                below[pk] |= fresh
        for pk, roots in below.items():
            owners.setdefault(pk, set()).update(roots)
            for root in roots:
                covered[root].add(pk)
        layer = below
        if not layer:
            break
    return covered


def _children(keys: list[int]) -> Iterable[tuple[int, int]]:
    for start in range(0, len(keys), BATCH):
        rows = ManagedObject.objects.filter(depends_on__in=keys[start : start + BATCH])
        for pk, above in rows.values_list("pk", "depends_on_id"):
            if above is not None:
                yield pk, above


def windows_by_site(start: int, end: int, *, only: set[int] | None = None) -> dict[int, list[tuple[int, int]]]:
    """Site → the seconds [from, to) of [start, end) that announced maintenance covers; spans may overlap."""
    windows = windows_between(moment(start), moment(end))
    if not windows:
        return {}
    covered = covered_by({one.object_id for one in windows})
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in windows:
        span = max(int(one.start.timestamp()), start), min(int(one.end.timestamp()), end)
        for key in covered[one.object_id]:
            if span[0] < span[1] and (only is None or key in only):
                found[key].append(span)
    return dict(found)


def maintenance_at(keys: Iterable[int], at: datetime) -> dict[int, Window]:
    """Object → the window that covers it at a moment, its own or that of anything it hangs on; objects without one are left out."""
    wanted = set(keys)
    windows = [one for one in windows_between(at, at + timedelta(seconds=1)) if one.start <= at < one.end]
    if not windows:
        return {}
    covered = covered_by({one.object_id for one in windows})
    return {key: one for one in reversed(windows) for key in covered[one.object_id] & wanted}


def window_rows(paths: Iterable[str]) -> QuerySet[MaintenanceWindow]:
    """Windows of objects under the paths, the latest first. For lists."""
    rows = MaintenanceWindow.objects.filter(within("object__division__path", paths))
    return rows.select_related("object__division").order_by("-start_at", "-pk")


def window_by_uid(uid: UUID) -> MaintenanceWindow:
    """One window; NotFound otherwise."""
    row = MaintenanceWindow.objects.select_related("object__division").filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这次检修的记录")
    return row


def windows_of(subject: ManagedObject) -> QuerySet[MaintenanceWindow]:
    """Windows of one object and of what it hangs on, the latest first."""
    keys, above = [subject.pk], subject.depends_on_id
    while above and above not in keys and len(keys) <= STEPS:
        keys.append(above)
        above = ManagedObject.objects.filter(pk=above).values_list("depends_on_id", flat=True).first()
    return MaintenanceWindow.objects.filter(object__in=keys).select_related("object").order_by("-start_at", "-pk")


def sites_covered(window: MaintenanceWindow) -> int:
    """How many sites one window covers."""
    keys = sorted(covered_by([window.object_id])[window.object_id])
    parts = (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
    return sum(ManagedObject.objects.filter(pk__in=part, kind=ObjectKind.SITE).count() for part in parts)
