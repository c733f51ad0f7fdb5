"""Every write of plans, by noun."""

from yuanjiao.plans.commands.building import accept_upgrade, add_build_plan, add_coverage_target, finish_upgrade, plan_upgrade
from yuanjiao.plans.commands.outlets import add_point, check_outlet, drop_point, open_outlet, set_outlet_minimum
from yuanjiao.plans.commands.sharing import lend_facility, return_facility, set_cost_shares, write_practice_note

__all__ = [
    "accept_upgrade",
    "add_build_plan",
    "add_coverage_target",
    "add_point",
    "check_outlet",
    "drop_point",
    "finish_upgrade",
    "lend_facility",
    "open_outlet",
    "plan_upgrade",
    "return_facility",
    "set_cost_shares",
    "set_outlet_minimum",
    "write_practice_note",
]
