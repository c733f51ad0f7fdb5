"""Tables of the ledger."""

from yuanjiao.funds.models.entries import KIND_NAMES, PROPOSAL_STATE_NAMES, Entry, Proposal
from yuanjiao.funds.models.flows import SUBSIDY_STATE_NAMES, AllowanceRate, Commitment, Subsidy, VillageAllowance
from yuanjiao.funds.models.ledger import CATEGORY_NAMES, SOURCE_NAMES, Fund, PermittedCategory, Source

__all__ = [
    "CATEGORY_NAMES",
    "KIND_NAMES",
    "PROPOSAL_STATE_NAMES",
    "SOURCE_NAMES",
    "SUBSIDY_STATE_NAMES",
    "AllowanceRate",
    "Commitment",
    "Entry",
    "Fund",
    "PermittedCategory",
    "Proposal",
    "Source",
    "Subsidy",
    "VillageAllowance",
]
