"""What a person who answers for something has open and in hand: the lines of a hand-over sheet.

It speaks of the place and the unit, never of how much somebody did: whoever takes over must know what is coming.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, QuerySet

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
    return [*(line for part in parts for line in part), *_other_duties(tenure, day)]


def _some(*parts: tuple[QuerySet[Any], Callable[[Any], OpenThing]]) -> list[OpenThing]:
    """The first `MOST` of one kind, and how many more there are."""
    lines: list[OpenThing] = []
    for rows, told in parts:
        lines += [told(row) for row in rows[: MOST - len(lines)]]
    return _with_rest(lines, sum(rows.count() for rows, _told in parts))


def _with_rest(lines: Sequence[OpenThing], count: int) -> list[OpenThing]:
    rest = count - len(lines)
    return [*lines, OpenThing(lines[0].kind, "", f"另有 {rest} 项未逐一列出", "见系统内清单")] if lines and rest > 0 else list(lines)


def _orders(tenure: Responsibility) -> list[OpenThing]:
    """Of the operator's unit its own orders; of the other side those of the place."""
    rows = open_orders([tenure.division.path])
    if side_of(tenure.chain) is Side.OPERATOR:
        rows = rows.filter(item__lead_unit=tenure.unit_id)
    if tenure.object_code:
        rows = rows.filter(subject__code=tenure.object_code)

    def told(row: Any) -> OpenThing:
        due = f"，应于 {clock.local_day(row.item.due_at):%Y-%m-%d} 前修复" if row.item.due_at else ""
        return OpenThing(Kind.ORDER, grouped_code(row.item.code), row.item.title, f"{row.item.get_state_display()}{due}")

    return _some((rows.order_by(F("item__due_at").asc(nulls_last=True), "pk"), told))


def _items(tenure: Responsibility, paths: list[str]) -> list[OpenThing]:
    def told(row: Any) -> OpenThing:
        due = f"，期限 {clock.local_day(row.due_at):%Y-%m-%d}" if row.due_at else ""
        return OpenThing(Kind.ITEM, grouped_code(row.code), row.title, f"{row.get_kind_display()}，{row.get_state_display()}{due}")

    rows = open_items(paths).exclude(kind=ItemKind.WORK_ORDER).order_by(F("due_at").asc(nulls_last=True), "pk")
    return [] if tenure.object_code else _some((rows, told))


def _outages(tenure: Responsibility, paths: list[str]) -> list[OpenThing]:
    found = open_roots(paths, limit=MOST, code=tenure.object_code)
    lines = []
    for row in found.widest:
        remark = f"自 {row.started_at.astimezone(clock.CHINA):%Y-%m-%d %H:%M}，影响 {row.affected_count} 个站点"
        lines.append(OpenThing(Kind.OUTAGE, row.code, f"{row.name}{row.class_name}", remark))
    return _with_rest(lines, found.count)


def _plans(tenure: Responsibility, paths: list[str], day: date) -> list[OpenThing]:
    if tenure.object_code:
        return []
    return _some(
        (build_plans(paths).filter(due_on__gte=day), _plan),
        (coverage_targets(paths).filter(due_on__gte=day), lambda row: OpenThing(Kind.PLAN, "", f"覆盖目标：{row}", row.document)),
        (upgrades(paths).filter(accepted_at=None), _upgrade),
    )


def _plan(row: Any) -> OpenThing:
    return OpenThing(Kind.PLAN, "", f"建设计划：{row.title}", f"{row.division.name}，{row.due_on:%Y-%m-%d} 前完成，{row.document}")


def _upgrade(row: Any) -> OpenThing:
    return OpenThing(Kind.PLAN, row.site.code, f"改造：{row.site.name}", f"计划 {row.planned_on:%Y-%m-%d}，尚未验收")


def _assets(tenure: Responsibility, paths: list[str]) -> list[OpenThing]:
    """One by one as far as a person can check them; else how many of each kind. The operator's people hold none of the sites' equipment."""
    if side_of(tenure.chain) is Side.OPERATOR and not tenure.object_code:
        return []
    rows = assets().filter(place__division__path__under=paths[0])
    if tenure.object_code:
        rows = rows.filter(place__code=tenure.object_code)
    single = list(rows[: SINGLE_ASSETS + 1])
    if len(single) <= SINGLE_ASSETS:
        return [OpenThing(Kind.ASSET, row.code, f"{row.kind} {row.model}".strip(), row.stands.name) for row in single]
    kinds = rows.order_by("kind").values_list("kind").annotate(n=Count("pk"))
    return _some((kinds, lambda row: OpenThing(Kind.ASSET, "", f"{row[0]} {row[1]} 件", "逐件清单见台账“设备”表")))


def _other_duties(tenure: Responsibility, day: date) -> list[OpenThing]:
    """What else the person answers for: it does not end with this tenure unless it is handed over too."""
    rows = tenures_on(day).filter(person=tenure.person_id).exclude(pk=tenure.pk)
    return [OpenThing(Kind.DUTY, row.division.code, f"{row.division.name}{KIND_NAMES[row.kind]}", "不随本次交接终止") for row in rows]
