"""Releases followed to every machine below (DLV02): the first signed catalogue that names an item, scope by scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from yuanjiao.courseware.queries import audiences_of, released_since, released_uids
from yuanjiao.flow.catalogue.queries import signed_by_scope
from yuanjiao.programmes.models import Arrival, ArrivalVersion
from yuanjiao.programmes.queries.arrivals import scopes_due

FOLLOWED = timedelta(days=90)


@transaction.atomic
def watch_arrivals(*, at: datetime) -> int:
    """Note what was released, what is released no more, and the first signed catalogue of each scope with it; returns how many of those."""
    _note_releases(at - FOLLOWED)
    rows = list(Arrival.objects.filter(over=False, released_at__gte=at - FOLLOWED).prefetch_related("versions"))
    shown = released_uids(row.item_uid for row in rows)
    Arrival.objects.filter(pk__in=[row.pk for row in rows if row.item_uid not in shown]).update(over=True)
    return _note_versions([row for row in rows if row.item_uid in shown])


def _note_releases(since: datetime) -> None:
    held = {(row.item_uid, row.released_at): row for row in Arrival.objects.filter(released_at__gte=since)}
    found = released_since(since)
    fresh = [Arrival(item_uid=uid, title=title, path=path, released_at=at) for uid, title, path, at in found if (uid, at) not in held]
    Arrival.objects.bulk_create(fresh)


def _note_versions(rows: list[Arrival]) -> int:
    """Documents are read only while some scope that should name an item has not been seen to; most turns none is."""
    audiences = audiences_of(row.item_uid for row in rows)
    due = {row: _not_noted(row, audiences.get(row.item_uid, frozenset())) for row in rows}
    if not any(due.values()):
        return 0
    version, documents = signed_by_scope("courseware")
    fresh = [
        ArrivalVersion(arrival=row, scope=scope, version=version)
        for row, scopes in due.items()
        for scope in scopes
        if version and _names(documents.get(scope, b""), row.item_uid)
    ]
    ArrivalVersion.objects.bulk_create(fresh)
    return len(fresh)


def _not_noted(row: Arrival, audiences: Iterable[str]) -> list[str]:
    known = {one.scope for one in row.versions.all()}
    return sorted(scopes_due(audiences) - known)


def _names(document: bytes, item: UUID) -> bool:
    return str(item).encode() in document
