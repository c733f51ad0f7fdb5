"""What the tests of learning stand on: a plan of the city, and sessions recorded through the commands."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from yuanjiao.learning.commands import SessionRecord, plan_study_day, record_session
from yuanjiao.learning.models import Session, StudyDayPlan
from yuanjiao.learning.rules import SessionForm
from yuanjiao.lib.uid import new_uid
from yuanjiao.simulation.cast import Cast

CITY = "/990000000000/990100000000/"
COUNTY = CITY + "990101000000/"
LI = COUNTY + "990101100000/990101100200/"
LI_SITE = "S-990101100200"


def make_plan(cast: Cast, at: datetime, **changes: Any) -> StudyDayPlan:
    """逢二学习日: the 2nd, 16th and 26th of every month for the whole city, unless `changes` say otherwise."""
    settings: dict[str, Any] = {
        "title": "逢二学习日",
        "unit": cast.units["ZZ-9901"],
        "scope": CITY,
        "form": SessionForm.GROUP_VIEWING,
        "start_time": time(15, 0),
        "minutes": 90,
        "starts_on": date(2026, 1, 1),
        "days_of_month": {2, 16, 26},
        "by": cast.actor("shiguan"),
        "at": at,
    }
    return plan_study_day(**(settings | changes))


def hold(cast: Cast, at: datetime, heads: int = 23, *, site: str = LI_SITE, ago: timedelta = timedelta(0), **changes: Any) -> Session:
    """A session recorded by the village's site manager, or by the city for other sites' tests through `by`."""
    arguments: dict[str, Any] = {
        "uid": new_uid(),
        "site": cast.sites[site],
        "plan": None,
        "held": SessionRecord(held_at=at - ago, heads_onsite=heads),
        "by": cast.actor("zhanguan") if site == LI_SITE else cast.actor("linxian" if "990102" in site else "xianguan"),
        "at": at,
    }
    return record_session(**(arguments | changes))
