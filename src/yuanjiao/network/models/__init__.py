"""The tables of the network, by noun."""

from yuanjiao.network.models.register import AccessMode, Asset, Edge, Lifecycle, Line, ManagedObject, ObjectKind, Site, SiteKind

__all__ = ["AccessMode", "Asset", "Edge", "Lifecycle", "Line", "ManagedObject", "ObjectKind", "Site", "SiteKind"]
