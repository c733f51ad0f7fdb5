"""Operating errors before and after a training of a place (OPS18)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Q, QuerySet

from yuanjiao.faults.models import Training
from yuanjiao.faults.queries.orders import orders_in
from yuanjiao.faults.rules import OPERATOR_ERROR, Difference, Ratio
from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.clock import day_start
from yuanjiao.people.queries import within
from yuanjiao.places.rules import Level


def trainings(paths: Iterable[str]) -> QuerySet[Training]:
    """Trainings of places under the paths, newest first."""
    return Training.objects.filter(within("division__path", paths)).select_related("division")


@dataclass(frozen=True)
class TrainingEffect:
    """The share of operating errors in `days` days before and after one training; `complete` when the time after is over."""

    training: Training
    days: int
    difference: Difference
    complete: bool


def training_effects(paths: Iterable[str], *, days: int, at: datetime) -> list[TrainingEffect]:
    """One comparison per training; the day of the training counts on neither side."""
    return [_effect(row, days, at) for row in trainings(paths)]


def _effect(row: Training, days: int, at: datetime) -> TrainingEffect:
    before = operator_errors(row.division.path, day_start(row.on - timedelta(days=days)), day_start(row.on))
    end = day_start(row.on + timedelta(days=days + 1))
    after = operator_errors(row.division.path, day_start(_next(row.on)), min(end, at))
    return TrainingEffect(row, days, Difference(before, after), at >= end)


def operator_errors(path: str, start: datetime, end: datetime) -> Ratio:
    """Orders with the cause "operator error", of the orders written in [start, end) whose cause is known."""
    found = orders_in(path, start, end).order_by().aggregate(part=Count("pk", filter=Q(cause__code=OPERATOR_ERROR)), whole=Count("cause"))
    return Ratio(found["part"], found["whole"])


def _next(day: date) -> date:
    return day + timedelta(days=1)


def asked(first: date, last: date, path: str) -> list[Asked]:
    """Trainings between these days of places at, under or around a place: the villages there are to come (GOV30)."""
    rows = Training.objects.filter(on__gte=first, on__lte=last).select_related("division")
    return [
        Asked(Kind.MEETING, f"培训：{row.topic}", row.on, path=row.division.path, level=Level.VILLAGE, link=("faults:training_list",))
        for row in rows
        if row.division.path.startswith(path) or path.startswith(row.division.path)
    ]
