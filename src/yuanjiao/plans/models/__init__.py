"""The tables of plans, by noun."""

from yuanjiao.plans.models.building import BuildPlan, BuildTarget, CoverageTarget, Upgrade
from yuanjiao.plans.models.outlets import Outlet, OutletCheck, OutletMinimum, OutletPoint
from yuanjiao.plans.models.sharing import CostShare, LentFacility, PracticeNote

__all__ = [
    "BuildPlan",
    "BuildTarget",
    "CostShare",
    "CoverageTarget",
    "LentFacility",
    "Outlet",
    "OutletCheck",
    "OutletMinimum",
    "OutletPoint",
    "PracticeNote",
    "Upgrade",
]
