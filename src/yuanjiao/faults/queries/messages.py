"""Reads of message channels and their queue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from yuanjiao.faults.models import Message, MessageChannel, MessageState, Urging
from yuanjiao.faults.queries.agreements import sheets_still_so
from yuanjiao.faults.rules.messages import PER_MINUTE
from yuanjiao.items.queries import colour_filter, open_items
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission


def channels_of(actor: Actor) -> QuerySet[MessageChannel]:
    """Channels of units inside the subtree where the actor keeps the register."""
    rows = MessageChannel.objects.filter(within("unit__division__path", actor.paths(Permission.IMPORT_REGISTER)))
    return rows.select_related("unit")


def channel_of(actor: Actor, pk: int) -> MessageChannel:
    row = channels_of(actor).filter(pk=pk).first()
    if row is None:
        raise NotFound("没有这个通道，或不在您负责的范围内")
    return row


def messages_of(actor: Actor) -> QuerySet[Message]:
    """The queue of those channels, newest first."""
    paths = actor.paths(Permission.IMPORT_REGISTER)
    return Message.objects.filter(within("channel__unit__division__path", paths)).select_related("channel__unit", "urging")


def message_of(actor: Actor, pk: int) -> Message:
    row = messages_of(actor).filter(pk=pk).first()
    if row is None:
        raise NotFound("没有这条消息，或不在您负责的范围内")
    return row


def messages_of_sheet(urging: Urging) -> list[Message]:
    """Where an approved sheet went, and how that stands."""
    return list(Message.objects.filter(urging=urging).select_related("channel").order_by("pk"))


def untrue_by_now(at: datetime) -> tuple[list[int], list[int]]:
    """What waits, is due, and says what is no longer so: keys of sheets whose item is not late as they say, and of other days' digests."""
    rows = Message.objects.filter(state=MessageState.WAITING, due_at__lte=at, channel__active=True).order_by()
    sheets = rows.filter(urging__isnull=False).exclude(urging__in=sheets_still_so(at).values("pk"))
    digests = rows.filter(Q(on__isnull=False) & ~Q(on=local_day(at)))
    return list(sheets.values_list("pk", flat=True)), list(digests.values_list("pk", flat=True))


def due_now(at: datetime) -> list[Message]:
    """What waits and is due on channels that are on, oldest first, no more a channel than it still takes this minute."""
    rows = Message.objects.filter(state=MessageState.WAITING, due_at__lte=at, channel__active=True)
    channels = list(rows.order_by().values_list("channel", flat=True).distinct())
    found: list[Message] = []
    for channel in channels:
        tried = Message.objects.filter(channel=channel, tried_at__gt=at - timedelta(minutes=1)).count()
        found += rows.filter(channel=channel).select_related("channel").order_by("due_at", "pk")[: max(PER_MINUTE - tried, 0)]
    return found


def digest_counts(paths: Iterable[str], at: datetime) -> dict[str, int]:
    """Open items by colour inside the subtrees, and sheets nobody has decided about."""
    paths = list(paths)
    here = open_items(paths)
    counts = {colour: here.filter(colour_filter(colour, at)).count() for colour in ("red", "yellow", "blue")}
    return counts | {"sheets": Urging.objects.filter(within("item__division__path", paths), approved=None).count()}
