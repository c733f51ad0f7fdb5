"""Reads of work orders: in scope, by unit, by colour, and sums over a period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.rules import CLASS_NAMES, FaultClass, Ratio
from yuanjiao.items.queries import colour_filter
from yuanjiao.items.rules import ENDED, OPEN, WITH_OWNER, Colour, State
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.models import ManagedObject, Outage
from yuanjiao.network.queries import OutageView, told_instabilities, told_roots
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import ancestors, every_row, units
from yuanjiao.places.rules import Chain, Level, level_of


def _orders() -> QuerySet[WorkOrder]:
    return WorkOrder.objects.select_related("item__division", "item__lead_unit", "subject__division", "subject__site", "cause", "outage")


def orders_seen_by(actor: Actor, permission: Permission = Permission.SEE_ORDERS) -> QuerySet[WorkOrder]:
    """Orders whose object lies in the actor's subtree, newest first."""
    return orders_in_scope(actor.paths(permission))


def orders_in_scope(paths: Iterable[str]) -> QuerySet[WorkOrder]:
    """Orders whose object lies under any of the paths, newest first."""
    return _orders().filter(within("item__division__path", paths)).order_by("-item__created_at")


def open_orders(paths: Iterable[str]) -> QuerySet[WorkOrder]:
    """Orders under the paths that have not ended."""
    return orders_in_scope(paths).exclude(item__state__in=ENDED)


def order_by_code(code: str, actor: Actor) -> WorkOrder:
    """One order in the actor's subtree; NotFound for any other: it does not exist for them."""
    row = orders_seen_by(actor).filter(item__code=code).first()
    if row is None:
        raise NotFound("没有这张工单，或不在您负责的范围内")
    return row


def orders_of_unit(actor: Actor) -> QuerySet[WorkOrder]:
    """What the actor's own units have to do now or have handed in, most urgent first."""
    own = [grant.unit_id for grant in actor.grants]
    states = [*WITH_OWNER, State.SUBMITTED]
    rows = orders_seen_by(actor, Permission.WORK_ORDER).filter(item__lead_unit__in=own, item__state__in=states)
    return rows.order_by("item__due_at")


def open_order_for(subject: ManagedObject, outage: OutageView | None) -> WorkOrder | None:
    """The order that already deals with an object: of its (root) outage, or open on the object itself."""
    same = Q(subject=subject.pk)
    if outage is not None:
        same |= Q(outage=outage.outage_id) | Q(subject=outage.object_id)
    return _orders().filter(same).exclude(item__state__in=ENDED).order_by(F("outage").desc(nulls_last=True), "item__created_at").first()


def operator_unit_for(division: Division, level: int, *, on: date) -> OrgUnit | None:
    """The operator's unit that answers for a place: of its county or city as `level` says, else the nearest one above."""
    levels = {row.code: row.level for row in ancestors(division) if row.level <= level}
    found = units(on=on).filter(chain=Chain.OPERATOR, division__code__in=list(levels))
    return max(found, key=lambda unit: (levels[unit.division.code], -unit.pk), default=None)


def colour_counts(rows: QuerySet[WorkOrder], at: datetime) -> dict[Colour, int]:
    """How many of the orders are near due, behind, overdue."""
    return {colour: rows.filter(colour_filter(colour, at, "item__")).count() for colour in (Colour.BLUE, Colour.YELLOW, Colour.RED)}


def outages_without_order(begun_by: datetime) -> QuerySet[Outage]:
    """Open root outages that began until `begun_by` and have no order, oldest first."""
    return told_roots().filter(started_at__lte=begun_by, order=None).order_by("started_at", "id")


def unstable_without_order() -> list[int]:
    """Keys of the outages told for what comes and goes, where nobody has been sent since it began, nor is there still."""
    order = WorkOrder.objects.filter(Q(outage_started_at__gte=OuterRef("started_at")) | Q(item__state__in=OPEN), subject=OuterRef("object"))
    told = WorkOrder.objects.filter(outage=OuterRef("told"))
    matters: QuerySet[Any] = told_instabilities()
    return list(matters.filter(~Exists(told), ~Exists(order)).values_list("told", flat=True))


@dataclass(frozen=True)
class OrdersSummary:
    """Orders dispatched in a period under one path. `in_time`: handed in by the due date ÷ those handed in or overdue."""

    opened: int
    closed: int
    still_open: int
    returned: int
    reopened: int
    in_time: Ratio
    by_class: dict[str, int]


def orders_in(path: str, start: datetime, end: datetime) -> QuerySet[WorkOrder]:
    """Orders written in [start, end) whose object lies under the path, cancelled ones left out."""
    rows = _orders().filter(within("item__division__path", [path]), item__created_at__gte=start, item__created_at__lt=end)
    return rows.exclude(item__state=State.CANCELLED).order_by("item__created_at")


def orders_summary(path: str, start: datetime, end: datetime, *, at: datetime | None = None) -> OrdersSummary:
    """Counts of the orders written in [start, end); lateness as seen at `at` (default: the end)."""
    rows, now = orders_in(path, start, end).order_by(), at or end
    stopped = Coalesce("test_at", "item__submitted_at")  # the clock stops at the play test; until there is one, at the handing in
    rows = rows.annotate(stopped=stopped)
    kept = Q(stopped__lte=F("item__due_at"))
    late = Q(stopped__gt=F("item__due_at")) | Q(stopped=None, item__due_at__lte=now)
    sums = rows.aggregate(
        opened=Count("pk"),
        closed=Count("pk", filter=Q(item__state=State.CLOSED)),
        returned=Count("pk", filter=Q(item__returned_count__gt=0)),
        reopened=Count("pk", filter=Q(item__reopened_count__gt=0)),
        kept=Count("pk", filter=kept),
        judged=Count("pk", filter=kept | late),
    )
    return OrdersSummary(
        opened=sums["opened"],
        closed=sums["closed"],
        still_open=sums["opened"] - sums["closed"],
        returned=sums["returned"],
        reopened=sums["reopened"],
        in_time=Ratio(sums["kept"], sums["judged"]),
        by_class=_by_class(rows),
    )


def _by_class(rows: QuerySet[WorkOrder]) -> dict[str, int]:
    """Counts by the class found at closing, else the proposed one."""
    found: dict[str, int] = dict.fromkeys((str(one) for one in FaultClass), 0)
    for confirmed, proposed in rows.values_list("fault_class", "proposed_class"):
        found[confirmed or proposed] += 1
    return {CLASS_NAMES[FaultClass(code)]: count for code, count in found.items()}


def orders_of_sites(codes: Iterable[str]) -> QuerySet[WorkOrder]:
    """Every order on the named objects, newest first."""
    return _orders().filter(subject__code__in=list(codes)).order_by("-item__created_at")


def town_names(orders: Sequence[WorkOrder]) -> dict[int, str]:
    """Order key → the name of the town its object stands in; of what stands higher, the name of that place."""
    codes = {order.pk: _town_code(order.subject.division.path) or order.subject.division.code for order in orders}
    names = {row.code: row.name for row in every_row().filter(code__in=set(codes.values())).order_by("valid_from")}
    return {key: names[code] for key, code in codes.items()}


def _town_code(path: str) -> str:
    return next((code for code in path.split("/") if code and level_of(code) is Level.TOWN), "")
