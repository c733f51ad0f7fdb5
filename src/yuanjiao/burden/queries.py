"""Reads of the burden meter: what is asked in a month of whom, added up; caps; approvals. A month that has ended is read as it was kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from yuanjiao.burden.models import Approval, Cap, FrozenAsked, FrozenMonth, UnitMonth
from yuanjiao.burden.rules import Caps, Load, Measure, last_of, load_of
from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.errors import NotFound
from yuanjiao.lib.metering import askings
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.queries import unit_by_code, units
from yuanjiao.places.rules import Chain

READERS = (Permission.SEE_REPORTS, Permission.LIMIT_BURDEN, Permission.APPROVE_BURDEN)


@dataclass(frozen=True)
class Line:
    """One thing that is asked, and the room that asks."""

    room: str
    asked: Asked


def is_frozen(month: date) -> bool:
    """Whether the month has ended and what was asked in it is kept."""
    return FrozenMonth.objects.filter(month=month).exists()


def lines_of(month: date, path: str) -> list[Line]:
    """All that is asked with a due day in the month of units at, under or around a place."""
    kept = FrozenMonth.objects.filter(month=month).first()
    if kept is None:
        return asked_now(month, path)
    rows = FrozenAsked.objects.filter(month=kept)
    if path != "/":
        around = [path[: place + 1] for place, letter in enumerate(path) if letter == "/"]
        rows = rows.filter(within("path", [path]) | Q(path__in=around, unit=""))
    return [_thawed(row) for row in rows.order_by("due_on", "pk")]


def _thawed(row: FrozenAsked) -> Line:
    asked = Asked(
        Kind(row.kind), row.what, row.due_on, row.fields, row.times, row.unit, row.path, row.level, row.by, tuple(row.link.split())
    )
    return Line(row.room, asked)


def asked_now(month: date, path: str) -> list[Line]:
    """The same as the rooms say it now."""
    last = last_of(month)
    return [Line(asking.name, one) for asking in askings() for one in asking.asked(month, last, path)]


def reaches(asked: Asked, unit: OrgUnit) -> bool:
    """Whether this is asked of the unit: by its code, or as the organisation's unit of a place of that level at or under the path."""
    if asked.unit:
        return asked.unit == unit.code
    place = unit.division
    return unit.chain == Chain.ORGANISATION and place.level == asked.level and place.path.startswith(asked.path)


def units_reached(asked: Asked, on: date) -> list[OrgUnit]:
    """The units that something is asked of."""
    if asked.unit:
        return list(units(on=on).filter(code=asked.unit))
    return list(units(on=on, under=asked.path).filter(division__level=asked.level, chain=Chain.ORGANISATION))


def lines_of_unit(unit: OrgUnit, month: date) -> list[Line]:
    """What is asked of one unit in a month, by the day it is due."""
    found = [line for line in lines_of(month, unit.division.path) if reaches(line.asked, unit)]
    return sorted(found, key=lambda line: (line.asked.due_on, line.room, line.asked.what))


def load_now(unit: OrgUnit, month: date) -> Load:
    """What is asked of a unit in a month, added up."""
    return load_of(line.asked for line in lines_of_unit(unit, month))


def caps_of(month: date) -> dict[int, Caps]:
    """Level → caps in force in a month: of each measure the newest row that had begun."""
    found: dict[int, dict[Measure, int | None]] = defaultdict(dict)
    for row in Cap.objects.filter(from_month__lte=month).order_by("from_month", "pk"):
        found[row.level][Measure(row.measure)] = row.most
    return {level: {name: most for name, most in rows.items() if most is not None} for level, rows in found.items()}


def cap_rows() -> QuerySet[Cap]:
    """Every cap ever set, by level and measure, the newest first."""
    return Cap.objects.all()


@dataclass(frozen=True)
class Standing:
    """One unit's month."""

    code: str
    name: str
    level: int
    path: str
    load: Load
    over: tuple[Measure, ...]


def standings(month: date, path: str, *, on: date) -> list[Standing]:
    """The month of every unit under a place that something is asked of, those over a cap and the heaviest first. Not of an ended month."""
    lines, caps = lines_of(month, path), caps_of(month)
    own: dict[str, list[Asked]] = defaultdict(list)
    for line in lines:
        own[line.asked.unit].append(line.asked)
    shared = own.pop("", [])
    loads, found = {code: load_of(asks) for code, asks in own.items()}, []
    rows = units(on=on, under=path).order_by().values_list("code", "name", "chain", "division__level", "division__path")
    blankets = _by_place(shared)
    for code, name, chain, level, place in rows:
        more = _shared(blankets.get(level, ()), place) if chain == Chain.ORGANISATION else None
        load = loads.get(code, Load()) + more if more else loads.get(code)
        if load is not None:
            found.append(Standing(code, name, level, place, load, tuple(load.over(caps.get(level, {})))))
    return sorted(found, key=lambda one: (not one.over, -one.load.fields, -one.load.forms, one.code))


def _by_place(shared: Iterable[Asked]) -> dict[int, list[tuple[str, Load]]]:
    """Level → what is asked of all units of it, added up by the place under which it is asked."""
    places: dict[tuple[int, str], list[Asked]] = defaultdict(list)
    for one in shared:
        places[one.level, one.path].append(one)
    found: dict[int, list[tuple[str, Load]]] = defaultdict(list)
    for (level, path), asks in places.items():
        found[level].append((path, load_of(asks)))
    return found


def _shared(blankets: Sequence[tuple[str, Load]], place: str) -> Load | None:
    reached = [load for path, load in blankets if place.startswith(path)]
    return sum(reached, Load()) if reached else None


@dataclass(frozen=True)
class MonthSum:
    """One month of all units under a place: what was asked altogether, of how many units, and how many of them were over."""

    month: date
    load: Load
    units: int
    over: int


def kept_months(months: Sequence[date], paths: Sequence[str]) -> list[MonthSum]:
    """The ended months as they were kept, the newest first."""
    rows = UnitMonth.objects.filter(within("path", paths), month__month__in=list(months)).values("month__month").order_by("-month__month")
    sums = rows.annotate(
        a=Sum("forms"), b=Sum("fields"), c=Sum("meetings"), d=Sum("uploads"), n=Count("pk"), o=Count("pk", filter=Q(over=True))
    )
    return [MonthSum(row["month__month"], Load(row["a"], row["b"], row["c"], row["d"]), row["n"], row["o"]) for row in sums]


def kept_standings(month: date, paths: Sequence[str]) -> list[Standing]:
    """The units of an ended month as they were kept, those over and the heaviest first."""
    caps = caps_of(month)
    rows = UnitMonth.objects.filter(within("path", paths), month__month=month).order_by("-over", "-fields", "-forms", "unit_code")
    found = [Standing(row.unit_code, row.unit_name, row.level, row.path, _load(row), ()) for row in rows]
    return [replace(one, over=tuple(one.load.over(caps.get(one.level, {})))) for one in found]


def _load(row: UnitMonth) -> Load:
    return Load(row.forms, row.fields, row.meetings, row.uploads)


def sum_of(month: date, found: Sequence[Standing]) -> MonthSum:
    """The month of these units added up."""
    return MonthSum(month, sum((one.load for one in found), Load()), len(found), sum(bool(one.over) for one in found))


def own_units(actor: Actor, *, on: date) -> list[OrgUnit]:
    """The units in which the person has a post."""
    return list(units(on=on).filter(pk__in={grant.unit_id for grant in actor.grants}))


def unit_for(code: str, actor: Actor) -> OrgUnit:
    """A unit whose burden this person may read: their own, or one in the area of which they read reports."""
    found = unit_by_code(code)
    mine = any(grant.unit_id == found.pk for grant in actor.grants)
    if not mine and not any(actor.covers(one, found.division.path) for one in READERS):
        raise NotFound(f"没有代码为 {code} 的单位")
    return found


def approvals_for(actor: Actor) -> QuerySet[Approval]:
    """Those of the person's area, and those they asked for themselves."""
    paths = {path for one in READERS for path in actor.paths(one)}
    return Approval.objects.filter(within("path", sorted(paths)) | Q(asked_by_uid=actor.person_uid))


def approval_for(uid: UUID, actor: Actor) -> Approval:
    found = approvals_for(actor).filter(uid=uid).first()
    if found is None:
        raise NotFound("没有这份申请，或不在您的范围内")
    return found


def approved(subject: str, what: str, unit_code: str, month: date) -> bool:
    """Whether somebody let this be asked of this unit in this month, in these words: what was changed since is something else."""
    return Approval.objects.filter(subject=subject, what=what, unit_code=unit_code, month=month, granted=True).exists()
