"""Every edge, line, site and asset of the register as lists and spreadsheets need them; the reader narrows by `within`."""

from __future__ import annotations

from django.db.models import QuerySet

from yuanjiao.network.models import Asset, Edge, Line, Site


def edges() -> QuerySet[Edge]:
    return Edge.objects.select_related("division", "depends_on").order_by("code")


def lines() -> QuerySet[Line]:
    return Line.objects.select_related("division", "depends_on").order_by("code")


def sites() -> QuerySet[Site]:
    """Sites in every state of their life, retired ones too."""
    return Site.objects.select_related("division", "depends_on").order_by("code")


def assets() -> QuerySet[Asset]:
    """Equipment wherever it stands."""
    return Asset.objects.select_related("place__division", "unit__division", "store__division").order_by("code")
