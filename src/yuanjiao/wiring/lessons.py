"""Files of what is shown today or tomorrow come first, and under a quota stay last: the queue knows no lessons, the rooms no queue."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from yuanjiao.courseware import shelf
from yuanjiao.flow.blobs import queue, quota
from yuanjiao.flow.blobs.allowance import parent_ahead
from yuanjiao.flow.blobs.models import Rank
from yuanjiao.flow.catalogue.queries import documents_in_force
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.learning.queries import items_planned
from yuanjiao.lib import clock
from yuanjiao.programmes.queries import items_on_air

AHEAD_DAYS = 2
"""Today and tomorrow: a lesson of the morning is fetched the evening before."""


def rank_lessons(at: datetime) -> int:
    """Give the files of planned study days and of channels their rank; returns how many files that are.

    Under a quota this also chooses what is kept. The days are those of the parent's clock: a box often has a wrong one.
    """
    if not settings.BLOB_QUOTA and not queue.waiting().blobs:
        return 0
    today = clock.local_day(at + parent_ahead())
    items = items_planned(own_node().scope, today, AHEAD_DAYS) | items_on_air(today, today + timedelta(days=AHEAD_DAYS - 1))
    documents = documents_in_force(shelf.name)
    files = {name for document in documents for name in shelf.files_of(document, items)}
    queue.rank(files, Rank.LESSON)
    if settings.BLOB_QUOTA:
        quota.lay_out(_groups(documents, items), at=at)
    return len(files)


def _groups(documents: Sequence[bytes], planned: Set[UUID]) -> list[quota.Group]:
    """Each item's files: what the operator pinned, what these days need, then the newest publications.

    Who watched what is asked nowhere.
    """
    pinned = {UUID(name) for name in quota.pinned()}

    def need(one: shelf.Needs) -> tuple[bool, bool, float, UUID]:
        return not one.meant_by(pinned), not one.meant_by(planned), -one.released_at.timestamp(), one.item

    found = {one.item: one for document in documents for one in shelf.needs_of(document)}
    return [quota.Group(one.files, held=one.meant_by(pinned | planned)) for one in sorted(found.values(), key=need)]
