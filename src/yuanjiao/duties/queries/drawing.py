"""What a person who answers for something has open and in hand: the lines of a hand-over sheet.

It speaks of the place and the unit, never of how much somebody did: whoever takes over must know what is coming.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Count

from yuanjiao.duties.rules import KIND_NAMES, Kind, OpenThing, Side, side_of
from yuanjiao.faults.queries import open_orders
from yuanjiao.items.queries import open_items
from yuanjiao.items.rules import ItemKind, grouped_code
from yuanjiao.lib import clock
from yuanjiao.network.queries import assets, open_roots
from yuanjiao.people.models import Responsibility
from yuanjiao.people.queries import tenures_on
from yuanjiao.plans.queries import build_plans, coverage_targets, upgrades

MOST = 200
"""Lines of one kind; more are told as a number with where the list is."""
SINGLE_ASSETS = 60
"""So many pieces of equipment are named one by one; more by kind."""


def open_things(tenure: Responsibility, at: datetime) -> list[OpenThing]:
    """Orders, other items, outages, plans, equipment and other duties, in the order of the sheet."""
    paths, day = [tenure.division.path], clock.local_day(at)
    parts = (_orders(tenure), _items(tenure, paths), _outages(tenure, paths), _plans(tenure, paths, day), _assets(tenure, paths))
    return [*(line for part in parts for line in _some(list(part))), *_other_duties(tenure, day)]


def _some(lines: list[OpenThing]) -> list[OpenThing]:
    if len(lines) <= MOST:
        return lines
    rest = OpenThing(lines[0].kind, "", f"另有 {len(lines) - MOST} 项未逐一列出", "见系统内清单")
    return [*lines[:MOST], rest]


def _orders(tenure: Responsibility) -> Iterable[OpenThing]:
    """Of the operator's unit its own orders; of the other side those of the place."""
    rows = open_orders([tenure.division.path])
    if side_of(tenure.chain) is Side.OPERATOR:
        rows = rows.filter(item__lead_unit=tenure.unit_id)
    if tenure.object_code:
        rows = rows.filter(subject__code=tenure.object_code)
    for row in rows.order_by("item__due_at")[: MOST * 5]:
        due = f"，应于 {clock.local_day(row.item.due_at):%Y-%m-%d} 前修复" if row.item.due_at else ""
        yield OpenThing(Kind.ORDER, grouped_code(row.item.code), row.item.title, f"{row.item.get_state_display()}{due}")


def _items(tenure: Responsibility, paths: list[str]) -> Iterable[OpenThing]:
    if tenure.object_code:
        return
    for row in open_items(paths).exclude(kind=ItemKind.WORK_ORDER)[: MOST * 5]:
        due = f"，期限 {clock.local_day(row.due_at):%Y-%m-%d}" if row.due_at else ""
        yield OpenThing(Kind.ITEM, grouped_code(row.code), row.title, f"{row.get_kind_display()}，{row.get_state_display()}{due}")


def _outages(tenure: Responsibility, paths: list[str]) -> Iterable[OpenThing]:
    for row in open_roots(paths, limit=MOST * 5).widest:
        if tenure.object_code in {"", row.code}:
            remark = f"自 {row.started_at.astimezone(clock.CHINA):%Y-%m-%d %H:%M}，影响 {row.affected_count} 个站点"
            yield OpenThing(Kind.OUTAGE, row.code, f"{row.name}{row.class_name}", remark)


def _plans(tenure: Responsibility, paths: list[str], day: date) -> Iterable[OpenThing]:
    if tenure.object_code:
        return
    for plan in build_plans(paths).filter(due_on__gte=day):
        yield OpenThing(Kind.PLAN, "", f"建设计划：{plan.title}", f"{plan.division.name}，{plan.due_on:%Y-%m-%d} 前完成，{plan.document}")
    for target in coverage_targets(paths).filter(due_on__gte=day):
        yield OpenThing(Kind.PLAN, "", f"覆盖目标：{target}", target.document)
    for one in upgrades(paths).filter(accepted_at=None):
        yield OpenThing(Kind.PLAN, one.site.code, f"改造：{one.site.name}", f"计划 {one.planned_on:%Y-%m-%d}，尚未验收")


def _assets(tenure: Responsibility, paths: list[str]) -> Iterable[OpenThing]:
    """One by one as far as a person can check them; else how many of each kind. The operator's people hold none of the sites' equipment."""
    if side_of(tenure.chain) is Side.OPERATOR and not tenure.object_code:
        return
    rows = assets().filter(place__division__path__under=paths[0])
    if tenure.object_code:
        rows = rows.filter(place__code=tenure.object_code)
    single = list(rows[: SINGLE_ASSETS + 1])
    if len(single) <= SINGLE_ASSETS:
        for row in single:
            yield OpenThing(Kind.ASSET, row.code, f"{row.kind} {row.model}".strip(), row.place.name)
        return
    for kind, count in rows.order_by("kind").values_list("kind").annotate(n=Count("pk")):
        yield OpenThing(Kind.ASSET, "", f"{kind} {count} 件", "逐件清单见台账“设备”表")


def _other_duties(tenure: Responsibility, day: date) -> Iterable[OpenThing]:
    """What else the person answers for: it does not end with this tenure unless it is handed over too."""
    for row in tenures_on(day).filter(person=tenure.person_id).exclude(pk=tenure.pk):
        yield OpenThing(Kind.DUTY, row.division.code, f"{row.division.name}{KIND_NAMES[row.kind]}", "不随本次交接终止")
