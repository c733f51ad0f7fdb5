"""Every write of items, by noun."""

from yuanjiao.items.commands.acts import (
    accept_item,
    cancel_item,
    close_item,
    create_item,
    decline_item,
    edit_draft,
    extend_item,
    fix_item,
    issue_item,
    reopen_item,
    return_for_rework,
    start_item,
    submit_item,
    verify_item,
)
from yuanjiao.items.commands.filters import drop_filter, save_filter
from yuanjiao.items.commands.planning import add_phase, amend_item, ask_change, decide_change, finish_phase, set_cooperating

__all__ = [
    "accept_item",
    "add_phase",
    "amend_item",
    "ask_change",
    "cancel_item",
    "close_item",
    "create_item",
    "decide_change",
    "decline_item",
    "drop_filter",
    "edit_draft",
    "extend_item",
    "finish_phase",
    "fix_item",
    "issue_item",
    "reopen_item",
    "return_for_rework",
    "save_filter",
    "set_cooperating",
    "start_item",
    "submit_item",
    "verify_item",
]
