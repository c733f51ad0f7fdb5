"""The day on which weekly reports fall due."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.rules import Level
from yuanjiao.reports.models import ReportDay
from yuanjiao.reports.queries import report_day


@transaction.atomic
def set_report_day(*, city: Division, weekday: int, by: Actor, at: datetime) -> ReportDay:
    """Weekly reports of the city's counties fall due on this day of the week (Monday is 0), from the next one on (RPT05)."""
    by.require(Permission.WRITE_REPORTS, city.path)
    if city.level != Level.CITY:
        raise Refused("周报日由市里统一定")
    if not 0 <= weekday <= 6:
        raise Refused("请选星期一至星期日中的一天")
    before = report_day(city.path)
    since = before.since if before.weekday == weekday else local_day(at)
    row, _made = ReportDay.objects.update_or_create(path=city.path, defaults={"weekday": weekday, "since": since})
    write_audit(by=by, action="设定周报日", subject=city.name, at=at, detail=str(row))
    return row
