"""What other rooms may read of plans, by noun."""

from yuanjiao.plans.queries.building import (
    CoverageProgress,
    PlanLine,
    build_plans,
    coverage_progress,
    coverage_targets,
    plan_lines,
    renewals,
    upgrades,
)
from yuanjiao.plans.queries.outlets import CountyOutlets, OutletState, outlet_states, outlets_by_county, points
from yuanjiao.plans.queries.sharing import cost_shares, cost_split, facilities, newest_notes, practice_note_of, practice_notes, shared_sites

__all__ = [
    "CountyOutlets",
    "CoverageProgress",
    "OutletState",
    "PlanLine",
    "build_plans",
    "cost_shares",
    "cost_split",
    "coverage_progress",
    "coverage_targets",
    "facilities",
    "newest_notes",
    "outlet_states",
    "outlets_by_county",
    "plan_lines",
    "points",
    "practice_note_of",
    "practice_notes",
    "renewals",
    "shared_sites",
    "upgrades",
]
