"""Every write of campaigns, by noun."""

from yuanjiao.supervision.commands.campaigns import begin_review, close_campaign, open_campaign, start_campaign
from yuanjiao.supervision.commands.census import confirm_site, delay_return, take_up_return
from yuanjiao.supervision.commands.draws import draw_rechecks, draw_visits, record_recheck
from yuanjiao.supervision.commands.figures import freeze_day, measure_days
from yuanjiao.supervision.commands.inspections import VisitRecord, add_visit, appoint_inspector, file_visit, plan_round
from yuanjiao.supervision.commands.plans import submit_plan
from yuanjiao.supervision.commands.problems import Fixed, name_owner, raise_problem

__all__ = [
    "Fixed",
    "VisitRecord",
    "add_visit",
    "appoint_inspector",
    "begin_review",
    "close_campaign",
    "confirm_site",
    "delay_return",
    "draw_rechecks",
    "draw_visits",
    "file_visit",
    "freeze_day",
    "measure_days",
    "name_owner",
    "open_campaign",
    "plan_round",
    "raise_problem",
    "record_recheck",
    "start_campaign",
    "submit_plan",
    "take_up_return",
]
