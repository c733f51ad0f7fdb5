"""What campaigns ask of units, for the meter of what is asked (GOV30)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.places.rules import Level
from yuanjiao.supervision.models import Campaign, CampaignScope
from yuanjiao.supervision.rules import CampaignState

CONFIRMED = 1
"""Boxes of a census where all is as it is known: the rest is filled in before."""


def asked(first: date, last: date, path: str) -> list[Asked]:
    """Of campaigns that were started: a plan of every county, a confirmation of every village, each due from the first to the last day."""
    begun = CampaignScope.objects.select_related("campaign__unit").exclude(campaign__state=CampaignState.PLANNED)
    near = [scope for scope in begun if scope.path.startswith(path) or path.startswith(scope.path)]
    return [one for scope in near for one in _of_scope(scope, scope.campaign) if first <= one.due_on <= last]


def _of_scope(scope: CampaignScope, campaign: Campaign) -> Iterator[Asked]:
    told = {"path": scope.path, "by": campaign.unit.name, "link": ("supervision:campaign", str(campaign.uid))}
    yield Asked(Kind.UPLOAD, f"{campaign.title}：方案", campaign.plan_due_on, level=Level.COUNTY, **told)  # type: ignore[arg-type]
    yield Asked(Kind.FORM, f"{campaign.title}：底数确认", campaign.ends_on, fields=CONFIRMED, level=Level.VILLAGE, **told)  # type: ignore[arg-type]
