"""What waits at the desks of editors and producers: commissions, offers, imports; and how many items there are of what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncMonth

from yuanjiao.courseware.models import (
    BulkImport,
    ChecklistLine,
    Commission,
    Courseware,
    CoursewareClass,
    Offer,
    OfferState,
    Placement,
    Taxonomy,
)
from yuanjiao.courseware.rules.kinds import KIND_NAMES
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.clock import CHINA, day_start, local_day
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.rules import Level

WORKING = (Permission.PRODUCE_COURSEWARE, Permission.REVIEW_COURSEWARE, Permission.MANAGE_COLUMNS)
NOBODY = UUID(int=0)
EDITING = (Permission.REVIEW_COURSEWARE, Permission.MANAGE_COLUMNS)


def _paths(by: Actor, permissions: Iterable[Permission]) -> list[str]:
    return sorted({path for permission in permissions for path in by.paths(permission)})


# -- commissions ------------------------------------------------------------------------------------------------------------


def commissions_seen_by(by: Actor) -> QuerySet[Commission]:
    """Commissions of the units in the subtrees where the person makes, reviews or manages: open ones first, the most urgent first."""
    rows = Commission.objects.filter(within("unit__division__path", _paths(by, WORKING)))
    return rows.select_related("unit__division", "courseware", "need").order_by("closed_at", "due_at", "pk")


def commission_for(by: Actor, uid: UUID) -> Commission:
    """One of those; NotFound for any other."""
    row = commissions_seen_by(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有找到这项制作任务，或不在您负责的范围内")
    return row


def urgent_first(rows: QuerySet[Courseware]) -> QuerySet[Courseware]:
    """Items in the order in which they are wanted: those with a deadline (`wanted_at`) by their deadline, then the oldest."""
    open_ones = Commission.objects.filter(courseware=OuterRef("pk"), closed_at=None).order_by("due_at").values("due_at")[:1]
    return rows.annotate(wanted_at=Subquery(open_ones)).order_by(F("wanted_at").asc(nulls_last=True), "created_at", "pk")


# -- offers -----------------------------------------------------------------------------------------------------------------


def offers_sent_by(by: Actor) -> QuerySet[Offer]:
    """What this person offered, the newest first."""
    rows = Offer.objects.filter(courseware__author__uid=by.person_uid) if by.person_uid else Offer.objects.none()
    return rows.select_related("courseware__unit", "division").order_by("-offered_at", "-pk")


def offers_to(by: Actor) -> QuerySet[Offer]:
    """What was offered to the places whose editor the person is, what waits first."""
    rows = Offer.objects.filter(within("division__path", _paths(by, EDITING))).exclude(courseware__author__uid=by.person_uid or NOBODY)
    waiting = Count("pk", filter=Q(state=OfferState.OFFERED))
    return (
        rows.select_related("courseware__unit__division", "courseware__author", "division")
        .annotate(waiting=waiting)
        .order_by("-waiting", "-offered_at", "-pk")
    )


def offer_for(by: Actor, uid: UUID) -> Offer:
    """An offer its sender or its editors may read; NotFound for anybody else."""
    for rows in (offers_to(by), offers_sent_by(by)):
        row = rows.filter(uid=uid).first()
        if row is not None:
            return row
    raise NotFound("没有找到这件报送，或不在您负责的范围内")


# -- imports and lists ------------------------------------------------------------------------------------------------------


def bulk_imports_of(by: Actor) -> QuerySet[BulkImport]:
    """The person's own bulk imports, the newest first."""
    return BulkImport.objects.filter(actor_uid=by.person_uid or NOBODY).order_by("-received_at", "-pk")


def bulk_import_for(by: Actor, uid: UUID) -> BulkImport:
    """One of those; NotFound for anybody else's."""
    row = bulk_imports_of(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这次导入")
    return row


def taxonomies() -> QuerySet[Taxonomy]:
    return Taxonomy.objects.prefetch_related("topics").order_by("order", "code")


def checklist_lines() -> QuerySet[ChecklistLine]:
    """Questions in use, in order."""
    return ChecklistLine.objects.filter(ended=False).order_by("material", "order", "pk")


# -- counts -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReleasedCount:
    """How many items were released, of one month, level, column, kind and class (CW01, CW04). `month` is its first day."""

    month: date
    level: str
    column: str
    kind: str
    item_class: str
    count: int


LEVELS = {Level.PROVINCE: "省", Level.CITY: "市", Level.COUNTY: "县区", Level.TOWN: "乡镇", Level.VILLAGE: "村社"}


def released_counts(by: Actor, *, since: date, until: date) -> list[ReleasedCount]:
    """Released items that stand in columns, by month of release, level of their unit, column, kind and class; `until` is left out.

    An item in two columns counts in each of them: the counts are of columns, and do not add up to items.
    """
    inside = within("courseware__unit__division__path", _paths(by, WORKING))
    rows = Placement.objects.filter(inside, courseware__state=State.RELEASED)
    month = TruncMonth("courseware__released_at", tzinfo=CHINA)
    told = rows.annotate(month=month).values_list(
        "month", "courseware__unit__division__level", "column__title", "courseware__kind", "courseware__item_class"
    )
    names, classes = dict(KIND_NAMES), dict(CoursewareClass.choices)
    found = [
        ReleasedCount(day.date(), LEVELS.get(Level(level), ""), column, str(names[kind]), str(classes[kind_of]), count)
        for day, level, column, kind, kind_of, count in told.annotate(count=Count("pk")).order_by("-month")
        if since <= day.date() < until
    ]
    return sorted(found, key=lambda one: (one.month, one.level, one.column, one.kind, one.item_class), reverse=True)


def class_split(by: Actor) -> dict[str, int]:
    """Released items by class (CW04), each item once."""
    inside = within("unit__division__path", _paths(by, WORKING))
    rows = Courseware.objects.filter(inside, state=State.RELEASED).values_list("item_class").annotate(count=Count("pk"))
    names = dict(CoursewareClass.choices)
    return {str(names[value]): int(count) for value, count in rows.order_by("item_class")}


def asked(first: date, last: date, path: str) -> list[Asked]:
    """Commissions that units of a place are to hand in from the first to the last day (GOV30)."""
    due = {"due_at__gte": day_start(first), "due_at__lt": day_start(last + timedelta(days=1))}
    rows = Commission.objects.filter(within("unit__division__path", [path]), **due).select_related("unit")
    return [
        Asked(
            Kind.UPLOAD, f"{row.get_kind_display()}：{row.title}", local_day(row.due_at), fields=1, unit=row.unit.code,
            link=("courseware:commission", str(row.uid)),
        )
        for row in rows
    ]  # fmt: skip
