"""Plans beside the register: counted at the moment of reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import F, Q, QuerySet

from yuanjiao.network.models import Asset, Lifecycle, SiteKind
from yuanjiao.network.queries import assets, sites
from yuanjiao.people.queries import within
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.plans.models import BuildPlan, BuildTarget, CoverageTarget, Upgrade
from yuanjiao.plans.rules import PACE_DAYS, Forecast, Measure, Progress, forecast

ACCEPTED = (Lifecycle.ACCEPTED, Lifecycle.IN_SERVICE)
BUILT = (Lifecycle.BUILT, *ACCEPTED)
URBAN = "1"
"""First digit of the code of urban and rural land."""
BOX = "机顶盒"
"""Equipment whose name holds this word makes a site a legacy one when its time is over."""


@dataclass(frozen=True)
class PlanLine:
    """One target of a plan beside what the register holds."""

    target: BuildTarget
    title: str
    progress: Progress


def build_plans(paths: Iterable[str]) -> QuerySet[BuildPlan]:
    """Plans of divisions under the paths, the latest term first."""
    return BuildPlan.objects.filter(within("division__path", paths)).select_related("division").prefetch_related("targets")


def plan_lines(plan: BuildPlan) -> list[PlanLine]:
    """Every target with its progress."""
    return [PlanLine(target, _title(target), _progress(plan, target)) for target in plan.targets.order_by("pk")]


def _title(target: BuildTarget) -> str:
    return dict(SiteKind.choices).get(target.value, target.value) if target.measure == Measure.KIND else target.value


def _progress(plan: BuildPlan, target: BuildTarget) -> Progress:
    rows = sites().filter(within("division__path", [plan.division.path]))
    rows = rows.filter(site_kind=target.value) if target.measure == Measure.KIND else rows.filter(capabilities__contains=target.value)
    return Progress(target.count, rows.filter(lifecycle__in=BUILT).count(), rows.filter(lifecycle__in=ACCEPTED).count())


@dataclass(frozen=True)
class CoverageProgress:
    """Places of a level with a site in service, of all of them, and when the pace of the last days arrives."""

    target: CoverageTarget
    wanted: int
    covered: int
    forecast: Forecast
    uncovered: Sequence[Division]


def coverage_targets(paths: Iterable[str]) -> QuerySet[CoverageTarget]:
    return CoverageTarget.objects.filter(within("division__path", paths)).select_related("division").order_by("due_on", "pk")


def coverage_progress(target: CoverageTarget, *, on: date) -> CoverageProgress:
    """How far one target is on a day."""
    places = list(divisions(on=on, level=Level(target.level), under=target.division.path))
    if target.urban_only:
        places = [place for place in places if place.urban_rural.startswith(URBAN)]
    begun = _first_service(target.division.path, {place.path for place in places})
    covered = [path for path, first in begun.items() if first <= on]
    gained = sum(first > on - timedelta(days=PACE_DAYS) for first in begun.values() if first <= on)
    ahead = forecast(covered=len(covered), gained=gained, days=PACE_DAYS, wanted=len(places), on=on, due_on=target.due_on)
    return CoverageProgress(target, len(places), len(covered), ahead, [place for place in places if place.path not in begun])


def _first_service(under: str, paths: set[str]) -> dict[str, date]:
    """Path of a place → the day its first site (in it or below it) that serves today entered service."""
    found: dict[str, date] = {}
    rows = sites().filter(within("division__path", [under]), lifecycle=Lifecycle.IN_SERVICE)
    for path, first in rows.values_list("division__path", "in_service_on"):
        for place in _upwards(path):
            if place in paths:
                found[place] = min(first, found.get(place, first))
    return found


def _upwards(path: str) -> Iterable[str]:
    parts = path.strip("/").split("/")
    return ("/" + "/".join(parts[:length]) + "/" for length in range(1, len(parts) + 1))


def upgrades(paths: Iterable[str]) -> QuerySet[Upgrade]:
    """Upgrades of sites under the paths, open ones first, by planned day."""
    rows = Upgrade.objects.filter(within("site__division__path", paths)).select_related("site__division")
    return rows.order_by(F("accepted_at").asc(nulls_first=True), "planned_on", "pk")


def renewals(paths: Iterable[str], *, on: date) -> QuerySet[Asset]:
    """Set-top boxes of sites whose expected life is over on a day (OPS19), the oldest first; retired sites left out."""
    over = Q()
    boxes = assets().filter(kind__contains=BOX)
    years = set(boxes.exclude(purchased_on=None).values_list("life_years", flat=True))
    for life in years:
        over |= Q(life_years=life, purchased_on__lte=_years_before(on, life))
    rows = boxes.filter(within("place__division__path", paths), place__kind="site")
    rows = rows.exclude(place__lifecycle=Lifecycle.RETIRED).filter(over) if years else rows.none()
    return rows.order_by("purchased_on", "code")


def _years_before(day: date, years: int) -> date:
    year = max(day.year - years, 1)
    try:
        return day.replace(year=year)
    except ValueError:  # the 29th of February
        return day.replace(year=year, day=28)
