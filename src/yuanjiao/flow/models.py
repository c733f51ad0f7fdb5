"""Django finds the tables of both pipes here; each pipe keeps its own models."""

from yuanjiao.flow.blobs.models import Blob
from yuanjiao.flow.catalogue.models import CurrentCatalogue, HeldShard
from yuanjiao.flow.journal.models import Entry, Head, Segment, Unapplied
from yuanjiao.flow.nodes.models import EnrolmentCode, Node

__all__ = ["Blob", "CurrentCatalogue", "EnrolmentCode", "Entry", "Head", "HeldShard", "Node", "Segment", "Unapplied"]
