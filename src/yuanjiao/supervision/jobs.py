"""Timed work at the centre: confirmations are taken up; each night the figures of the day are written."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import QuerySet

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.supervision.commands import delay_return, freeze_day, measure_days, take_up_return
from yuanjiao.supervision.models import Campaign, CensusReturn
from yuanjiao.supervision.queries import campaigns_at_work, pending_returns
from yuanjiao.supervision.queries.figures import moment_after

log = logging.getLogger(__name__)
RETURNS_PER_TURN = 200


def take_up_census(at: datetime) -> int:
    """Take up what came and was not tried yet, oldest first; one that cannot be taken up is named in the log and waits for a turn of its own:
    however many there are, they do not stop the others."""
    return _take_up(pending_returns().filter(delay=None), at)


def take_up_left_census(at: datetime) -> int:
    """The turn of those that could not be taken up when they came, the one that was tried longest ago first."""
    return _take_up(pending_returns().exclude(delay=None).order_by("delay__tried_at", "pk"), at)


def _take_up(rows: QuerySet[CensusReturn], at: datetime) -> int:
    taken = 0
    for row in rows[:RETURNS_PER_TURN]:
        try:
            take_up_return(row=row, at=at)
            taken += 1
        except YuanjiaoError as error:
            delay_return(row=row, why=error.message, at=at)
            log.warning("census %s waits: %s", row.uid, error.message)
    return taken


def keep_campaigns(at: datetime) -> int:
    """Write the rows of every day that has ended since the start, and count the days anew; once a day, also after a pause of days."""
    written = 0
    for campaign in campaigns_at_work():
        written += _keep(campaign, at)
    return written


def _keep(campaign: Campaign, at: datetime) -> int:
    today = local_day(at)
    assert campaign.started_at is not None
    day, known, written = local_day(campaign.started_at), set(campaign.days.order_by().values_list("day", flat=True)), 0
    while day < today:
        if day not in known:
            written += freeze_day(campaign=campaign, day=day, before=moment_after(day))
        day += timedelta(days=1)
    if written:
        measure_days(campaign=campaign, until=today)
    return written
