"""The search index (tantivy): derived from rows, rebuildable, on every machine its own. Words are cut here, never by the engine."""

from yuanjiao.courseware.search.index import Hits, catch_up, facet, find, rebuild

__all__ = ["Hits", "catch_up", "facet", "find", "rebuild"]
