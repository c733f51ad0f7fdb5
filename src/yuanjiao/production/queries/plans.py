"""Resource plans with what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from yuanjiao.courseware.queries import Made, made_items
from yuanjiao.lib.clock import day_start
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.production.models import PlanLine, ResourcePlan


@dataclass(frozen=True)
class Progress:
    """One line of a plan and the released items that count for it (CW03)."""

    line: PlanLine
    items: tuple[Made, ...]

    @property
    def made(self) -> int:
        return len(self.items)

    @property
    def share(self) -> float:
        """Made of what was planned, at most 1."""
        return min(self.made / self.line.quantity, 1.0)


def plans_seen(by: Actor) -> QuerySet[ResourcePlan]:
    """Plans of units in the person's subtrees, and those that ask something of a unit there."""
    paths = {*by.paths(Permission.MANAGE_COLUMNS), *by.paths(Permission.SEE_REPORTS), *by.paths(Permission.PRODUCE_COURSEWARE)}
    seen = within("unit__division__path", sorted(paths)) | within("lines__owner__division__path", sorted(paths))
    return (
        ResourcePlan.objects.filter(seen)
        .distinct()
        .select_related("unit__division")
        .prefetch_related("lines__owner__division")
        .order_by("-pk")
    )


def plan_progress(plan: ResourcePlan) -> list[Progress]:
    """Every line with its items, counted now: released in the year of the line by its owner or a unit below."""
    return [Progress(line, tuple(_items(line))) for line in plan.lines.all()]


def _items(line: PlanLine) -> list[Made]:
    since, until = (day_start(date(year, 1, 1)) for year in (line.year, line.year + 1))
    return made_items(under=line.owner.division.path, since=since, until=until, topic=line.topic, column=line.column_uid)
