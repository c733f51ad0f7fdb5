"""Every write of faults, by noun."""

from yuanjiao.faults.commands.agreements import decide_urging, draft_urging, enter_calendar, enter_duty, promise_hours, sign_agreement
from yuanjiao.faults.commands.dictionary import ensure_dictionaries, set_cause, set_term
from yuanjiao.faults.commands.orders import (
    accept_order,
    cancel_order,
    close_order,
    decline_order,
    dispatch_order,
    extend_order,
    fold_order,
    open_order,
    reopen_order,
    return_order,
    start_order,
    submit_order,
    verify_order,
)
from yuanjiao.faults.commands.phone import KeptAct, send_kept_act
from yuanjiao.faults.commands.reports import record_callback, report_fault, take_call, take_up_report
from yuanjiao.faults.commands.trainings import record_training, withdraw_training

__all__ = [
    "KeptAct",
    "accept_order",
    "cancel_order",
    "close_order",
    "decide_urging",
    "decline_order",
    "dispatch_order",
    "draft_urging",
    "ensure_dictionaries",
    "enter_calendar",
    "enter_duty",
    "extend_order",
    "fold_order",
    "open_order",
    "promise_hours",
    "record_callback",
    "record_training",
    "reopen_order",
    "report_fault",
    "return_order",
    "send_kept_act",
    "set_cause",
    "set_term",
    "sign_agreement",
    "start_order",
    "submit_order",
    "take_call",
    "take_up_report",
    "verify_order",
    "withdraw_training",
]
