"""Every write of production, by noun."""

from yuanjiao.production.commands.certificates import issue_certificate, revoke_certificate, room_to_ask
from yuanjiao.production.commands.contests import (
    answer_objection,
    ask_judge,
    award_contest,
    begin_judging,
    close_judging,
    enter_work,
    hand_in_sheet,
    open_contest,
    raise_objection,
    refuse_entry,
    step_back,
)
from yuanjiao.production.commands.plans import Line, add_plan_lines, add_resource_plan

__all__ = [
    "Line",
    "add_plan_lines",
    "add_resource_plan",
    "answer_objection",
    "ask_judge",
    "award_contest",
    "begin_judging",
    "close_judging",
    "enter_work",
    "hand_in_sheet",
    "issue_certificate",
    "open_contest",
    "raise_objection",
    "refuse_entry",
    "revoke_certificate",
    "room_to_ask",
    "step_back",
]
