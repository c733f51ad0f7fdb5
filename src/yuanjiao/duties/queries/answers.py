"""Who answered for a place on a day, in the tree of that day (GOV01, GOV02)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import QuerySet

from yuanjiao.duties.rules import Side, side_of
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.models import Responsibility
from yuanjiao.people.queries import Responsible, responsible_for, tenures
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors, every_row


@dataclass
class Answers:
    """Those who answered at one level of the tree, by side; `place` bears the name of that day."""

    place: Division
    home: list[Responsible] = field(default_factory=list)
    operator: list[Responsible] = field(default_factory=list)


def place_on(code: str, day: date, paths: Iterable[str]) -> Division:
    """The place of that code as it was on the day; before its first row, or after its last, the nearest one. NotFound outside the paths.

    A place that lies inside today is seen for every day: its former county's past is its own past too. Whoever it was moved away from
    sees it no more, on no day.
    """
    rows = list(every_row().filter(code=code).order_by("valid_from", "pk"))
    if not rows or not any(_row_on(rows, clock.today()).path.startswith(path) for path in paths):
        raise NotFound("没有这个地方，或不在您负责的范围内")
    return _row_on(rows, day)


def _row_on(rows: Sequence[Division], day: date) -> Division:
    """Of a place's rows the one in force on the day; else the last that had begun, or the first."""
    begun = [row for row in rows if row.valid_from <= day]
    in_force = [row for row in begun if row.valid_to is None or row.valid_to > day]
    return (in_force or begun or rows[:1])[-1]


def answers_on(place: Division, day: date) -> list[Answers]:
    """Per level from the place upwards, everybody who answered on that day; people of objects stand with the place they were named for."""
    found = responsible_for(place, on=day, with_objects=True)
    levels = {row.code: Answers(row) for row in reversed(ancestors(place, on=day))}
    for one in found:
        level = levels.get(one.division_code) or levels[place.code]
        (level.operator if side_of(one.chain) is Side.OPERATOR else level.home).append(one)
    return list(levels.values())


def place_tenures(code: str) -> QuerySet[Responsibility]:
    """Every tenure a place has seen, the newest first; `handover` where a sheet goes with its end."""
    return tenures().filter(division__code=code).select_related("handover")
