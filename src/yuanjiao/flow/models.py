"""Django finds the tables of both pipes here; each pipe keeps its own models."""

from yuanjiao.flow.journal.models import Entry, Head
from yuanjiao.flow.nodes.models import EnrolmentCode, Node

__all__ = ["EnrolmentCode", "Entry", "Head", "Node"]
