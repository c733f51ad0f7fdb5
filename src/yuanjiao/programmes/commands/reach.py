"""Withdrawal followed to every machine below (CW13): machines tell their catalogue, the centre compares."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from yuanjiao.courseware.queries import left_since, released_uids, revised_uids
from yuanjiao.flow.catalogue.queries import signed_documents, taken_version, whole_version
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.programmes.events import CatalogueAccepted, CatalogueFollowed
from yuanjiao.programmes.models import CatalogueStep, CatalogueTaken, Departure, DepartureConfirmed
from yuanjiao.programmes.queries.reach import open_departures

LOOKED_BACK = timedelta(days=90)


def tell_catalogue(*, at: datetime) -> bool:
    """Tell upwards which catalogue is in force here, and up to which one every file is here.

    False when all of that was told, or nobody is above.
    """
    if parent_node() is None:
        return False
    whole = _tell(CatalogueAccepted, CatalogueStep, whole_version(), at)
    return _tell(CatalogueFollowed, CatalogueTaken, taken_version(), at) or whole


def _tell(
    kind: type[CatalogueAccepted] | type[CatalogueFollowed], told: type[CatalogueStep] | type[CatalogueTaken], version: int, at: datetime
) -> bool:
    node = own_node()
    if not version or told.objects.filter(origin=node.uid, version__gte=version).exists():
        return False
    record(kind(subject=node.subject_code, path=node.scope, version=version), at=at)
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
    revised = revised_uids(row.item_uid for row in rows)
    return sum(_note_proofs(row, _whole(row) if row.item_uid in revised else _in_force(row)) for row in rows)


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


def _in_force(row: Departure) -> Iterable[CatalogueTaken]:
    """Machines on which rows without the item are in force."""
    return CatalogueTaken.objects.filter(version__gte=row.gone_version or 0)


def _whole(row: Departure) -> Iterable[CatalogueStep]:
    """Machines that have everything of a catalogue without the item: until its newer version has come it may stand in its place."""
    steps = CatalogueStep.objects.filter(version__gte=row.gone_version or 0).order_by("origin", "version")
    return {step.origin: step for step in reversed(steps)}.values()


def _note_proofs(row: Departure, taken: Iterable[CatalogueTaken | CatalogueStep]) -> int:
    if row.gone_version is None:
        return 0
    known = set(row.confirmed.values_list("origin", flat=True))
    fresh = [
        DepartureConfirmed(departure=row, origin=one.origin, version=one.version, at=one.taken_at)
        for one in taken
        if one.origin not in known
    ]
    DepartureConfirmed.objects.bulk_create(fresh)
    return len(fresh)
