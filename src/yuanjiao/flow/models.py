"""Django finds the tables of both pipes here; each pipe keeps its own models."""

from yuanjiao.flow.blobs.models import Blob, Holder, SpentBytes, Wanted
from yuanjiao.flow.catalogue.models import CurrentCatalogue, HeldShard
from yuanjiao.flow.journal.models import Archived, Entry, Fork, Head, Segment, Unapplied
from yuanjiao.flow.nodes.models import EnrolmentCode, Node

__all__ = [
    "Archived",
    "Blob",
    "CurrentCatalogue",
    "EnrolmentCode",
    "Entry",
    "Fork",
    "Head",
    "HeldShard",
    "Holder",
    "Node",
    "Segment",
    "SpentBytes",
    "Unapplied",
    "Wanted",
]
