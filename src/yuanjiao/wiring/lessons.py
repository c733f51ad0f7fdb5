"""Files of what is shown today or tomorrow come first: the queue of blobs knows no lessons, the rooms know no queue."""

from __future__ import annotations

from datetime import datetime, timedelta

from yuanjiao.courseware import shelf
from yuanjiao.flow.blobs import queue
from yuanjiao.flow.blobs.models import Rank
from yuanjiao.flow.catalogue.queries import documents_in_force
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.learning.queries import items_planned
from yuanjiao.lib import clock
from yuanjiao.programmes.queries import items_on_air

AHEAD_DAYS = 2
"""Today and tomorrow: a lesson of the morning is fetched the evening before."""


def rank_lessons(at: datetime) -> int:
    """Give the files of planned study days and of channels their rank; returns how many files that are."""
    if not queue.waiting().blobs:
        return 0
    today = clock.local_day(at)
    items = items_planned(own_node().scope, today, AHEAD_DAYS) | items_on_air(today, today + timedelta(days=AHEAD_DAYS - 1))
    files = {name for document in documents_in_force(shelf.name) for name in shelf.files_of(document, items)}
    queue.rank(files, Rank.LESSON)
    return len(files)
