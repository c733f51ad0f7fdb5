"""Pages under /reports/."""

from yuanjiao.reports.views import circulars, documents, lists, notices, weeks

__all__ = ["circulars", "documents", "lists", "notices", "weeks"]
