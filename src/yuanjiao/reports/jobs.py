"""Timed work of reports: drafts are there before anybody asks."""

from __future__ import annotations

from datetime import date, datetime

from yuanjiao.lib.clock import local_day
from yuanjiao.people.rules import SYSTEM
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Chain, Level
from yuanjiao.reports.commands import draft_branch_month, draft_county_month, draft_of
from yuanjiao.reports.queries import city_of, weeks_to_draft
from yuanjiao.reports.rules import DocumentKind, drafting_months

WEEKS_MADE_UP = 4
"""How many weeks back a missing draft is made."""


def draft_month_reports(at: datetime) -> int:
    """From the 25th on, draft this month's report of every county that has none; returns how many counties have one now."""
    done = 0
    for month in drafting_months(at):
        for county in divisions(on=local_day(at), level=Level.COUNTY):
            draft_county_month(county=county, month=month, by=SYSTEM, at=at)
            done += 1
        for unit in units(on=local_day(at)).filter(chain=Chain.OPERATOR):
            draft_branch_month(unit=unit, month=month, by=SYSTEM, at=at)
    return done


def draft_week_reports(at: datetime) -> int:
    """From the fixed day of the week on, draft every county's report of the seven days before it; returns how many counties have theirs.

    After a standstill the weeks between are made up for, as far as `WEEKS_MADE_UP`. The first time only on the day itself, and by a
    new rule only from the day it was set: nobody begins with a report that is late (RPT05).
    """
    done, today = 0, local_day(at)
    weeks: dict[str, list[date]] = {}
    for county in divisions(on=today, level=Level.COUNTY):
        city = city_of(county)
        if city not in weeks:
            weeks[city] = weeks_to_draft(city, today, WEEKS_MADE_UP)
        for first_day in weeks[city]:
            draft_of(DocumentKind.COUNTY_WEEK, county, first_day, by=SYSTEM, at=at)
        done += bool(weeks[city])
    return done
