"""What other rooms may read of faults, by noun."""

from yuanjiao.faults.queries.acceptance import AcceptanceCheck, acceptance_check
from yuanjiao.faults.queries.dictionary import causes_for, term_for, terms
from yuanjiao.faults.queries.observed import (
    MonthRow,
    UnderReporting,
    Unseen,
    delays_by_place,
    faults_nobody_saw,
    filing_delays,
    only_people_saw,
    reported_outages,
    under_reporting,
    under_reporting_by_month,
)
from yuanjiao.faults.queries.orders import (
    OrdersSummary,
    colour_counts,
    open_order_for,
    open_orders,
    operator_unit_for,
    order_by_code,
    orders_of_unit,
    orders_seen_by,
    orders_summary,
)
from yuanjiao.faults.queries.reports import FollowedReport, callback_phone, follow, pending_reports, reports_seen_by
from yuanjiao.faults.queries.signs import fault_signs
from yuanjiao.faults.queries.sites import SiteCard, find_sites, site_card
from yuanjiao.faults.queries.statistics import ReportedMonth, cause_pareto, month_of, months_in, reported_faults
from yuanjiao.faults.queries.trainings import TrainingEffect, asked, operator_errors, training_effects, trainings

__all__ = [
    "AcceptanceCheck",
    "FollowedReport",
    "MonthRow",
    "OrdersSummary",
    "ReportedMonth",
    "SiteCard",
    "TrainingEffect",
    "UnderReporting",
    "Unseen",
    "acceptance_check",
    "asked",
    "callback_phone",
    "cause_pareto",
    "causes_for",
    "colour_counts",
    "delays_by_place",
    "fault_signs",
    "faults_nobody_saw",
    "filing_delays",
    "find_sites",
    "follow",
    "month_of",
    "months_in",
    "only_people_saw",
    "open_order_for",
    "open_orders",
    "operator_errors",
    "operator_unit_for",
    "order_by_code",
    "orders_of_unit",
    "orders_seen_by",
    "orders_summary",
    "pending_reports",
    "reported_faults",
    "reported_outages",
    "reports_seen_by",
    "site_card",
    "term_for",
    "terms",
    "training_effects",
    "trainings",
    "under_reporting",
    "under_reporting_by_month",
]
