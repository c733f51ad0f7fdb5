"""Study day plans, required lists and letters go down to everybody: no secrets, and a site may be moved to another county tomorrow.

Accepting makes the copy equal to the document. A plan that is not in it any more is removed here: sessions name their plan
by uid and keep what they need, so nothing of the past is lost.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, time
from uuid import UUID

import msgspec

from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.learning.models import Letter, RequiredList, RequiredListItem, StudyDayPlan, StudyDayPlanDay, StudyDayPlanItem
from yuanjiao.places.queries import unit_by_code

name = "learning"


class ItemRow(msgspec.Struct, frozen=True):
    """One suggested courseware item."""

    uid: UUID
    title: str


class PlanRow(msgspec.Struct, frozen=True):
    """One plan with its days and items; the unit by its code."""

    uid: UUID
    title: str
    unit: str
    scope: str
    form: str
    starts_on: date
    ends_on: date | None
    single_on: date | None
    start_time: time
    minutes: int
    days: tuple[int, ...]
    items: tuple[ItemRow, ...]


class RequiredRow(msgspec.Struct, frozen=True):
    """One required list with its items; the unit by its code."""

    uid: UUID
    title: str
    document: str
    unit: str
    scope: str
    level: int
    starts_on: date
    due_on: date
    taken_back_on: date | None
    items: tuple[ItemRow, ...]


class LetterRow(msgspec.Struct, frozen=True):
    """One letter; the unit by its code."""

    uid: UUID
    title: str
    body: str
    unit: str
    scope: str
    plan_uid: UUID | None
    issued_on: date
    ended_on: date | None


class Plans(msgspec.Struct, frozen=True):
    """The document of this shelf."""

    plans: tuple[PlanRow, ...]
    required: tuple[RequiredRow, ...] = ()
    letters: tuple[LetterRow, ...] = ()


def offer(scope: str) -> Offer:
    """All plans and lists for everybody; nothing for a subtree."""
    if scope != ALL:
        return Offer()
    rows = StudyDayPlan.objects.select_related("unit").prefetch_related("days", "items").order_by("uid")
    lists = RequiredList.objects.select_related("unit").prefetch_related("items").order_by("uid")
    told = Plans(
        plans=tuple(_row(plan) for plan in rows),
        required=tuple(_required_row(row) for row in lists),
        letters=tuple(_letter_row(row) for row in Letter.objects.select_related("unit").order_by("uid")),
    )
    return Offer(document=to_document(told))


def _row(plan: StudyDayPlan) -> PlanRow:
    return PlanRow(
        uid=plan.uid,
        title=plan.title,
        unit=plan.unit.code,
        scope=plan.scope,
        form=plan.form,
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
        single_on=plan.single_on,
        start_time=plan.start_time,
        minutes=plan.minutes,
        days=tuple(row.day for row in plan.days.all()),
        items=tuple(ItemRow(row.courseware_uid, row.title) for row in plan.items.all()),
    )


def _required_row(row: RequiredList) -> RequiredRow:
    return RequiredRow(
        uid=row.uid,
        title=row.title,
        document=row.document,
        unit=row.unit.code,
        scope=row.scope,
        level=row.level,
        starts_on=row.starts_on,
        due_on=row.due_on,
        taken_back_on=row.taken_back_on,
        items=tuple(ItemRow(item.courseware_uid, item.title) for item in row.items.all()),
    )


LETTER = ("title", "body", "scope", "plan_uid", "issued_on", "ended_on")


def _letter_row(row: Letter) -> LetterRow:
    return LetterRow(uid=row.uid, unit=row.unit.code, **{name: getattr(row, name) for name in LETTER})


def accept(document: bytes, missing: Collection[str] = ()) -> None:
    """Make the plans, lists and letters of this machine equal to the document's."""
    told = from_document(document, Plans)
    StudyDayPlan.objects.exclude(uid__in=[row.uid for row in told.plans]).delete()
    for row in told.plans:
        _accept_plan(row)
    RequiredList.objects.exclude(uid__in=[row.uid for row in told.required]).delete()
    for required in told.required:
        _accept_required(required)
    Letter.objects.exclude(uid__in=[row.uid for row in told.letters]).delete()
    for letter in told.letters:
        plain = {name: getattr(letter, name) for name in LETTER}
        Letter.objects.update_or_create(uid=letter.uid, defaults={**plain, "unit": unit_by_code(letter.unit)})


def _accept_required(row: RequiredRow) -> None:
    plain = {name: getattr(row, name) for name in ("title", "document", "scope", "level", "starts_on", "due_on", "taken_back_on")}
    required, _ = RequiredList.objects.update_or_create(uid=row.uid, defaults={**plain, "unit": unit_by_code(row.unit)})
    required.items.all().delete()
    RequiredListItem.objects.bulk_create(
        RequiredListItem(required=required, position=number, courseware_uid=item.uid, title=item.title)
        for number, item in enumerate(row.items, 1)
    )


def _accept_plan(row: PlanRow) -> None:
    plan, _ = StudyDayPlan.objects.update_or_create(
        uid=row.uid,
        defaults={
            "title": row.title,
            "unit": unit_by_code(row.unit),
            "scope": row.scope,
            "form": row.form,
            "starts_on": row.starts_on,
            "ends_on": row.ends_on,
            "single_on": row.single_on,
            "start_time": row.start_time,
            "minutes": row.minutes,
        },
    )
    plan.days.exclude(day__in=row.days).delete()
    for day in row.days:
        StudyDayPlanDay.objects.get_or_create(plan=plan, day=day)
    plan.items.all().delete()
    StudyDayPlanItem.objects.bulk_create(
        StudyDayPlanItem(plan=plan, position=number, courseware_uid=item.uid, title=item.title) for number, item in enumerate(row.items, 1)
    )
