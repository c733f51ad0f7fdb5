"""The counters' job: follow the rows, sum finished days one at a time, keep today's counters."""

from __future__ import annotations

from datetime import date, datetime

from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.queries.rulings import rule_among, rule_versions
from yuanjiao.network.rules.rates import RateRule


def keep_counters(at: datetime) -> None:
    """One turn: at most one finished day is summed."""
    versions = rule_versions()

    def rule_on(day: date) -> RateRule:
        return rule_among(versions, day)

    COUNTERS.keep(at, rule_on)
