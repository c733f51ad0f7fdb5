"""Reads of the census: what a manager has to confirm, what waits to be taken up."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from yuanjiao.network.models import Site
from yuanjiao.network.queries import sites_in
from yuanjiao.people.rules import Actor, Role
from yuanjiao.supervision.models import Campaign, CampaignObject, CensusReturn
from yuanjiao.supervision.queries.campaigns import campaigns_at_work, scope_paths

FOREIGN = "不在报送机器负责的地方"
"""Why a confirmation of a site of somewhere else is left out."""
MOST_SITES = 50
"""Sites one manager answers for are a few; of more the first are shown."""


@dataclass(frozen=True)
class Wanted:
    """One site that one campaign asks its manager about, with the last confirmation (None: not yet)."""

    campaign: Campaign
    site: Site
    done: CensusReturn | None


def managed_paths(actor: Actor) -> list[str]:
    """Where the person is a site manager."""
    return sorted({grant.path for grant in actor.grants if grant.role is Role.SITE_MANAGER})


def census_wanted(actor: Actor) -> list[Wanted]:
    """The person's sites in the scope of every campaign at work here, the unconfirmed first. Works wherever the manager logs in."""
    sites, found = list(sites_in(managed_paths(actor))[:MOST_SITES]), []
    for campaign in campaigns_at_work() if sites else ():
        paths = tuple(scope_paths(campaign))
        own = [site for site in sites if site.division.path.startswith(paths)]
        rows = CensusReturn.objects.filter(campaign_uid=campaign.uid, site_code__in=[site.code for site in own]).order_by("confirmed_at")
        done = {row.site_code: row for row in rows}
        found += [Wanted(campaign, site, done.get(site.code)) for site in own]
    return sorted(found, key=lambda one: one.done is not None)


def pending_returns() -> QuerySet[CensusReturn]:
    """Confirmations that were not looked at yet, in the order they came."""
    return CensusReturn.objects.filter(taking=None).prefetch_related("problems").order_by("pk")


def untaken(campaign: Campaign) -> QuerySet[CensusReturn]:
    """Those of one campaign: while there are any, it is not closed, for nothing is taken up after that."""
    return CensusReturn.objects.filter(taking=None, campaign_uid=campaign.uid)


def returns_of(campaign: Campaign, target: CampaignObject) -> QuerySet[CensusReturn]:
    """What the manager of one site confirmed, the newest first; nothing that came from another place."""
    rows = CensusReturn.objects.filter(campaign_uid=campaign.uid, site_code=target.code).exclude(taking__left_out=FOREIGN)
    return rows.prefetch_related("problems").order_by("-confirmed_at")
