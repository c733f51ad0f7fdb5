"""Places without a responsible person: now, or from a known day on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When

from yuanjiao.duties.rules import AHEAD_DAYS, COUNTY_SLOTS, Side, Vacancy, county_code, side_of
from yuanjiao.network.queries import sites_in
from yuanjiao.people.models import Responsibility
from yuanjiao.people.queries import tenures, tenures_on, within
from yuanjiao.people.rules import POST_OF_KIND
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors, divisions, every_row, valid_on
from yuanjiao.places.rules import Chain, Level

MANAGER = next(iter(POST_OF_KIND))
RUNS = Case(When(chain=Chain.OPERATOR, then=Value(1)), default=Value(0))
"""1: a tenure on the operator's side (`rules.side_of`)."""


def villages_without_manager(paths: Iterable[str], day: date) -> QuerySet[Division]:
    """Places with a site but nobody managing it on that day, in code order; `since` is the day the last one ended, or None."""
    paths = list(paths)
    here = tenures().filter(division__code=OuterRef("code"), kind=MANAGER)
    managed = tenures_on(day).filter(division=OuterRef("pk"), kind=MANAGER)
    with_site = sites_in(paths).order_by().filter(division=OuterRef("pk"))
    ended = here.filter(valid_to__lte=day).order_by("-valid_to").values("valid_to")[:1]
    rows = every_row(tuple(paths)).filter(valid_on(day))
    return rows.filter(Exists(with_site), ~Exists(managed)).annotate(since=Subquery(ended)).order_by("code")


def county_vacancies(paths: Iterable[str], day: date) -> list[Vacancy]:
    """What counties lack on that day of the first and direct responsible persons of both sides."""
    counties = [row for path in paths for row in divisions(on=day, level=Level.COUNTY, under=path)]
    rows = list(_of_places(tenures(), counties).filter(kind__in={kind for _side, kind in COUNTY_SLOTS}, valid_from__lte=day))
    return [gap for county in counties for gap in _gaps(county, [row for row in rows if row.division.code == county.code], day)]


def _of_places(rows: QuerySet[Responsibility], places: Sequence[Division]) -> QuerySet[Responsibility]:
    return rows.filter(division__code__in=[row.code for row in places], object_code="")


def _gaps(county: Division, rows: Sequence[Responsibility], day: date) -> list[Vacancy]:
    gaps = []
    for side, kind in COUNTY_SLOTS:
        own = [row for row in rows if row.kind == kind and side_of(row.chain) is side]
        if not any(row.valid_to is None or row.valid_to > day for row in own):
            since = max((row.valid_to for row in own if row.valid_to), default=None)
            gaps.append(Vacancy(county.code, county.name, county.name, side, kind, since))
    return gaps


def coming_vacancies(paths: Iterable[str], day: date) -> list[Vacancy]:
    """Tenures that end within `AHEAD_DAYS` days after which the place has nobody for that duty, the soonest first."""
    wanted = Q(kind=MANAGER) | Q(kind__in={kind for _side, kind in COUNTY_SLOTS}, division__level=Level.COUNTY)
    ending = tenures_on(day).filter(wanted, within("division__path", paths), valid_to__lte=day + timedelta(days=AHEAD_DAYS), object_code="")
    rows = list(ending.annotate(runs=RUNS).filter(~Exists(_following())).order_by("valid_to", "pk"))
    counties = _county_names(rows, day)
    found: dict[tuple[str, Side, str], Vacancy] = {}
    for row in rows:
        side, place = side_of(row.chain), row.division
        gap = Vacancy(place.code, place.name, counties.get(county_code(place.path), ""), side, row.kind, begins=row.valid_to)
        found[place.code, side, row.kind] = gap
    return list(found.values())


def _following() -> QuerySet[Responsibility]:
    """To be put under a tenure annotated with `runs`: who answers for the same on the same side from the day it ends."""
    end = OuterRef("valid_to")
    lasting = Q(valid_from__lte=end) & (Q(valid_to=None) | Q(valid_to__gt=end))
    after = tenures().filter(lasting, division__code=OuterRef("division__code"), kind=OuterRef("kind"), object_code="")
    return after.order_by().annotate(runs=RUNS).filter(runs=OuterRef("runs"))


def _county_names(rows: Iterable[Responsibility], day: date) -> dict[str, str]:
    wanted = {county_code(row.division.path) for row in rows}
    return dict(every_row().filter(valid_on(day), code__in=wanted).values_list("code", "name"))


def vacancies_at(place: Division, day: date) -> list[Vacancy]:
    """What one place lacks on a day, or will lack soon after."""
    gaps = county_vacancies([place.path], day) if place.level == Level.COUNTY else []
    bare = villages_without_manager([place.path], day).filter(code=place.code).first()
    if bare is not None:
        gaps = [*gaps, Vacancy(place.code, place.name, county_of(place), Side.HOME, MANAGER, bare.since)]  # type: ignore[attr-defined]
    return [*gaps, *(gap for gap in coming_vacancies([place.path], day) if gap.place_code == place.code)]


def county_of(place: Division) -> str:
    """The name of the county a place lies in; empty above counties."""
    return next((row.name for row in ancestors(place) if row.level == Level.COUNTY), "")
