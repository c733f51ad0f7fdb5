"""Reads of learning: plans that concern a place, study days to come, sessions and use. Every one takes the paths it may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from uuid import UUID

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum

from yuanjiao.courseware.queries import newest_version
from yuanjiao.flow.nodes.models import NodeKind
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.learning.models import (
    Distribution,
    DistributionLine,
    Letter,
    RequiredList,
    Session,
    SessionCorrection,
    SessionItem,
    StudyDayPlan,
)
from yuanjiao.learning.rules import Completion, Shown, Use, completions, paths_above, roll_up, scope_covers
from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.errors import NotFound
from yuanjiao.network import queries as network
from yuanjiao.network.models import Lifecycle, Site
from yuanjiao.people.queries import within
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Chain, Level

PRINTING = (Chain.ORGANISATION, Chain.EDUCATION)
"""Units that hand letters on."""


@dataclass(frozen=True)
class PlannedDay:
    """One study day of one plan."""

    plan_uid: UUID
    title: str
    on: date
    start_time: time
    minutes: int
    form: str
    unit_name: str
    scope: str
    item_titles: tuple[str, ...]


def plans_are_made_here() -> bool:
    """Whether this machine is the home of plans; an edge or a site holds copies that the next catalogue would put right again."""
    return own_node().kind == NodeKind.CENTRE


def plans(paths: Iterable[str]) -> QuerySet[StudyDayPlan]:
    """Plans that concern any place under `paths`: made for them, for a place inside them, or for a place around them."""
    wanted = Q(pk__in=[])
    for path in paths:
        wanted |= Q(scope__startswith=path) | Q(scope__in=paths_above(path))
    return StudyDayPlan.objects.filter(wanted).select_related("unit").prefetch_related("days", "items")


def plan_by_uid(uid: UUID, paths: Iterable[str]) -> StudyDayPlan:
    """The plan, if it concerns any place under `paths`; NotFound otherwise."""
    plan = plans(paths).filter(uid=uid).first()
    if plan is None:
        raise NotFound("没有这个学习日计划，或不在您的范围内")
    return plan


def upcoming(paths: Iterable[str], on: date, days: int = 7) -> list[PlannedDay]:
    """Study days from `on` (included) over the next `days` days, earliest first: the reminder of desks (LRN02)."""
    end = on + timedelta(days=days)
    alive = plans(paths).filter(Q(ends_on=None) | Q(ends_on__gte=on), starts_on__lt=end)
    found = [_planned(plan, day) for plan in alive for day in plan.recurrence.between(on, end)]
    return sorted(found, key=lambda one: (one.on, one.start_time, one.title))


def items_planned(path: str, on: date, days: int) -> set[UUID]:
    """Courseware suggested for study days of places in or around `path`, from `on` (included) over `days` days."""
    alive = plans([path]).filter(Q(ends_on=None) | Q(ends_on__gte=on), starts_on__lt=on + timedelta(days=days))
    soon = [plan for plan in alive if any(plan.recurrence.between(on, on + timedelta(days=days)))]
    return {item.courseware_uid for plan in soon for item in plan.items.all()}


def _planned(plan: StudyDayPlan, day: date) -> PlannedDay:
    titles = tuple(item.title for item in plan.items.all())
    return PlannedDay(plan.uid, plan.title, day, plan.start_time, plan.minutes, plan.form, plan.unit.name, plan.scope, titles)


def plans_of_day(path: str, on: date) -> list[StudyDayPlan]:
    """The plans whose study day at the place `path` is `on`, by starting time."""
    alive = plans([path]).filter(scope__in=paths_above(path)).order_by("start_time", "pk")
    return [plan for plan in alive if scope_covers(plan.scope, path) and plan.recurrence.covers(on)]


def sessions(paths: Iterable[str]) -> QuerySet[Session]:
    """Every session under `paths`, cancelled ones too, newest first."""
    return Session.objects.filter(within("path", paths)).select_related("site").order_by("-held_at", "-pk")


def counted_sessions(paths: Iterable[str], start: date, end: date) -> QuerySet[Session]:
    """The sessions that count as held in the half-open span of days [start, end)."""
    return sessions(paths).filter(cancelled=False, held_on__gte=start, held_on__lt=end)


def session_by_uid(uid: UUID, paths: Iterable[str]) -> Session:
    session = sessions(paths).filter(uid=uid).first()
    if session is None:
        raise NotFound("没有这场学习记录，或不在您的范围内")
    return session


def recorded_already(site_code: str, plan_uid: UUID, on: date, *, but: UUID | None = None) -> Session | None:
    """The session this site recorded for the plan's study day, other than `but`; None when there is none."""
    rows = Session.objects.filter(site__code=site_code, plan_uid=plan_uid, held_on=on, cancelled=False)
    return next((row for row in rows if row.uid != but), None)


def corrections_of(session_uid: UUID) -> QuerySet[SessionCorrection]:
    """The corrections of one session, oldest first."""
    return SessionCorrection.objects.filter(session_uid=session_uid)


def use_by_site(paths: Iterable[str], start: date, end: date) -> dict[str, Use]:
    """Use per site code over [start, end); sites without a session are left out."""
    return {code: use for code, _, use in _use_rows(paths, start, end)}


def use_by_division(paths: Sequence[str], divisions: Iterable[str], start: date, end: date) -> dict[str, Use]:
    """Use per division path of `divisions` over [start, end), counting only what lies under `paths`."""
    return roll_up([(path, use) for _, path, use in _use_rows(paths, start, end)], divisions)


def use_of(path: str, start: date, end: date) -> Use:
    """Use of one subtree over [start, end)."""
    return use_by_division([path], [path], start, end)[path]


def _use_rows(paths: Iterable[str], start: date, end: date) -> list[tuple[str, str, Use]]:
    rows = (
        counted_sessions(paths, start, end)
        .order_by()
        .values("site_id", "path")
        .annotate(
            held=Count("pk"), length=Sum("minutes"), near=Sum("heads_onsite"), far=Sum("heads_online"),
            largest=Max(F("heads_onsite") + F("heads_online")),
        )
    )  # fmt: skip
    return [
        (row["site_id"], row["path"], Use(row["held"], row["length"], row["near"], row["far"], row["largest"], sites=1)) for row in rows
    ]


def zero_use(paths: Iterable[str], start: date, end: date) -> QuerySet[Site]:
    """Sites in service without a counted session in [start, end) (LRN03), in the order of their codes.

    A site is asked about only if it was in service before the span ended. A site whose edge has not sent its journal yet
    looks the same as one that held nothing: pages say so.
    """
    held = Session.objects.filter(site_id=OuterRef("code"), cancelled=False, held_on__gte=start, held_on__lt=end)
    return sites_asked(paths, end).exclude(Exists(held)).order_by("code")


def sites_asked(paths: Iterable[str], end: date) -> QuerySet[Site]:
    """The population of use figures: sites in service whose service began before `end`."""
    return network.sites_in(paths).filter(lifecycle=Lifecycle.IN_SERVICE, in_service_on__lt=end)


def place_names(paths: Iterable[str], on: date) -> dict[str, str]:
    """Names from the town down for each division path ('石桥镇李村'); only the county's or city's own where there is no town."""
    wanted = set(paths)
    every = {above for path in wanted for above in paths_above(path)}
    rows = {row.path: row for row in divisions(on=on).filter(path__in=every)}
    return {path: _name_below_county([rows[above] for above in paths_above(path) if above in rows]) for path in wanted}


def _name_below_county(chain: Sequence[Division]) -> str:
    below = [row.name for row in chain if row.level > Level.COUNTY]
    return "".join(below) or (chain[-1].name if chain else "")


def plan_titles(uids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Titles of plans by uid; plans that are gone are left out."""
    return dict(StudyDayPlan.objects.filter(uid__in={uid for uid in uids if uid}).values_list("uid", "title"))


def last_held(codes: Iterable[str]) -> dict[str, date]:
    """The day of the last session of each of these sites; sites without any are left out."""
    rows = Session.objects.filter(site__code__in=list(codes), cancelled=False).order_by().values("site_id").annotate(last=Max("held_on"))
    return {row["site_id"]: row["last"] for row in rows}


# -- required lists ---------------------------------------------------------------------------------------------------------


def required_lists(paths: Iterable[str]) -> QuerySet[RequiredList]:
    """Required lists that concern any place under `paths`, the newest first."""
    wanted = Q(pk__in=[])
    for path in paths:
        wanted |= Q(scope__startswith=path) | Q(scope__in=paths_above(path))
    return RequiredList.objects.filter(wanted).select_related("unit").prefetch_related("items").order_by("-starts_on", "-pk")


def required_by_uid(uid: UUID, paths: Iterable[str]) -> RequiredList:
    """The list, if it concerns any place under `paths`; NotFound otherwise."""
    row = required_lists(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这份必学清单，或不在您的范围内")
    return row


@dataclass(frozen=True)
class UnitCompletion:
    """One organisation of whom a list is asked, and what it has shown."""

    unit: OrgUnit
    completion: Completion


def units_asked(row: RequiredList, paths: Iterable[str], on: date) -> list[OrgUnit]:
    """The organisations of whom the list is asked, as far as the reader sees them, in the order of the tree."""
    seen = tuple(paths)
    return [unit for unit in organisations(row.scope, Level(row.level), on) if unit.division.path.startswith(seen)]


def organisations(scope: str, level: Level, on: date) -> list[OrgUnit]:
    """The organisations of a level under a path, in the order of the tree."""
    rows = units(on=on, under=scope).filter(chain=Chain.ORGANISATION, division__level=level, temporary=False)
    return list(rows.order_by("division__path", "code"))


def required_completion(row: RequiredList, paths: Iterable[str], on: date) -> list[UnitCompletion]:
    """What each organisation showed from the first day of the list on; a newer version of an item counts for the old one."""
    asked = tuple(item.courseware_uid for item in row.items.all())
    stands_for = {uid: uid for uid in asked} | {newer: uid for uid in asked if (newer := newest_version(uid)) is not None}
    wanted = SessionItem.objects.filter(
        within("session__path", [row.scope]),
        courseware_uid__in=list(stands_for),
        session__cancelled=False,
        session__held_on__gte=row.starts_on,
    )
    rows = wanted.values_list("session__path", "courseware_uid", "session_id", "session__held_on")
    shown = [Shown(path, stands_for[item], session, day) for path, item, session, day in rows]
    bodies = units_asked(row, paths, on)
    found = completions(asked, shown, {unit.division.path for unit in bodies})
    return [UnitCompletion(unit, found[unit.division.path]) for unit in bodies]


def required_at(path: str, on: date) -> list[tuple[UUID, str]]:
    """Items of the lists in force that nobody has shown yet at the place `path` (uid, title), for who records there."""
    lists = RequiredList.objects.filter(scope__in=paths_above(path), starts_on__lte=on, taken_back_on=None).prefetch_related("items")
    found: dict[UUID, str] = {}
    for row in lists.order_by("due_on", "pk"):
        here = SessionItem.objects.filter(session__path=path, session__cancelled=False, session__held_on__gte=row.starts_on)
        shown = set(here.values_list("courseware_uid", flat=True))
        found |= {item.courseware_uid: item.title for item in row.items.all() if item.courseware_uid not in shown}
    return list(found.items())


# -- distributions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Copies:
    """Copies of one distribution (or a part of it): needed, delivered, and how many units have all of theirs."""

    units: int
    complete: int
    needed: int
    delivered: int

    @property
    def missing(self) -> int:
        return self.needed - self.delivered


def distributions(paths: Iterable[str]) -> QuerySet[Distribution]:
    """Distributions that concern any place under `paths`, the newest first."""
    wanted = Q(pk__in=[])
    for path in paths:
        wanted |= Q(scope__startswith=path) | Q(scope__in=paths_above(path))
    return Distribution.objects.filter(wanted).select_related("unit").order_by("-begun_on", "-pk")


def distribution_by_uid(uid: UUID, paths: Iterable[str]) -> Distribution:
    """The distribution, if it concerns any place under `paths`; NotFound otherwise."""
    row = distributions(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这次发放，或不在您的范围内")
    return row


def distribution_lines(row: Distribution, paths: Iterable[str]) -> QuerySet[DistributionLine]:
    """Its units under `paths`, in the order of the tree; `missing` is what each still lacks."""
    rows = row.lines.filter(within("unit__division__path", list(paths))).select_related("unit__division", "distribution")
    return rows.annotate(missing=F("needed") - F("delivered")).order_by("unit__division__path", "pk")


def distribution_line(pk: int, paths: Iterable[str]) -> DistributionLine:
    """One of them; NotFound for a unit outside `paths`."""
    rows = DistributionLine.objects.filter(within("unit__division__path", list(paths)), pk=pk)
    row = rows.select_related("unit__division", "distribution").first()
    if row is None:
        raise NotFound("没有这个单位，或不在您的范围内")
    return row


def copies_of(lines: QuerySet[DistributionLine]) -> Copies:
    """The sums of some units."""
    done = Count("pk", filter=Q(delivered=F("needed")))
    sums = lines.order_by().aggregate(units=Count("pk"), complete=done, all=Sum("needed"), given=Sum("delivered"))
    return Copies(sums["units"], sums["complete"], sums["all"] or 0, sums["given"] or 0)


# -- letters ----------------------------------------------------------------------------------------------------------------


def letters(paths: Iterable[str]) -> QuerySet[Letter]:
    """Letters that concern any place under `paths`, the newest first."""
    wanted = Q(pk__in=[])
    for path in paths:
        wanted |= Q(scope__startswith=path) | Q(scope__in=paths_above(path))
    return Letter.objects.filter(wanted).select_related("unit").order_by("-issued_on", "-pk")


def letter_by_uid(uid: UUID, paths: Iterable[str]) -> Letter:
    """The letter, if it concerns any place under `paths`; NotFound otherwise."""
    row = letters(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这封信，或不在您的范围内")
    return row


def lesson_of(letter: Letter) -> StudyDayPlan | None:
    """The study day a letter speaks of, with its items; None without one."""
    return StudyDayPlan.objects.filter(uid=letter.plan_uid).prefetch_related("items", "days").first() if letter.plan_uid else None


def units_printing(
    letter: Letter, paths: Iterable[str], on: date, *, level: Level | None = None, only: Iterable[int] = ()
) -> list[OrgUnit]:
    """Units that print a letter: those of the keys `only`, or every organisation and school of a level, as far as the reader sees them."""
    seen = tuple(paths)
    rows = units(on=on, under=letter.scope).filter(temporary=False)
    rows = rows.filter(pk__in=list(only)) if level is None else rows.filter(chain__in=PRINTING, division__level=level)
    return [unit for unit in rows.order_by("division__path", "code") if unit.division.path.startswith(seen)]


def asked(first: date, last: date, path: str) -> list[Asked]:
    """Study days that villages are to hold and write down from the first to the last day, and required lists due then (GOV30)."""
    found: list[Asked] = []
    after = last + timedelta(days=1)
    for plan in plans([path]).filter(Q(ends_on=None) | Q(ends_on__gte=first), starts_on__lte=last):
        days = list(plan.recurrence.between(first, after))
        if days:
            meeting = Asked(
                Kind.MEETING, f"学习日：{plan.title}", days[-1], times=len(days), path=plan.scope, level=Level.VILLAGE, by=plan.unit.name,
                link=("learning:plan", str(plan.uid)),
            )  # fmt: skip
            roll = replace(meeting, kind=Kind.FORM, what=f"学习登记：{plan.title}", fields=1)  # the heads
            found += [meeting, roll]
    for row in required_lists([path]).filter(due_on__gte=first, due_on__lte=last, taken_back_on=None):
        link = ("learning:required", str(row.uid))
        found.append(Asked(Kind.MEETING, f"必学：{row.title}", row.due_on, path=row.scope, level=row.level, by=row.unit.name, link=link))
    return found
