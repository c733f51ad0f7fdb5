"""Review and release: nobody passes their own work, each round has its own reviewer, and on an official column the one who
releases is none of them (GOV22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from yuanjiao.courseware import steps
from yuanjiao.courseware.commands.items import require_complete
from yuanjiao.courseware.commands.rights import require_clear
from yuanjiao.courseware.models import ChecklistLine, Column, Courseware, FormerVersion, Placement, Review, ReviewAnswer
from yuanjiao.courseware.rules.life import ROUND_NAMES, State
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission

FASTER = "这件课件刚刚被别人处理过，请刷新后再看"


def is_author(courseware: Courseware, by: Actor) -> bool:
    return courseware.author is not None and courseware.author.uid == by.person_uid


@transaction.atomic
def approve_courseware(
    *, courseware: Courseware, by: Actor, at: datetime, reason: str = "", answers: Mapping[int, bool] | None = None
) -> None:
    """Pass an item in the round that is due; after the last round it may be released.

    `answers` says for each line of the checklist (by primary key) whether the item is right; a teaching material is not passed
    without them. Refused for its author, for who passed an earlier round, and while something is missing.
    """
    _review(courseware, by)
    require_complete(courseware)
    require_clear(courseware, on=local_day(at))
    lines = _answered(courseware, answers)
    wrong = [line.text for line, right in lines if not right]
    if wrong:
        raise Refused(f"清单里有不符合的项（{'；'.join(wrong)}），请写明原因退回")
    done = courseware.rounds_passed + 1
    _keep(courseware, True, lines, reason, by=by, at=at)
    name, last = ROUND_NAMES[done - 1], done >= courseware.rounds_needed
    words = f"{name}通过" + (f"：{reason}" if reason else "") if courseware.rounds_needed > 1 else reason
    steps.move(courseware, State.APPROVED if last else State.IN_REVIEW, by=by, at=at, reason=words, rounds_passed=done)


@transaction.atomic
def return_courseware(*, courseware: Courseware, reason: str, by: Actor, at: datetime, answers: Mapping[int, bool] | None = None) -> None:
    """Give an item back to its author with the reason. Refused for its author and without a reason."""
    _review(courseware, by, again=courseware.state == State.APPROVED)
    if not reason.strip():
        raise Refused("退回须写明原因，制作人要据此修改")
    if courseware.state == State.IN_REVIEW:
        given = {line.pk: line for line in checklist_of(courseware)}
        lines = [(given[pk], right) for pk, right in (answers or {}).items() if pk in given]
        _keep(courseware, False, lines, reason.strip(), by=by, at=at)
    steps.move(courseware, State.RETURNED, by=by, at=at, reason=reason.strip())


def checklist_of(courseware: Courseware) -> list[ChecklistLine]:
    """The questions a reviewer of this item answers, in order."""
    rows = ChecklistLine.objects.filter(ended=False, material__in={"", courseware.material})
    return list(rows.order_by("order", "pk"))


def _answered(courseware: Courseware, answers: Mapping[int, bool] | None) -> list[tuple[ChecklistLine, bool]]:
    lines = checklist_of(courseware)
    if answers is None and not courseware.material:
        return []
    missing = [line.text for line in lines if line.pk not in (answers or {})]
    if missing:
        raise Refused(f"审核清单还没有填完：{missing[0]}")
    return [(line, (answers or {})[line.pk]) for line in lines]


def _keep(
    courseware: Courseware, passed: bool, lines: Sequence[tuple[ChecklistLine, bool]], reason: str, *, by: Actor, at: datetime
) -> None:
    if by.person_uid is None:
        raise Forbidden("审核须由具体的审核人办理")
    try:
        with transaction.atomic():
            row = Review.objects.create(
                courseware=courseware, submission=courseware.submission, round=courseware.rounds_passed + 1, passed=passed,
                reviewer_uid=by.person_uid, reviewer_name=by.name, at=at, reason=reason[:300],
            )  # fmt: skip
    except IntegrityError:
        raise Conflict(FASTER) from None
    ReviewAnswer.objects.bulk_create(
        [ReviewAnswer(review=row, order=number, question=line.text, is_right=right) for number, (line, right) in enumerate(lines, 1)]
    )


def _review(courseware: Courseware, by: Actor, *, again: bool = False) -> None:
    by.require(Permission.REVIEW_COURSEWARE, courseware.unit.division.path)
    if is_author(courseware, by):
        raise Refused("审核人不能是制作人本人，请由另一位审核员审核")
    now = Courseware.objects.filter(pk=courseware.pk).values_list("state", "rounds_passed").first()
    if now != (courseware.state, courseware.rounds_passed):
        raise Conflict(FASTER)
    if not again and by.person_uid in reviewers_of(courseware):
        raise Refused("您已审过这件课件的前一道，下一道请由另一位审核员审核")


def reviewers_of(courseware: Courseware) -> set[UUID]:
    """Who passed the item in its present submission, in whichever round."""
    passed = courseware.reviews.filter(submission=courseware.submission, passed=True)
    return set(passed.values_list("reviewer_uid", flat=True))


# -- release ----------------------------------------------------------------------------------------------------------------


@transaction.atomic
def release_courseware(*, courseware: Courseware, columns: Sequence[Column], by: Actor, at: datetime) -> None:
    """Put a passed (or already released) item into columns. All of them or none.

    A new version takes the places of the one it revises in the same moment, so it may come without columns. Refused for the
    author, for a reviewer on an official column, for a column that takes another class, has closed or lies outside the licence,
    without all renditions, and without rights and consents.
    """
    old = courseware.revises if courseware.state != State.RELEASED else None
    if not columns and (old is None or old.state != State.RELEASED):
        raise Refused("请至少选择一个栏目")
    for column in columns:
        _may_stand_in(courseware, column, by, at)
    require_complete(courseware)
    require_clear(courseware, on=local_day(at))
    if courseware.state != State.RELEASED:
        by.require(Permission.MANAGE_COLUMNS, courseware.unit.division.path)
        if is_author(courseware, by):
            raise Refused("发布人不能是制作人本人")
        names = "、".join(column.title for column in columns) or "原版所在栏目"
        steps.move(courseware, State.RELEASED, by=by, at=at, reason=f"编入 {names}", released_at=at, withdrawn_at=None)
        if old is not None:
            _take_the_place_of(old, courseware, by=by, at=at)
    placed = [Placement.objects.get_or_create(column=column, courseware=courseware, defaults={"placed_at": at}) for column in columns]
    if placed and not any(created for _row, created in placed) and old is None:
        raise Conflict("这件课件已经在所选栏目里")
    steps.search_due([courseware.uid])
    write_audit(by=by, action="编入栏目", subject=f"课件 {courseware.title}", at=at, detail="、".join(c.title for c in columns))


def _take_the_place_of(old: Courseware, new: Courseware, *, by: Actor, at: datetime) -> None:
    """The new version stands where the old one stood, in the same order; old addresses lead to it."""
    if old.state == State.RELEASED:
        if by.person_uid in reviewers_of(new) and old.placements.filter(column__official=True).exists():
            raise Refused("原版在官方栏目里，新版须由审核人以外的人发布")
        taken = set(new.placements.values_list("column_id", flat=True))
        old.placements.filter(column__in=taken).delete()
        old.placements.update(courseware=new)
        steps.move(old, State.REVISED, by=by, at=at, reason=f"由第 {new.edition} 版替代")
    FormerVersion.objects.filter(courseware=old).update(courseware=new)
    FormerVersion.objects.update_or_create(uid=old.uid, defaults={"courseware": new})


def _may_stand_in(courseware: Courseware, column: Column, by: Actor, at: datetime) -> None:
    by.require(Permission.MANAGE_COLUMNS, column.owner.division.path)
    if is_author(courseware, by):
        raise Refused("发布人不能是制作人本人")
    if column.official and by.person_uid in reviewers_of(courseware):
        raise Refused(f"官方栏目“{column.title}”须由审核人以外的人发布")
    if column.accepts_class and column.accepts_class != courseware.item_class:
        raise Refused(f"栏目“{column.title}”只收{column.get_accepts_class_display()}课件")
    if column.visible_to is not None and column.visible_to <= local_day(at):
        raise Refused(f"栏目“{column.title}”已于 {column.visible_to:%Y-%m-%d} 结束")
    rights = getattr(courseware, "rights", None)
    if rights is not None and not column.audience.startswith(rights.area):
        raise Refused(f"授权只许在限定区域播出，栏目“{column.title}”面向的范围更大")


@transaction.atomic
def withdraw_courseware(*, courseware: Courseware, reason: str, by: Actor, at: datetime) -> None:
    """Take an item out of every column and every list, here at once and below with the next catalogue. The rows and files stay."""
    _may_withdraw(courseware, by)
    if not reason.strip():
        raise Refused("撤下须写明原因")
    steps.move(courseware, State.WITHDRAWN, by=by, at=at, reason=reason.strip(), withdrawn_at=at)
    courseware.placements.all().delete()


def _may_withdraw(courseware: Courseware, by: Actor) -> None:
    if is_author(courseware, by) and by.holds(Permission.PRODUCE_COURSEWARE):
        return
    path = courseware.unit.division.path
    if by.covers(Permission.REVIEW_COURSEWARE, path) or by.covers(Permission.MANAGE_COLUMNS, path):
        return
    raise Forbidden("您不能撤下这件课件")


# -- new versions, expiry ---------------------------------------------------------------------------------------------------


@transaction.atomic
def expire_courseware(*, on: date, by: Actor, at: datetime) -> int:
    """End the delivery of items whose rights end on this day or before (CW08), on every machine by its own copy. Returns how many.

    Lists and players leave them out from the first moment of the day; this makes the state, the story and the search agree.
    """
    rows = list(Courseware.objects.filter(state=State.RELEASED, rights_to__lte=on))
    for row in rows:
        steps.move(row, State.EXPIRED, by=by, at=at, reason=f"授权于 {row.rights_to:%Y-%m-%d} 到期，各终端停止播出")
        row.placements.all().delete()
    return len(rows)
