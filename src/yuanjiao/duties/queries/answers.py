"""Who answered for a place on a day, in the tree of that day (GOV01, GOV02)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import QuerySet

from yuanjiao.duties.rules import Side, side_of
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.queries import objects_at
from yuanjiao.people.models import Responsibility
from yuanjiao.people.queries import Responsible, responsible_for, tenures
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors, division_by_code, every_row


@dataclass
class Answers:
    """Those who answered at one level of the tree, by side; `place` bears the name of that day."""

    place: Division
    home: list[Responsible] = field(default_factory=list)
    operator: list[Responsible] = field(default_factory=list)


def place_on(code: str, day: date, paths: Iterable[str]) -> Division:
    """The place of that code as it was on the day; before its first row, or after its last, the nearest one. NotFound outside the paths.

    A place that lies inside today is seen for every day: its former county's past is its own past too.
    """
    rows = list(every_row(tuple(paths)).filter(code=code).order_by("valid_from"))
    if not rows:
        raise NotFound("没有这个地方，或不在您负责的范围内")
    try:
        return division_by_code(code, on=day)
    except NotFound:
        return rows[0] if day < rows[0].valid_from else rows[-1]


def answers_on(place: Division, day: date) -> list[Answers]:
    """Per level from the place upwards, everybody who answered on that day; people of objects stand with the place they were named for."""
    found = responsible_for(place, on=day, codes=[thing.code for thing in objects_at(place)])
    levels = {row.code: Answers(row) for row in reversed(ancestors(place, on=day))}
    for one in found:
        level = levels.get(one.division_code) or levels[place.code]
        (level.operator if side_of(one.chain) is Side.OPERATOR else level.home).append(one)
    return list(levels.values())


def place_tenures(code: str) -> QuerySet[Responsibility]:
    """Every tenure a place has seen, the newest first; `handover` where a sheet goes with its end."""
    return tenures().filter(division__code=code).select_related("handover")
