"""Community outlets: how far each is, and how many demonstration outlets each county has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from yuanjiao.people.queries import within
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.plans.models import Outlet, OutletMinimum, OutletPoint
from yuanjiao.plans.rules import is_demonstration


@dataclass(frozen=True)
class OutletState:
    """One outlet with the points it lacks; a demonstration outlet lacks none."""

    outlet: Outlet
    fulfilled: int
    points: int
    missing: Sequence[str]
    demonstration: bool


@dataclass(frozen=True)
class CountyOutlets:
    """A county's outlets, those of them that are demonstrations, and the least it must have (None: no task was set)."""

    division: Division
    outlets: int
    demonstrations: int
    minimum: int | None

    @property
    def lacking(self) -> int:
        return max((self.minimum or 0) - self.demonstrations, 0)


def points() -> QuerySet[OutletPoint]:
    """The checklist in force."""
    return OutletPoint.objects.filter(active=True)


def outlet_states(paths: Iterable[str]) -> list[OutletState]:
    """Every outlet under the paths, in code order of its site."""
    checklist = list(points())
    rows = Outlet.objects.filter(within("site__division__path", paths)).select_related("site__division").prefetch_related("checks")
    return [_state(outlet, checklist) for outlet in rows.order_by("site__code")]


def _state(outlet: Outlet, checklist: Sequence[OutletPoint]) -> OutletState:
    fulfilled = {check.point_id for check in outlet.checks.all() if check.fulfilled}
    missing = [point.words for point in checklist if point.pk not in fulfilled]
    shown = is_demonstration(fulfilled, [point.pk for point in checklist])
    return OutletState(outlet, len(checklist) - len(missing), len(checklist), missing, shown)


def outlets_by_county(paths: Iterable[str], *, on: date) -> list[CountyOutlets]:
    """One row per county under the paths, in code order."""
    wanted = tuple(paths)
    minimums = dict(OutletMinimum.objects.values_list("division__code", "count"))
    states = outlet_states(wanted)
    counties = divisions(on=on, level=Level.COUNTY).filter(within("path", wanted))
    return [_county(county, states, minimums.get(county.code)) for county in counties]


def _county(county: Division, states: Sequence[OutletState], minimum: int | None) -> CountyOutlets:
    own = [state for state in states if state.outlet.site.division.path.startswith(county.path)]
    return CountyOutlets(county, len(own), sum(state.demonstration for state in own), minimum)
