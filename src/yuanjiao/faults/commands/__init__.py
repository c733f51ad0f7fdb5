"""Every write of faults, by noun."""

from yuanjiao.faults.commands.agreements import decide_urging, draft_urging, enter_calendar, enter_duty, promise_hours, sign_agreement
from yuanjiao.faults.commands.dictionary import ensure_dictionaries, set_cause, set_term
from yuanjiao.faults.commands.messages import (
    drop_message,
    open_channel,
    queue_digests,
    queue_sheet,
    send_messages,
    switch_channel,
    try_message_again,
)
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
    "drop_message",
    "ensure_dictionaries",
    "enter_calendar",
    "enter_duty",
    "extend_order",
    "fold_order",
    "open_channel",
    "open_order",
    "promise_hours",
    "queue_digests",
    "queue_sheet",
    "record_callback",
    "record_training",
    "reopen_order",
    "report_fault",
    "return_order",
    "send_kept_act",
    "send_messages",
    "set_cause",
    "set_term",
    "sign_agreement",
    "start_order",
    "submit_order",
    "switch_channel",
    "take_call",
    "take_up_report",
    "try_message_again",
    "verify_order",
    "withdraw_training",
]
