"""What other rooms may read of faults, by noun."""

from yuanjiao.faults.queries.acceptance import AcceptanceCheck, acceptance_check
from yuanjiao.faults.queries.dictionary import causes_for, term_for, terms
from yuanjiao.faults.queries.orders import (
    OrdersSummary,
    colour_counts,
    open_order_for,
    operator_unit_for,
    order_by_code,
    orders_of_unit,
    orders_seen_by,
    orders_summary,
)
from yuanjiao.faults.queries.reports import FollowedReport, callback_phone, follow, pending_reports, reports_seen_by
from yuanjiao.faults.queries.sites import SiteCard, find_sites, site_card
from yuanjiao.faults.queries.statistics import (
    ReportedMonth,
    UnderReporting,
    cause_pareto,
    filing_delays,
    reported_faults,
    under_reporting,
)

__all__ = [
    "AcceptanceCheck",
    "FollowedReport",
    "OrdersSummary",
    "ReportedMonth",
    "SiteCard",
    "UnderReporting",
    "acceptance_check",
    "callback_phone",
    "cause_pareto",
    "causes_for",
    "colour_counts",
    "filing_delays",
    "find_sites",
    "follow",
    "open_order_for",
    "operator_unit_for",
    "order_by_code",
    "orders_of_unit",
    "orders_seen_by",
    "orders_summary",
    "pending_reports",
    "reported_faults",
    "reports_seen_by",
    "site_card",
    "term_for",
    "terms",
    "under_reporting",
]
