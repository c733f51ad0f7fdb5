"""Django finds the tables of both pipes here; each pipe keeps its own models."""

from yuanjiao.flow.blobs.models import Blob
from yuanjiao.flow.journal.models import Entry, Head
from yuanjiao.flow.nodes.models import EnrolmentCode, Node

__all__ = ["Blob", "EnrolmentCode", "Entry", "Head", "Node"]
