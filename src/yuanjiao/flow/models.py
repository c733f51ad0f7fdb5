"""Django finds the tables of both pipes here; each pipe keeps its own models."""

from yuanjiao.flow.blobs.models import Blob, Holder, Pinned, ScrubRound, SpentBytes, Spoilt, Wanted
from yuanjiao.flow.catalogue.models import CurrentCatalogue, HeldShard
from yuanjiao.flow.journal.models import Archived, Entry, Fork, Head, Segment, Unapplied
from yuanjiao.flow.nodes.models import EnrolmentCode, Node, NodePlace
from yuanjiao.flow.software.models import SoftwareRelease, SoftwareRing, SoftwareTold, SoftwareWheel

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
    "NodePlace",
    "Pinned",
    "ScrubRound",
    "Segment",
    "SoftwareRelease",
    "SoftwareRing",
    "SoftwareTold",
    "SoftwareWheel",
    "SpentBytes",
    "Spoilt",
    "Unapplied",
    "Wanted",
]
