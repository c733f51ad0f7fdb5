"""Writes of the ledger. Nothing here edits or deletes an entry."""

from yuanjiao.funds.commands.flows import (
    accept_subsidy,
    apply_for_subsidy,
    approve_subsidy,
    enter_allowance_use,
    enter_commitment,
    enter_delivery,
    refuse_subsidy,
    set_allowance_rate,
)
from yuanjiao.funds.commands.opening import NewSource, add_source, enter_contribution, open_fund
from yuanjiao.funds.commands.paying import (
    approve_proposal,
    propose_allowances,
    propose_payment,
    propose_reversal,
    propose_subsidy_payment,
    refuse_proposal,
    withdraw_proposal,
)

__all__ = [
    "NewSource",
    "accept_subsidy",
    "add_source",
    "apply_for_subsidy",
    "approve_proposal",
    "approve_subsidy",
    "enter_allowance_use",
    "enter_commitment",
    "enter_contribution",
    "enter_delivery",
    "open_fund",
    "propose_allowances",
    "propose_payment",
    "propose_reversal",
    "propose_subsidy_payment",
    "refuse_proposal",
    "refuse_subsidy",
    "set_allowance_rate",
    "withdraw_proposal",
]
