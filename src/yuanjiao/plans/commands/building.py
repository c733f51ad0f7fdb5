"""Writes of build plans, coverage targets and upgrades."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.models import AccessMode, Lifecycle, Site, SiteKind
from yuanjiao.network.queries import passed_play_test_after
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.rules import Level
from yuanjiao.plans.models import BuildPlan, BuildTarget, CoverageTarget, Upgrade
from yuanjiao.plans.rules import Measure


@transaction.atomic
def add_build_plan(
    *, title: str, division: Division, document: str, due_on: date, targets: Sequence[tuple[Measure, str, int]], by: Actor, at: datetime
) -> BuildPlan:
    """Enter a plan with its targets: (measure, kind or capability, count)."""
    by.require(Permission.PLAN_BUILDING, division.path)
    if not title.strip() or not document.strip():
        raise Refused("计划须写明名称和依据文件")
    if due_on < clock.local_day(at):
        raise Refused("完成期限已经过去")
    if not targets:
        raise Refused("计划至少要有一项目标")
    plan = BuildPlan.objects.create(title=title.strip(), division=division, document=document.strip(), due_on=due_on)
    for measure, value, count in targets:
        _add_target(plan, Measure(measure), value.strip(), count)
    write_audit(by=by, action="制定建设计划", subject=plan.title, at=at, detail=f"{document}，{due_on} 前")
    return plan


def _add_target(plan: BuildPlan, measure: Measure, value: str, count: int) -> None:
    if measure is Measure.KIND and value not in SiteKind.values:
        raise Refused(f"没有“{value}”这种站点类型")
    if not value or count < 1:
        raise Refused("目标须写明类型或能力，数量至少为 1")
    _, made = BuildTarget.objects.get_or_create(plan=plan, measure=measure, value=value, defaults={"count": count})
    if not made:
        raise Refused(f"“{value}”写了两次")


@transaction.atomic
def add_coverage_target(
    *, division: Division, level: int, urban_only: bool, due_on: date, document: str, by: Actor, at: datetime
) -> CoverageTarget:
    """All places of a level in a division are to have a site by a day."""
    by.require(Permission.PLAN_BUILDING, division.path)
    if level not in {Level.COUNTY, Level.TOWN, Level.VILLAGE} or level <= division.level:
        raise Refused("覆盖目标的级别须在该区划之下：县、乡镇（街道）或村（社区）")
    if not document.strip():
        raise Refused("覆盖目标须写明依据文件")
    if due_on < clock.local_day(at):
        raise Refused("期限已经过去")
    values = {"division": division, "level": level, "urban_only": urban_only, "due_on": due_on}
    target, made = CoverageTarget.objects.get_or_create(**values, defaults={"document": document.strip()})
    if not made:
        raise Conflict("这个目标已经有了")
    write_audit(by=by, action="制定覆盖目标", subject=str(target), at=at, detail=document)
    return target


@transaction.atomic
def plan_upgrade(
    *, site: Site, to_mode: str, work: str, planned_on: date, cost_cents: int, document: str, by: Actor, at: datetime
) -> Upgrade:
    """Plan a site's renewal; one at a time. What it is now is read from the register."""
    by.require(Permission.PLAN_BUILDING, site.division.path)
    if to_mode not in AccessMode.values:
        raise Refused("没有这种接入方式")
    if site.lifecycle == Lifecycle.RETIRED:
        raise Refused(f"{site.name} 已经退役")
    if to_mode == site.access_mode and not work.strip():
        raise Refused("接入方式不变时，须写明改造内容")
    if Upgrade.objects.filter(site=site, accepted_at=None).exists():
        raise Conflict(f"{site.name} 已有一项未验收的改造")
    values = {"work": work.strip(), "planned_on": planned_on, "cost_cents": cost_cents, "document": document.strip()}
    upgrade = Upgrade.objects.create(site=site, from_mode=site.access_mode, to_mode=to_mode, **values)
    write_audit(by=by, action="安排改造", subject=f"站点 {site.code}", at=at, detail=f"{upgrade.get_to_mode_display()} {planned_on}")
    return upgrade


@transaction.atomic
def finish_upgrade(*, upgrade: Upgrade, by: Actor, at: datetime) -> None:
    """The work is done; what accepts it is a play test that passes from now on."""
    by.require(Permission.PLAN_BUILDING, upgrade.site.division.path)
    if upgrade.done_at is not None:
        raise Conflict("已经登记完工")
    upgrade.done_at = at
    upgrade.save(update_fields=["done_at"])
    write_audit(by=by, action="改造完工", subject=f"站点 {upgrade.site.code}", at=at, detail="")


@transaction.atomic
def accept_upgrade(*, upgrade: Upgrade, by: Actor, at: datetime) -> None:
    """Accept by a play test after the work. Refused while there is none."""
    by.require(Permission.PLAN_BUILDING, upgrade.site.division.path)
    if upgrade.accepted_at is not None:
        raise Conflict("已经验收")
    if upgrade.done_at is None:
        raise Refused("还没有登记完工")
    play = passed_play_test_after(upgrade.site, upgrade.done_at.replace(microsecond=0))
    if play is None:
        raise Refused("完工以后还没有播放成功的记录，不能验收")
    upgrade.accepted_at, upgrade.play_test = at, play.uid
    upgrade.save(update_fields=["accepted_at", "play_test"])
    write_audit(by=by, action="改造验收", subject=f"站点 {upgrade.site.code}", at=at, detail=f"播放测试 {play.at:%Y-%m-%d %H:%M}")
