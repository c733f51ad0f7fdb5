"""Campaigns at work go down to everybody: title, dates and scope, so that site managers confirm the census where they work.

Accepting makes the copy equal to the document. What inspectors do, plans and figures stay at the centre.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

import msgspec

from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.places.queries import unit_by_code
from yuanjiao.supervision.models import Campaign, CampaignScope
from yuanjiao.supervision.queries import campaigns_at_work

name = "supervision"


class ScopeRow(msgspec.Struct, frozen=True):
    """One place that is covered."""

    code: str
    name: str
    path: str


class CampaignRow(msgspec.Struct, frozen=True):
    """One campaign at work; the unit by its code."""

    uid: UUID
    title: str
    document: str
    unit: str
    starts_on: date
    ends_on: date
    plan_due_on: date
    state: str
    scopes: tuple[ScopeRow, ...]


class Campaigns(msgspec.Struct, frozen=True):
    """The document of this shelf."""

    campaigns: tuple[CampaignRow, ...] = ()


PLAIN = ("title", "document", "starts_on", "ends_on", "plan_due_on", "state")


def offer(scope: str) -> Offer:
    """All that are at work, for everybody; nothing for a subtree."""
    if scope != ALL:
        return Offer()
    rows = campaigns_at_work().select_related("unit").order_by("uid")
    return Offer(document=to_document(Campaigns(campaigns=tuple(_row(row) for row in rows))))


def _row(row: Campaign) -> CampaignRow:
    scopes = tuple(ScopeRow(one.division_code, one.name, one.path) for one in row.scopes.all())
    return CampaignRow(uid=row.uid, unit=row.unit.code, scopes=scopes, **{name: getattr(row, name) for name in PLAIN})


def accept(document: bytes, missing: Collection[str] = ()) -> None:
    """Make the campaigns of this machine equal to the document's. Confirmations name their campaign by uid and stay."""
    told = from_document(document, Campaigns)
    Campaign.objects.exclude(uid__in=[row.uid for row in told.campaigns]).delete()
    for row in told.campaigns:
        plain = {name: getattr(row, name) for name in PLAIN}
        campaign, _ = Campaign.objects.update_or_create(uid=row.uid, defaults={**plain, "unit": unit_by_code(row.unit)})
        campaign.scopes.exclude(division_code__in=[one.code for one in row.scopes]).delete()
        for one in row.scopes:
            CampaignScope.objects.update_or_create(campaign=campaign, division_code=one.code, defaults={"name": one.name, "path": one.path})
