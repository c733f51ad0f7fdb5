"""The life of a campaign: opened, started with its baseline frozen, reviewed, closed with its result frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.lib.errors import Refused
from yuanjiao.lib.rows import insert
from yuanjiao.network.models import Lifecycle, ObjectKind
from yuanjiao.network.queries import edges, lines, rule_on, seconds_of_sites, sites
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Level
from yuanjiao.supervision.commands.figures import freeze_day, freeze_missing, measure_days
from yuanjiao.supervision.models import Campaign, CampaignObject, CampaignScope, CampaignTarget, UnitPlan
from yuanjiao.supervision.queries import held_campaign, planless, scope_paths, tallies, targets_now, untaken
from yuanjiao.supervision.rules import (
    LONGEST_DAYS,
    SHARES,
    CampaignState,
    Measure,
    before_span,
    county_of,
    require_step,
    shortfalls,
    together,
)

COUNTED = (Lifecycle.IN_SERVICE, Lifecycle.SUSPENDED)


@transaction.atomic
def open_campaign(
    *, title: str, document: str, unit: OrgUnit, places: Sequence[Division], starts_on: date, ends_on: date, plan_due_on: date,
    targets: Mapping[Measure, float], by: Actor, at: datetime,
) -> Campaign:  # fmt: skip
    """Prepare a campaign over some places. Nothing is frozen, and nobody is asked for anything, before it is started."""
    by.require(Permission.OPEN_CAMPAIGN, unit.division.path)
    for place in places:
        by.require(Permission.OPEN_CAMPAIGN, place.path)
    if not title.strip() or not document.strip():
        raise Refused("请写明名称和依据文件")
    if not places or any(one is not other and one.path.startswith(other.path) for one in places for other in places):
        raise Refused("请写明范围，各地方不能重复或互相包含")
    if not starts_on <= plan_due_on <= ends_on or (ends_on - starts_on).days >= LONGEST_DAYS:
        raise Refused(f"结束日期应在开始之后 {LONGEST_DAYS} 天之内，方案报送期限应在行动期间")
    if any(value < 0 or (measure in SHARES and value > 1) for measure, value in targets.items()):
        raise Refused("目标值不对：比例在 0 到 100% 之间，件数不小于 0")
    row = Campaign.objects.create(
        title=title.strip()[:80], document=document.strip()[:80], unit=unit, starts_on=starts_on, ends_on=ends_on,
        plan_due_on=plan_due_on, opened_by=by.name[:50],
    )  # fmt: skip
    CampaignScope.objects.bulk_create(CampaignScope(campaign=row, division_code=one.code, name=one.name, path=one.path) for one in places)
    CampaignTarget.objects.bulk_create(CampaignTarget(campaign=row, measure=measure, value=value) for measure, value in targets.items())
    write_audit(by=by, action="筹备专项行动", subject=row.title, at=at, detail="、".join(one.name for one in places)[:400])
    return row


@transaction.atomic
def start_campaign(*, campaign: Campaign, by: Actor, at: datetime) -> Campaign:
    """Freeze the baseline and begin: who is counted, with the names of this day, and what their rates were in as many days before.

    Refused outside the days of the campaign, and for places without any server, line or site.
    """
    row, today = _stepped(campaign, CampaignState.RUNNING, by), local_day(at)
    if not row.starts_on <= today <= row.ends_on:
        raise Refused("启动日期应在行动开始与结束日期之间")
    row.before_from, _ = before_span(row.starts_on, row.ends_on)
    row.rule_version, row.after_to = rule_on(row.starts_on).version, row.starts_on
    if not _freeze_population(row, today):
        raise Refused("范围内没有在用或停用的服务器、线路和站点")
    expected = [unit for path in scope_paths(row) for unit in _expected_units(path, today) if unit.pk != row.unit_id]
    UnitPlan.objects.bulk_create(UnitPlan(campaign=row, unit=unit) for unit in {unit.pk: unit for unit in expected}.values())
    row.state, row.started_at = CampaignState.RUNNING, at
    row.save()
    measure_days(campaign=row, until=today)
    write_audit(
        by=by,
        action="启动专项行动",
        subject=row.title,
        at=at,
        detail=f"基线 {row.before_from} 至 {row.starts_on}，规则第 {row.rule_version} 版",
    )
    return row


def _stepped(campaign: Campaign, wanted: CampaignState, by: Actor) -> Campaign:
    """The row, held, if `wanted` is its next state and the person may take it there."""
    row = held_campaign(campaign.pk)
    by.require(Permission.OPEN_CAMPAIGN, row.unit.division.path)
    require_step(row.state, wanted)
    return row


def _expected_units(path: str, day: date) -> Iterator[OrgUnit]:
    """The units of the counties below a path, and of the place itself: they hand in a plan."""
    for unit in units(on=day, under=path):
        if unit.division.level <= Level.COUNTY or unit.division.path == path:
            yield unit


COLUMNS = (
    "campaign_id", "kind", "object_key", "code", "name", "lifecycle", "place_code", "place_name", "path", "county_code", "county_name",
    "before_up", "before_down", "before_unknown", "before_apart", "after_up", "after_down", "after_unknown", "after_apart",
    "inspected_at", "confirmed_at",
)  # fmt: skip
FIELDS = ("pk", "code", "name", "lifecycle", "division__code", "division__name", "division__path")


def _freeze_population(campaign: Campaign, day: date) -> int:
    """Write the population with its seconds before; returns how many there are."""
    inside, counties = within("division__path", scope_paths(campaign)), _county_names(day)
    rows = [
        (kind, *values)
        for kind, every in ((ObjectKind.EDGE, edges()), (ObjectKind.LINE, lines()), (ObjectKind.SITE, sites()))
        for values in every.filter(inside, lifecycle__in=COUNTED).values_list(*FIELDS)
    ]
    assert campaign.before_from is not None
    keys = [row[1] for row in rows if row[0] == ObjectKind.SITE]
    span = day_start(campaign.before_from), day_start(campaign.starts_on)
    before = seconds_of_sites(keys, *span, rule=rule_on(campaign.starts_on))
    insert(CampaignObject, COLUMNS, (_frozen(campaign.pk, row, counties, before) for row in rows))
    return len(rows)


def _county_names(day: date) -> dict[str, str]:
    return dict(divisions(on=day, level=Level.COUNTY).values_list("code", "name"))


def _frozen(campaign: int, row: tuple[Any, ...], counties: Mapping[str, str], before: Mapping[int, Any]) -> tuple[Any, ...]:
    kind, key, code, name, lifecycle, place_code, place_name, path = row
    county, told = county_of(path), before.get(key)
    seconds = (told.up, told.down, told.unknown, told.apart) if told and kind == ObjectKind.SITE else (0, 0, 0, 0)
    where = (place_code, place_name, path, county, counties.get(county, ""))
    return (campaign, str(kind), key, code, name, str(lifecycle), *where, *seconds, 0, 0, 0, 0, None, None)


@transaction.atomic
def begin_review(*, campaign: Campaign, by: Actor, at: datetime) -> Campaign:
    """The days are over: what is left is inspected, put right and checked again. Refused before the last day."""
    row = _stepped(campaign, CampaignState.REVIEW, by)
    if local_day(at) < row.ends_on:
        raise Refused(f"行动到 {row.ends_on:%Y-%m-%d} 结束，之后才能转入复核")
    row.state, row.reviewed_at = CampaignState.REVIEW, at
    row.save(update_fields=["state", "reviewed_at"])
    write_audit(by=by, action="专项行动转入复核", subject=row.title, at=at)
    return row


@transaction.atomic
def close_campaign(*, campaign: Campaign, by: Actor, at: datetime) -> Campaign:
    """Close, and freeze the result. Refused while anything in scope lacks an inspection record, or a problem its owner (OPS02), or
    a confirmation waits to be taken up: the campaign's row is held, so that nothing is added meanwhile."""
    row = _stepped(campaign, CampaignState.CLOSED, by)
    gaps = shortfalls(together(line.tally for line in tallies(row, ["/"])), planless(row).count(), untaken(row).count())
    if gaps:
        raise Refused("不能结束：" + "；".join(gaps))
    freeze_missing(campaign=row, today=local_day(at))  # what the night has not written yet: nothing is written after the closing
    last = min(local_day(at), row.ends_on + timedelta(days=1))
    measure_days(campaign=row, until=last)
    row.after_to = last
    for target in targets_now(row):
        target.save(update_fields=["result", "reached"])
    freeze_day(campaign=row, day=local_day(at), before=at + timedelta(microseconds=1))
    for problem in row.problems.select_related("item"):
        row.problems.filter(pk=problem.pk).update(final_state=problem.item.state)
    row.state, row.closed_at = CampaignState.CLOSED, at
    row.save()
    write_audit(by=by, action="结束专项行动", subject=row.title, at=at)
    return row
