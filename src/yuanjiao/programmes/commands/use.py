"""Counting plays and ratings at this machine, and telling each day's sums upwards once (FBK08). Nothing of who plays is kept."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from yuanjiao.courseware.queries import released_uids
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.programmes.events import ItemSums, PlaysCounted
from yuanjiao.programmes.limits import COUNTS
from yuanjiao.programmes.models import PlayTally

ITEMS_IN_FACT = 500
STARTED, FINISHED = "started", "finished"


def room_to_count(*, sender: str, item: UUID, what: str, at: datetime) -> int:
    """Seconds a stranger has to wait before this is counted; 0 when room for it was taken (limits.py)."""
    return COUNTS.take(sender, item, what, at.timestamp())


def note_play(*, item: UUID, finished: bool, on: date) -> None:
    """Count one play begun, or one that came to its end. NotFound for an item that is not released here."""
    _count(item, FINISHED if finished else STARTED, on)


def note_rating(*, item: UUID, stars: int, on: date) -> None:
    """Count one rating from one to five."""
    if not 1 <= stars <= 5:
        raise Refused("请按 1 到 5")
    _count(item, f"rated_{stars}", on)


def _count(item: UUID, name: str, on: date) -> None:
    if item not in released_uids([item]):
        raise NotFound("没有这件课件，可能已经撤下")
    PlayTally.objects.get_or_create(day=on, item_uid=item)
    PlayTally.objects.filter(day=on, item_uid=item).update(**{name: F(name) + 1})


@transaction.atomic
def tell_plays(*, at: datetime) -> int:
    """Record the sums of every day that is over and forget the tally; returns how many items were told. A day is told once."""
    today, node = local_day(at), own_node()
    told = 0
    for day in PlayTally.objects.filter(day__lt=today).order_by("day").values_list("day", flat=True).distinct():
        rows = list(PlayTally.objects.select_for_update().filter(day=day).order_by("item_uid"))
        for start in range(0, len(rows), ITEMS_IN_FACT):
            part = rows[start : start + ITEMS_IN_FACT]
            record(PlaysCounted(day=day, path=node.scope or "/", items=[_sums(row) for row in part]), at=at)
        PlayTally.objects.filter(pk__in=[row.pk for row in rows]).delete()
        told += len(rows)
    return told


def _sums(row: PlayTally) -> ItemSums:
    ratings = (row.rated_1, row.rated_2, row.rated_3, row.rated_4, row.rated_5)
    return ItemSums(item=row.item_uid, started=row.started, finished=row.finished, ratings=ratings)
