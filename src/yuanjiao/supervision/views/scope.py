"""What pages of a campaign share: the reader's subtree, filters, where a figure opens."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import every_row, units, valid_on
from yuanjiao.supervision import queries
from yuanjiao.supervision.models import Campaign
from yuanjiao.ui.lists import Filter

P = Permission


def seen(actor: Actor) -> tuple[str, ...]:
    """Where the person reads campaigns."""
    return actor.paths(P.SEE_ITEMS)


def found(request: ActingRequest, uid: UUID) -> Campaign:
    return queries.campaign_seen_by(request.actor, uid)


def sends(actor: Actor, campaign: Campaign) -> bool:
    """Whether the person runs this campaign."""
    return actor.covers(P.OPEN_CAMPAIGN, campaign.unit.division.path)


def own_places(actor: Actor) -> QuerySet[Division]:
    """Places of today that the person may send inspectors to."""
    return every_row(actor.paths(P.OPEN_CAMPAIGN)).filter(valid_on(clock.today()))


def all_units() -> QuerySet[OrgUnit]:
    return units(on=clock.today())


def counties(campaign: Campaign, actor: Actor) -> list[tuple[str, str]]:
    """Counties of the population that the person sees, to choose from."""
    rows = queries.frozen_objects(campaign, seen(actor)).order_by("county_code").values_list("county_code", "county_name").distinct()
    return [(code, name) for code, name in rows if code]


def county_filter(campaign: Campaign, actor: Actor, field: str) -> Filter:
    return Filter("county", _("县"), counties(campaign, actor), lambda rows, value: rows.filter(**{field: value}))


def opened(name: str, campaign: Campaign, **query: str) -> str:
    """The address of a list, narrowed."""
    address = reverse(f"supervision:{name}", args=[campaign.uid])
    return f"{address}?{urlencode(query)}" if query else address


def own_units(actor: Actor) -> Sequence[int]:
    return [grant.unit_id for grant in actor.grants]
