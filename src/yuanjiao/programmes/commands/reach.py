"""Withdrawal followed to every machine below (CW13): machines tell their catalogue, the centre compares."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from yuanjiao.courseware.queries import left_since, released_uids
from yuanjiao.flow.catalogue.queries import signed_documents, taken_version
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.programmes.events import CatalogueAccepted
from yuanjiao.programmes.models import CatalogueTaken, Departure, DepartureConfirmed
from yuanjiao.programmes.queries.reach import open_departures

LOOKED_BACK = timedelta(days=90)


def tell_catalogue(*, at: datetime) -> bool:
    """Tell upwards that another catalogue stands here; False when the last one told still does, or nobody is above."""
    version, node = taken_version(), own_node()
    if not version or parent_node() is None:
        return False
    if CatalogueTaken.objects.filter(origin=node.uid, version__gte=version).exists():
        return False
    record(CatalogueAccepted(subject=node.subject_code, path=node.scope, version=version), at=at)
    return True


@transaction.atomic
def watch_departures(*, at: datetime) -> int:
    """Note what left the public, the first signed catalogue without it, and who has proved that one. Returns the new proofs."""
    for uid, title, path, left_at, reason in left_since(at - LOOKED_BACK):
        values = {"title": title, "path": path, "reason": reason}
        Departure.objects.get_or_create(item_uid=uid, withdrawn_at=left_at, defaults=values)
    rows = list(open_departures())
    back = released_uids(row.item_uid for row in rows)
    Departure.objects.filter(pk__in=[row.pk for row in rows if row.item_uid in back]).update(over=True)
    rows = [row for row in rows if row.item_uid not in back]
    _note_versions([row for row in rows if row.gone_version is None])
    return sum(_note_proofs(row) for row in rows)


def _note_versions(rows: list[Departure]) -> None:
    """The catalogue signed last, if the item is in none of its documents; versions only grow, so every later one is without it too."""
    if not rows:
        return
    version, documents = signed_documents("courseware")
    for row in rows:
        if version and not _named(row.item_uid, documents):
            row.gone_version = version
            row.save(update_fields=["gone_version"])


def _named(item: UUID, documents: list[bytes]) -> bool:
    name = str(item).encode()
    return any(name in document for document in documents)


def _note_proofs(row: Departure) -> int:
    if row.gone_version is None:
        return 0
    known = set(row.confirmed.values_list("origin", flat=True))
    fresh = [
        DepartureConfirmed(departure=row, origin=taken.origin, version=taken.version, at=taken.taken_at)
        for taken in CatalogueTaken.objects.filter(version__gte=row.gone_version)
        if taken.origin not in known
    ]
    DepartureConfirmed.objects.bulk_create(fresh)
    return len(fresh)
