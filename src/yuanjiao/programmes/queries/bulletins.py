"""Weekly bulletins: editions, whom one would reach, and what became of it in figures. Nothing tells who has opted out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from yuanjiao.courseware.queries import ItemCard, released_items
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import Reachable, reachable_inside, sharing_number, within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.programmes.models import (
    BulletinChannel,
    BulletinDelivery,
    BulletinEdition,
    BulletinSeries,
    DeliveryState,
    OptOut,
    Outlet,
)
from yuanjiao.programmes.queries.outlets import outlets_managed_by
from yuanjiao.programmes.rules.bulletin import FEWEST
from yuanjiao.programmes.rules.gateway import ROBOTS
from yuanjiao.programmes.rules.outlets import Connector

OFFERED_DAYS = 28
"""Items released so long before an edition's last day may be chosen for it."""
LOOKED_THROUGH, OFFERED = 300, 60
S = DeliveryState


def bulletin_series_managed_by(by: Actor) -> QuerySet[BulletinSeries]:
    """Series whose unit and whose scope are in the subtrees of the person."""
    paths = by.paths(Permission.MANAGE_COLUMNS)
    rows = BulletinSeries.objects.filter(within("unit__division__path", paths), within("scope__path", paths))
    return rows.select_related("unit__division", "scope").order_by("ended_on", "name", "pk")


def bulletin_series_for(by: Actor, uid: UUID) -> BulletinSeries:
    row = bulletin_series_managed_by(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这个快讯，或不在您的范围内")
    return row


def editions_managed_by(by: Actor) -> QuerySet[BulletinEdition]:
    """Every edition of these series, the newest first, with how many were handed over and how many wait or went wrong."""
    rows = BulletinEdition.objects.filter(series__in=bulletin_series_managed_by(by).order_by().values("pk"))
    state = "channels__deliveries__state"
    counted = {
        "handed": Count("channels__deliveries", filter=Q(**{state: S.HANDED})),
        "pending": Count("channels__deliveries", filter=Q(**{f"{state}__in": [S.WAITING, S.TRYING]})),
        "wrong": Count("channels__deliveries", filter=Q(**{f"{state}__in": [S.REFUSED, S.UNSURE, S.NOT_SENT]})),
    }
    few = Exists(_of_few().filter(edition=OuterRef("pk")))
    return rows.select_related("series__unit__division", "series__scope").annotate(**counted, few=few).order_by("-week_on", "-pk")


def _of_few() -> QuerySet[BulletinChannel]:
    """Channels to so few persons that figures would tell who has opted out."""
    return BulletinChannel.objects.filter(outlet__connector=Connector.SMS, people__lt=FEWEST)


def edition_for(by: Actor, uid: UUID) -> BulletinEdition:
    row = editions_managed_by(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这一期快讯，或不在您的范围内")
    return row


def items_to_name(series: BulletinSeries, *, first: date, last: date) -> list[ItemCard]:
    """Items the scope sees that were released from the first to the last day, the newest first."""
    rows = released_items(on=last, path=series.scope.path, limit=LOOKED_THROUGH)
    return [row for row in rows if first <= local_day(row.released_at) <= last]


def items_offered(edition: BulletinEdition) -> list[ItemCard]:
    """What may be named by an edition."""
    return items_to_name(edition.series, first=edition.last_on - timedelta(days=OFFERED_DAYS - 1), last=edition.last_on)[:OFFERED]


def bulletin_outlets(by: Actor) -> list[Outlet]:
    """Gateways of short messages, then robots, that the person may send on now."""
    rows = outlets_managed_by(by).filter(ended_on=None, connector__in=[Connector.SMS, *ROBOTS])
    return sorted(rows, key=lambda row: row.connector != Connector.SMS)


def has_opted_out(person_uid: UUID) -> bool:
    """Whether this person is not sent to: they, or somebody with the same number, said so."""
    return OptOut.objects.filter(person_uid__in=sharing_number([person_uid])).exists()


@dataclass
class Audience:
    """Whom an edition would reach by short message. `sent_to` has each number once."""

    sent_to: list[Reachable] = field(default_factory=list)
    no_number: list[Reachable] = field(default_factory=list)
    opted_out: int = 0
    same_number: int = 0

    @property
    def all(self) -> int:
        return len(self.sent_to) + len(self.no_number) + self.left_out

    @property
    def left_out(self) -> int:
        """Opted out or merged with somebody of the same number: never apart."""
        return self.opted_out + self.same_number

    @property
    def few(self) -> bool:
        """Whether only the whole is shown: a part would tell who has opted out."""
        return self.all < FEWEST


def audience_of(series: BulletinSeries, *, on: date) -> Audience:
    """Everybody who answers for a place of the scope on that day, each counted in exactly one way."""
    found, numbers = Audience(), set()
    out = sharing_number(OptOut.objects.values_list("person_uid", flat=True))
    for one in reachable_inside(series.scope.path, on=on):
        if one.person_uid in out:
            found.opted_out += 1
        elif not one.mobile:
            found.no_number.append(one)
        elif one.digest in numbers:
            found.same_number += 1
        else:
            numbers.add(one.digest)
            found.sent_to.append(one)
    return found


@dataclass(frozen=True)
class ChannelFigures:
    """What became of an edition on one channel; `by_state` has every state, and with the two others adds up to `all`."""

    channel: BulletinChannel
    by_state: dict[str, int]
    answer: str

    @property
    def shown(self) -> list[tuple[str, int]]:
        """What is done with, in the order of the table."""
        return [(state, self.by_state[state]) for state in (S.HANDED, S.REFUSED, S.UNSURE, S.NOT_SENT, S.NO_NUMBER)]

    @property
    def all(self) -> int:
        return sum(self.by_state.values()) + self.left_out

    @property
    def left_out(self) -> int:
        """Opted out or merged with somebody of the same number: never apart."""
        return self.channel.opted_out + self.channel.same_number

    @property
    def few(self) -> bool:
        """Whether only the whole is shown: a part would tell who has opted out."""
        return self.channel.outlet.connector == Connector.SMS and self.channel.people < FEWEST


def figures_of(edition: BulletinEdition) -> list[ChannelFigures]:
    """The delivery count (送达), channel by channel."""
    channels = edition.channels.select_related("outlet").order_by("pk")
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    rows = BulletinDelivery.objects.filter(channel__edition=edition).values_list("channel", "state")
    for channel, state, number in rows.annotate(number=Count("pk")):
        counts[channel][state] = number
    said = {channel.pk: channel.refusal for channel in channels if counts[channel.pk].get(S.REFUSED, 0) >= FEWEST}
    said |= dict(
        BulletinDelivery.objects.filter(channel__edition=edition, person_uid=None).values_list("channel", "answer")
    )  # a work group is one row: its answer stands in the table
    return [
        ChannelFigures(channel, {state: counts[channel.pk].get(state, 0) for state in S.values}, said.get(channel.pk, ""))
        for channel in channels
    ]


def deliveries_of(edition: BulletinEdition) -> QuerySet[BulletinDelivery]:
    """What is behind the figures: unit, place and masked number; nothing of a channel to a few."""
    rows = BulletinDelivery.objects.filter(channel__edition=edition).exclude(channel__in=_of_few())
    return rows.select_related("channel__outlet").order_by("channel", "pk")


def last_channels(series: BulletinSeries) -> set[UUID]:
    """What the series went out on the last time: that is what a form proposes."""
    newest = series.editions.exclude(sent_at=None).order_by("-week_on").first()
    return set(newest.channels.values_list("outlet__uid", flat=True)) if newest else set()
