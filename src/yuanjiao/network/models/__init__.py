"""The tables of the network, by noun."""

from yuanjiao.network.models.liveness import ListeningGap, ListeningMark, Liveness, PlayTest, State, StateChange, Watermark
from yuanjiao.network.models.outages import FaultClass, Outage, OutageVerdict
from yuanjiao.network.models.register import AccessMode, Asset, Edge, Lifecycle, Line, ManagedObject, ObjectKind, Site, SiteKind

__all__ = [
    "AccessMode",
    "Asset",
    "Edge",
    "FaultClass",
    "Lifecycle",
    "Line",
    "ListeningGap",
    "ListeningMark",
    "Liveness",
    "ManagedObject",
    "ObjectKind",
    "Outage",
    "OutageVerdict",
    "PlayTest",
    "Site",
    "SiteKind",
    "State",
    "StateChange",
    "Watermark",
]
