"""What is written each night: the seconds of the days that have passed, and one row per county of how far it has come."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction

from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.lib.rows import update
from yuanjiao.network.models import ObjectKind
from yuanjiao.network.queries import seconds_of_sites
from yuanjiao.supervision.models import BurnDown, Campaign, CampaignObject
from yuanjiao.supervision.queries import held_campaign, rule_of, tallies
from yuanjiao.supervision.queries.figures import moment_after
from yuanjiao.supervision.rules import AT_WORK, TALLY

AFTER = ("after_up", "after_down", "after_unknown", "after_apart")


@transaction.atomic
def measure_days(*, campaign: Campaign, until: date) -> bool:
    """Count the frozen sites, wherever they stand now, from the first day to before `until` (at most to the end of the last day).

    True when anything was counted. Facts that came late are counted with the next night; after the closing never again.
    """
    if held_campaign(campaign.pk).state not in AT_WORK:  # the row as it is now, not as the caller read it: it may be closed meanwhile
        return False
    until = min(until, campaign.ends_on + timedelta(days=1))
    if until <= campaign.starts_on:
        return False
    rows = dict(CampaignObject.objects.filter(campaign=campaign, kind=ObjectKind.SITE).values_list("object_key", "pk"))
    told = seconds_of_sites(rows, day_start(campaign.starts_on), day_start(until), rule=rule_of(campaign))
    CampaignObject.objects.filter(campaign=campaign).update(**dict.fromkeys(AFTER, 0))
    update(CampaignObject, AFTER, ((rows[key], one.up, one.down, one.unknown, one.apart) for key, one in told.items()))
    campaign.after_to = until
    campaign.save(update_fields=["after_to"])
    return True


@transaction.atomic
def freeze_day(*, campaign: Campaign, day: date, before: datetime) -> int:
    """Write how every county stood before a moment under that day; a day that is there stays as it is. Returns how many were written:
    none of a campaign that is closed."""
    if held_campaign(campaign.pk).state not in AT_WORK:
        return 0
    known = set(BurnDown.objects.filter(campaign=campaign, day=day).values_list("county_code", flat=True))
    lines = [line for line in tallies(campaign, ["/"], before=before) if line.code not in known]
    BurnDown.objects.bulk_create(
        BurnDown(
            campaign=campaign, day=day, county_code=line.code, county_name=line.name, path=line.path,
            **dict(zip(TALLY, line.tally.values, strict=True)),
        )
        for line in lines
    )  # fmt: skip
    return len(lines)


def freeze_missing(*, campaign: Campaign, today: date) -> int:
    """Write the rows of every day from the start to before today that has none yet; how many."""
    assert campaign.started_at is not None
    day, known, written = local_day(campaign.started_at), set(campaign.days.order_by().values_list("day", flat=True)), 0
    while day < today:
        if day not in known:
            written += freeze_day(campaign=campaign, day=day, before=moment_after(day))
        day += timedelta(days=1)
    return written
