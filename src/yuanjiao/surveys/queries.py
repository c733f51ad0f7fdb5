"""Reads of surveys: who was drawn and may be drawn again, what a phone shows, what came of it, what it asks of units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.draw import draw
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.queries import in_service_on, rates_of_sites
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.surveys.models import Member, Survey, Visit
from yuanjiao.surveys.rules import (
    Estimate,
    Heard,
    Plays,
    Strata,
    Stratum,
    SurveyState,
    VisitState,
    Word,
    disagrees,
    simple_estimate,
    stratified_estimate,
    stratified_share,
)

FIELDS = 3
"""Boxes of the form: does it play, what is wrong, remark."""
CLASSES = {"1": "城镇", "2": "乡村", "": "未分类"}


def surveys(paths: Iterable[str]) -> QuerySet[Survey]:
    """Surveys of places under the paths, the newest first."""
    return Survey.objects.filter(within("path", paths))


def survey_by_uid(uid: UUID, paths: Iterable[str]) -> Survey:
    found = surveys(paths).filter(uid=uid).first()
    if found is None:
        raise NotFound("没有这次调查，或不在您的范围内")
    return found


def frame_of(division: Division, *, on: date, strata: Strata) -> list[Member]:
    """The sites that serve villages of a place on a day, not yet kept, in code order, each with its stratum."""
    places = in_service_on(on).filter(within("division__path", [division.path]), division__level=Level.VILLAGE)
    counties = {row.code: row for row in divisions(on=on, level=Level.COUNTY)}
    return [
        _member(row.object.code, row.object.name, row.object_id, row.division, counties, strata)
        for row in places.select_related("object", "division").order_by("object__code")
    ]


def _member(code: str, name: str, site: int, village: Division, counties: dict[str, Division], strata: Strata) -> Member:
    county = next((counties[one] for one in village.path.split("/") if one in counties), None)
    kept = {"county_code": county.code, "county_name": county.name} if county else {}
    stratum = {
        Strata.NONE: "",
        Strata.COUNTY: county.name if county else "市直",
        Strata.CLASS: CLASSES.get(village.urban_rural[:1], CLASSES[""]),
    }[strata]
    return Member(code=code, name=name, site_id=site, village=village.name, path=village.path, stratum=stratum, **kept)


def sizes_of(survey: Survey) -> dict[str, int]:
    """Stratum → how many the frame has of it; one nameless stratum where it was not parted."""
    return dict(Member.objects.filter(survey=survey).values_list("stratum").order_by("stratum").annotate(Count("pk")))


def drawn_again(survey: Survey) -> dict[str, list[str]]:
    """Stratum → the codes in the order in which they are drawn by the kept seed from the kept frame: all of them."""
    frame: dict[str, list[str]] = {}
    for stratum, code in Member.objects.filter(survey=survey).values_list("stratum", "code"):
        frame.setdefault(stratum, []).append(code)
    return {stratum: draw(codes, len(codes), survey.seed) for stratum, codes in sorted(frame.items())}


@dataclass(frozen=True)
class Difference:
    """A visit that the draw, done again, does not have in its place."""

    stratum: str
    rank: int
    kept: str
    drawn: str


def differences(survey: Survey) -> list[Difference]:
    """Where what was visited is not what the seed draws; empty when the draw can be repeated, as it always should."""
    again = drawn_again(survey)
    rows = visits_of(survey).values_list("member__stratum", "rank", "member__code")
    drawn = ((stratum, rank, code, (again.get(stratum, [])[rank - 1 : rank] or [""])[0]) for stratum, rank, code in rows)
    return [Difference(*one) for one in drawn if one[2] != one[3]]


def visits_of(survey: Survey) -> QuerySet[Visit]:
    """Every drawn village, stratum by stratum in the order of the draw."""
    return Visit.objects.filter(survey=survey).select_related("member", "replaces__member").order_by("member__stratum", "rank")


def visits_for(actor: Actor) -> QuerySet[Visit]:
    """What this person may tell of: visits of open surveys in their area; of those the city walks itself, only who covers all of it."""
    paths = actor.paths(Permission.VISIT_VILLAGE)
    mine = Q(survey__by_counties=True) & within("member__path", paths)
    own = Q(survey__by_counties=False) & within("survey__path", paths)
    rows = Visit.objects.filter(mine | own, survey__state=SurveyState.OPEN)
    return rows.select_related("survey", "member__site").order_by("member__county_code", "member__path", "rank")


def visit_for(uid: UUID, actor: Actor) -> Visit:
    found = visits_for(actor).filter(uid=uid).first()
    if found is None:
        raise NotFound("没有这个走访任务，或不在您的范围内")
    return found


def word_at(site: int, at: datetime) -> Word:
    """What telemetry says of a site at a moment."""
    told = [one.rate for one in rates_of_sites([site], at)]
    if not told or not (told[0].known + told[0].unknown):
        return Word.UNCOUNTED
    return Word.UP if told[0].up else Word.DOWN if told[0].down else Word.UNKNOWN


@dataclass(frozen=True)
class Result:
    """What a survey says, all of it counted from its rows: the field's estimate, telemetry of the same and of the whole, and the strata."""

    strata: list[Stratum]
    field: Estimate
    same: Heard
    same_share: float | None
    """The fault rate of `same`, weighted by strata as the field's is."""
    same_silent: list[str]
    """Strata of which telemetry says nothing."""
    whole: Heard | None
    """None until the survey is closed."""
    first_at: datetime | None
    last_at: datetime | None
    waiting: int
    unreached: int
    nobody: int
    disagreeing: list[Visit]
    classes: dict[str, int]
    drawn: dict[str, int]
    """Stratum → how many were drawn of it, those that took another's place included."""


def result_of(survey: Survey) -> Result:
    """The figures as the rows have them now; of a closed survey they never change."""
    rows = list(visits_of(survey))
    told = [row for row in rows if row.state == VisitState.TOLD]
    sizes = sizes_of(survey)
    strata, heard = _strata(sizes, told), {name: _same([row for row in told if row.member.stratum == name]) for name in sizes}
    moments = [row.visited_at for row in told if row.visited_at]
    faulty = [row for row in told if row.plays == Plays.NO]
    return Result(
        strata=strata,
        field=stratified_estimate(strata) if survey.strata else simple_estimate(strata),
        same=_same(told),
        same_share=stratified_share(heard, sizes),
        same_silent=[name for name in sizes if heard[name].value is None],
        whole=_whole(survey),
        first_at=min(moments, default=None),
        last_at=max(moments, default=None),
        waiting=sum(row.state == VisitState.WAITING for row in rows),
        unreached=sum(row.state == VisitState.UNREACHED for row in rows),
        nobody=sum(row.plays == Plays.NOBODY for row in told),
        disagreeing=[row for row in told if disagrees(row.plays, row.word)],
        classes={name: sum(row.fault_class == name for row in faulty) for name in sorted({row.fault_class for row in faulty})},
        drawn={name: sum(row.member.stratum == name for row in rows) for name in sorted({row.member.stratum for row in rows})},
    )


def _strata(sizes: dict[str, int], told: Sequence[Visit]) -> list[Stratum]:
    def count(name: str, *answers: Plays) -> int:
        return sum(row.member.stratum == name and row.plays in answers for row in told)

    return [
        Stratum(name, size, count(name, Plays.YES, Plays.NO), count(name, Plays.NO), count(name, Plays.NOBODY))
        for name, size in sizes.items()
    ]


def _same(told: Sequence[Visit]) -> Heard:
    """Of the villages whose set could be seen, each at the moment of its visit."""
    words = [row.word for row in told if row.plays != Plays.NOBODY]
    return Heard(*(words.count(word) for word in (Word.UP, Word.DOWN, Word.UNKNOWN, Word.UNCOUNTED)))


def _whole(survey: Survey) -> Heard | None:
    if survey.state != SurveyState.CLOSED:
        return None
    sums = Member.objects.filter(survey=survey).aggregate(up=Sum("up_s"), down=Sum("down_s"), unknown=Sum("unknown_s"))
    return Heard(sums["up"] or 0, sums["down"] or 0, sums["unknown"] or 0)


def span_of(survey: Survey) -> tuple[datetime | None, datetime | None]:
    """The moments of the first and the last visit."""
    told = Visit.objects.filter(survey=survey, state=VisitState.TOLD).aggregate(first=Min("visited_at"), last=Max("visited_at"))
    return told["first"], told["last"]


def members_of(survey: Survey) -> QuerySet[Member]:
    return Member.objects.filter(survey=survey).order_by("code")


def asks_of(survey: Survey) -> list[Asked]:
    """What a survey asks: a form for each drawn village of a county, of the county's unit. Of one the city walks itself, nothing."""
    if not survey.by_counties:
        return []
    rows = Visit.objects.filter(survey=survey).exclude(state=VisitState.UNREACHED).values_list("member__county_code", "member__path")
    times: dict[str, int] = {}
    for code, path in rows:
        if code:
            county = path[: path.index(code) + len(code) + 1]
            times[county] = times.get(county, 0) + 1
    return [_asked(survey, path, count) for path, count in sorted(times.items())]


def _asked(survey: Survey, path: str, count: int) -> Asked:
    return Asked(
        Kind.FORM, survey.title, survey.due_on, fields=FIELDS, times=count, path=path, level=Level.COUNTY, by=survey.unit_name,
        link=("surveys:my_visits",),
    )  # fmt: skip


def asked(first: date, last: date, path: str) -> list[Asked]:
    """What surveys given out ask of counties at, under or around a place, due from the first to the last day."""
    given = Survey.objects.filter(due_on__gte=first, due_on__lte=last, by_counties=True).exclude(state=SurveyState.DRAWN)
    return [one for survey in given for one in asks_of(survey) if one.path.startswith(path) or path.startswith(one.path)]
