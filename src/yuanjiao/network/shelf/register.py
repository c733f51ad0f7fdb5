"""The register of a subtree goes down: its edges, lines, sites and equipment, and the lines and edges they hang on above it,
each with the dated story of where it stood and whether it served, what a site was before, and the maintenance announced for it.

A site's beat key goes to the edge that hears it; its telephone number does not travel (sealed with the secret above).
What is not in the document any more is removed, or retired when something was ever recorded of it here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Q

from yuanjiao.flow.catalogue.copying import Link, Table, copy_tables
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.network.models import Asset, Condition, Edge, FormerLabels, Lifecycle, Line, MaintenanceWindow, ManagedObject, Placement, Site
from yuanjiao.places.models import Division

name = "network"


class ObjectRow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What every managed object has; `division` is a uid, `depends_on` a code."""

    uid: UUID
    kind: str
    code: str
    name: str
    division: UUID
    lifecycle: str
    lifecycle_on: date
    in_service_on: date
    depends_on: str | None = None
    suspension_document: str = ""
    period_s: int | None = None
    grace_s: int | None = None


class EdgeRow(ObjectRow, frozen=True, omit_defaults=True, kw_only=True):
    """One edge server."""

    address: str = ""


class LineRow(ObjectRow, frozen=True, omit_defaults=True, kw_only=True):
    """One line."""

    is_uplink: bool = False
    medium: str = ""
    bandwidth_mbps: int | None = None
    circuit_number: str = ""


class SiteRow(ObjectRow, frozen=True, omit_defaults=True, kw_only=True):
    """One site; whoever holds `beat_key` may beat for it."""

    site_kind: str
    access_mode: str
    beat_key: str = ""
    programmes: str = ""
    capabilities: str = ""
    road: str = ""
    pinyin: str = ""


class AssetRow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One piece of equipment that is not scrapped; `place` is a code. A document of an older machine says nothing of its condition."""

    uid: UUID
    code: str
    kind: str
    place: str
    model: str = ""
    serial_number: str = ""
    purchased_on: date | None = None
    life_years: int = 6
    condition: str = "in_service"


class PlacementRow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One span of an object's story; `object` is a code, `division` a uid."""

    uid: UUID
    object: str
    division: UUID
    valid_from: date
    lifecycle: str = "in_service"
    document: str = ""
    valid_to: date | None = None


class LabelsRow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one site was until a day; `site` is a code."""

    uid: UUID
    site: str
    until: date
    site_kind: str
    access_mode: str
    programmes: str = ""


class WindowRow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One announced span of maintenance; `object` is a code."""

    uid: UUID
    object: str
    start_at: datetime
    end_at: datetime
    document: str
    announced_at: datetime
    reason: str = ""
    cancelled_at: datetime | None = None


class Register(msgspec.Struct, frozen=True):
    """The document of this shelf."""

    edges: tuple[EdgeRow, ...]
    lines: tuple[LineRow, ...]
    sites: tuple[SiteRow, ...]
    assets: tuple[AssetRow, ...]
    placements: tuple[PlacementRow, ...] = ()
    maintenance: tuple[WindowRow, ...] = ()
    former_labels: tuple[LabelsRow, ...] = ()


def offer(scope: str) -> Offer:
    """The register of a subtree; nothing for everybody."""
    if scope == ALL:
        return Offer()
    inside = Q(division__path__under=scope)
    wanted = inside | Q(pk__in=_above(inside))
    sites = Site.objects.filter(inside)
    equipment = Asset.objects.filter(place__division__path__under=scope).exclude(condition=Condition.SCRAPPED)
    objects = Q(object__in=ManagedObject.objects.filter(wanted).values("pk"))
    register = Register(
        edges=_rows(Edge.objects.filter(wanted), EdgeRow),
        lines=_rows(Line.objects.filter(wanted), LineRow),
        sites=_rows(sites, SiteRow),
        assets=_rows(equipment, AssetRow),
        placements=_rows(Placement.objects.filter(objects), PlacementRow, "object__code", "valid_from"),
        maintenance=_rows(MaintenanceWindow.objects.filter(objects), WindowRow, "object__code", "start_at", "uid"),
        former_labels=_rows(FormerLabels.objects.filter(site__in=sites.values("pk")), LabelsRow, "site__code", "until"),
    )
    return Offer(to_document(register))


def _above(inside: Q) -> set[int]:
    """What the objects of the subtree hang on, up to the top: lines and edges that may stand in other divisions."""
    found: set[int] = set()
    fresh = _upper(inside)
    while fresh:
        found |= fresh
        fresh = _upper(Q(pk__in=fresh)) - found
    return found


def _upper(wanted: Q) -> set[int]:
    return {key for key in ManagedObject.objects.filter(wanted).values_list("depends_on", flat=True).distinct() if key is not None}


def _rows(found: Any, row: type[Any], *order: str) -> tuple[Any, ...]:
    """Rows as the document says them: links by their names between machines."""
    said = {
        "division": "division__uid",
        "depends_on": "depends_on__code",
        "place": "place__code",
        "object": "object__code",
        "site": "site__code",
    }
    names = row.__struct_fields__
    values = found.order_by(*(order or ("code",))).values_list(*(said.get(field, field) for field in names))
    return tuple(row(**dict(zip(names, one, strict=True))) for one in values)


def accept(document: bytes, missing: Collection[str] = ()) -> None:
    """Make the register of this machine equal to the document's."""
    register = from_document(document, Register)
    tables: Sequence[tuple[Table[Any], Sequence[Any]]] = (
        (EDGES, register.edges),
        (LINES, register.lines),
        (SITES, register.sites),
        (ASSETS, register.assets),
        (PLACEMENTS, register.placements),
        (MAINTENANCE, register.maintenance),
        (FORMER_LABELS, register.former_labels),
    )
    copy_tables(*tables)
    register_changed()


def _retire(subject: ManagedObject) -> None:
    subject.lifecycle = Lifecycle.RETIRED
    subject.save(update_fields=["lifecycle"])


def _leave(row: Asset | Placement | MaintenanceWindow | FormerLabels) -> None:
    """Nothing hangs on these today; should that change, their history stays where it was written."""


OBJECT_LINKS = {"division": Link(Division), "depends_on": Link(ManagedObject, "code", late=True)}
EDGES = Table(Edge, natural=("code",), links=OBJECT_LINKS, rest=_retire)
LINES = Table(Line, natural=("code",), links=OBJECT_LINKS, rest=_retire)
SITES = Table(Site, natural=("code",), links=OBJECT_LINKS, rest=_retire)
ASSETS = Table(Asset, natural=("code",), links={"place": Link(ManagedObject, "code")}, rest=_leave)
OBJECT = {"object": Link(ManagedObject, "code"), "division": Link(Division)}
PLACEMENTS = Table(Placement, natural=("object", "valid_from"), links=OBJECT, ends="valid_to", rest=_leave)
MAINTENANCE = Table(MaintenanceWindow, natural=(), links={"object": Link(ManagedObject, "code")}, rest=_leave)
FORMER_LABELS = Table(FormerLabels, natural=("site", "until"), links={"site": Link(Site, "code")}, rest=_leave)
