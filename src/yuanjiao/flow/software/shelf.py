"""Software goes down: to each subtree the releases that are for machines of it, with their wheels as blobs.

Nothing is copied into rows below: who installs reads the signed document itself. A machine for which a release of its subtree is not
meant yet fetches the wheels all the same; when its turn comes it has them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.software.models import SoftwareRelease
from yuanjiao.flow.software.queries import SHELF
from yuanjiao.flow.software.rules import Release, Software, Wheel

name = SHELF
EVERYWHERE = "/"


def offer(scope: str) -> Offer:
    """The releases of a subtree; for everybody an empty document, which says that software is known here."""
    found = [] if scope == ALL else list(_releases(scope))
    if not found:
        return Offer(to_document(Software())) if scope == ALL else Offer()
    blobs = {wheel.sha256: BlobRef(wheel.sha256, wheel.size) for release in found for wheel in release.wheels}
    return Offer(to_document(Software(releases=tuple(found))), tuple(blobs[name] for name in sorted(blobs)))


def accept(document: bytes, missing: Collection[str] = ()) -> None:
    """Tampered when it cannot be read."""
    from_document(document, Software)


def _releases(scope: str) -> list[Release]:
    codes = set(
        Node.objects.filter(is_self=False, is_parent=False, revoked_at=None, scope=scope)
        .exclude(subject_code="")
        .values_list("subject_code", flat=True)
    )
    rows = SoftwareRelease.objects.filter(withdrawn_at=None).prefetch_related("wheels", "rings").order_by("version")
    return [found for row in rows for found in _for_scope(row, scope, codes)]


def _for_scope(row: SoftwareRelease, scope: str, codes: set[str]) -> Iterator[Release]:
    """One entry for those that may go to an older one and one for those that may not: what is said of one machine is not said of its
    neighbours. The first of them first: of two alike, machines with software from before take the first."""
    wheels = tuple(sorted(Wheel(wheel.name, wheel.sha256, wheel.size) for wheel in row.wheels.all()))
    for older in (True, False):
        rings = [ring for ring in row.rings.all() if ring.older is older and (ring.code in codes or _is_under(scope, ring.under))]
        if rings:
            named = () if any(ring.under for ring in rings) else tuple(sorted(ring.code for ring in rings))
            yield Release(version=row.version, wheels=wheels, nodes=named, older=older)


def _is_under(scope: str, path: str) -> bool:
    return bool(path) and scope.startswith(path)
