"""Tables of campaigns, by noun."""

from yuanjiao.supervision.models.campaign import BurnDown, Campaign, CampaignObject, CampaignScope, CampaignTarget, UnitPlan
from yuanjiao.supervision.models.census import CensusDelay, CensusProblem, CensusReturn, CensusTaking
from yuanjiao.supervision.models.inspection import CampaignItem, Draw, Inspector, Recheck, Visit

__all__ = [
    "BurnDown",
    "Campaign",
    "CampaignItem",
    "CampaignObject",
    "CampaignScope",
    "CampaignTarget",
    "CensusDelay",
    "CensusProblem",
    "CensusReturn",
    "CensusTaking",
    "Draw",
    "Inspector",
    "Recheck",
    "UnitPlan",
    "Visit",
]
