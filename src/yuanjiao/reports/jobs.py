"""Timed work of reports: drafts are there before anybody asks."""

from __future__ import annotations

from datetime import datetime

from yuanjiao.lib.clock import local_day
from yuanjiao.people.rules import SYSTEM
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.reports.commands import draft_county_month
from yuanjiao.reports.rules import drafting_months


def draft_month_reports(at: datetime) -> int:
    """From the 25th on, draft this month's report of every county that has none; returns how many counties have one now."""
    done = 0
    for month in drafting_months(at):
        for county in divisions(on=local_day(at), level=Level.COUNTY):
            draft_county_month(county=county, month=month, by=SYSTEM, at=at)
            done += 1
    return done
