"""Writes about items: one command per act, each a conditional update that only one person can win.

The state the caller read is part of the update's condition; whoever comes second gets Conflict and looks again. Every act
leaves one step; steps are numbered per item, so the story has no gap and no fork.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from yuanjiao.items.models import Item, ItemStep, Verification
from yuanjiao.items.queries import NOT_ASKED, asked_of, stance_of
from yuanjiao.items.rules import (
    ACT_NAMES,
    DEEPEST,
    ENDED,
    KIND_NAMES,
    MOVES,
    NEVER_OVER_A_CAP,
    Act,
    ItemKind,
    State,
    ThreeAnswers,
    act_name,
    failing_reason,
    is_act_of,
    may_stand_under,
    missing_before_issue,
    near_due_at,
    next_state,
    permission_of,
    readable_code,
    require_evidence,
    require_party,
    whole,
)
from yuanjiao.items.search import index_item
from yuanjiao.lib.asked import Asked
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.lib.metering import meter
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.rules import PERMISSIONS, Actor, Permission
from yuanjiao.places.models import Division, OrgUnit

REASON_LENGTH = 1000
"""A step holds two targets, old and new, or three answers, and the reason: whatever a form takes fits."""
EVIDENCE_LENGTH = 200
OF_THE_WHOLE = frozenset({Act.SUBMIT, Act.CLOSE, Act.CANCEL, Act.SETTLE})
MOST_UNITS = 30
"""Acts that an item with open parts does not allow."""


@transaction.atomic
def create_item(
    *,
    kind: ItemKind,
    title: str,
    division: Division,
    lead_unit: OrgUnit | None = None,
    expected_result: str = "",
    measure: str = "",
    starts_on: date | None = None,
    source: str = "",
    parent: Item | None = None,
    cooperating: Iterable[OrgUnit] = (),
    by: Actor,
    at: datetime,
    uid: UUID | None = None,
) -> Item:
    """Write an item down as a draft. Refused without a title, and under a parent that cannot bear it.

    Whoever writes a part also gives out the item above it: a part holds it up, and only that side may do so.
    """
    by.require(permission_of(kind, Act.ISSUE), division.path)
    if not title.strip():
        raise Refused("事项须有名称")
    if parent is not None:
        by.require(permission_of(parent.kind, Act.ISSUE), parent.division.path)
        _require_place(kind, parent)
    uid = uid or new_uid()
    item = Item.objects.create(
        uid=uid,
        code=readable_code(uid),
        kind=kind,
        title=title.strip()[:120],
        expected_result=expected_result.strip()[:200],
        source=source[:60],
        division=division,
        lead_unit=lead_unit,
        parent=parent,
        measure=measure.strip()[:400],
        starts_on=starts_on,
        given_by_id=acting_unit(by, permission_of(kind, Act.ISSUE), division.path),
        created_at=at,
        moved_at=at,
        step_count=1,
    )
    index_item(item)
    helping = supporting(cooperating, lead_unit.pk if lead_unit else None)
    item.co_units.set(helping)
    write_step(item, act=None, to_state=State.DRAFT, by=by, at=at, reason=told_units(helping) if helping else "")
    return item


def supporting(units: Iterable[OrgUnit], lead_unit_id: int | None) -> list[OrgUnit]:
    """The cooperating units, each once. Refused for too many, and for the unit that leads."""
    wanted = list(dict.fromkeys(units))
    if len(wanted) > MOST_UNITS:
        raise Refused(f"最多 {MOST_UNITS} 个配合单位")
    if any(unit.pk == lead_unit_id for unit in wanted):
        raise Refused("牵头单位不再列为配合单位")
    return wanted


def told_units(units: Sequence[OrgUnit]) -> str:
    """The cooperating units as a step tells them."""
    names = "、".join(unit.name for unit in units)
    if len(names) > REASON_LENGTH - 40:
        names = f"{names[: REASON_LENGTH - 40]}…等 {len(units)} 个单位"
    return f"配合单位为{names}" if units else "不再有配合单位"


@transaction.atomic
def edit_draft(*, item: Item, title: str, measure: str, expected_result: str, starts_on: date | None, by: Actor, at: datetime) -> Item:
    """Change what a draft or a declined item says before it is given out (again)."""
    if not title.strip():
        raise Refused("事项须有名称")
    words = {"title": title.strip()[:120], "measure": measure.strip()[:400], "expected_result": expected_result.strip()[:200]}
    moved = move(item, Act.EDIT, by=by, at=at, changes={**words, "starts_on": starts_on})
    index_item(moved)
    return moved


@transaction.atomic
def issue_item(
    *, item: Item, due_at: datetime, respond_due_at: datetime | None = None, lead_unit: OrgUnit | None = None, by: Actor, at: datetime
) -> Item:
    """Dispatch a draft, or a declined item to a (new) unit. The clock starts here, not at acceptance (requirements c11).

    Refused while it would bring the unit over its cap (GOV30). An order is not paper work: a fault is repaired whatever the month. Nor is a
    problem or a rectification: what an inspection or a census has found is there, and a record of it that a cap refuses would be lost.
    """
    unit = lead_unit or item.lead_unit
    missing = missing_before_issue(
        kind=item.kind, has_owner=unit is not None, expected_result=item.expected_result, measure=item.measure,
        has_start=item.starts_on is not None or item.phases.exists(),
    )  # fmt: skip
    if missing:
        raise Refused(f"{act_name(Act.ISSUE, item.kind)}前须写明：{'、'.join(missing)}")
    if due_at <= at:
        raise Refused("办结时限应晚于现在")
    _require_phases_inside(item, due_at)
    if item.kind not in NEVER_OVER_A_CAP:
        meter().require(asks_of(item, unit, local_day(due_at)), subject=subject_of(item), by=by, at=at)
    fresh: dict[str, Any] = dict.fromkeys(("accepted_at", "started_at", "submitted_at")) | {"worker_uid": None, "worker_name": ""}
    changes = fresh | {"lead_unit": unit, "issued_at": at} | _clock(item, at, due_at, respond_due_at)
    given_by = acting_unit(by, permission_of(item.kind, Act.ISSUE), item.division.path)
    return move(item, Act.ISSUE, by=by, at=at, changes=changes | ({"given_by_id": given_by} if given_by else {}))


def asks_of(item: Item, unit: OrgUnit | None, due_on: date) -> list[Asked]:
    """What giving the item out on these terms asks of a unit."""
    return [replace(asked_of(item, due_on), unit=unit.code)] if unit else []


def asks_anew(item: Item, due_on: date) -> list[Asked]:
    """What another date asks of a month that does not count the item yet; nothing where it is counted, or of a kind that no cap refuses."""
    if item.kind in NEVER_OVER_A_CAP:
        return []
    counted = local_day(item.due_at) if item.due_at is not None and item.state not in NOT_ASKED else None
    if counted is not None and (counted.year, counted.month) == (due_on.year, due_on.month):
        return []
    return asks_of(item, item.lead_unit, due_on)


def _require_room(item: Item, due_at: datetime, by: Actor, at: datetime) -> None:
    """A date moved into a full month asks as much of the unit as something new that is due there."""
    meter().require(asks_anew(item, local_day(due_at)), subject=subject_of(item), by=by, at=at)


def subject_of(item: Item) -> str:
    """How an approval names the item."""
    return f"item:{item.uid}"


def accept_item(*, item: Item, by: Actor, at: datetime) -> Item:
    """The owner unit takes the item; the person becomes its worker."""
    return move(item, Act.ACCEPT, by=by, at=at, changes={"accepted_at": at, **_worker(by)})


def decline_item(*, item: Item, reason: str, by: Actor, at: datetime) -> Item:
    """The owner unit says it is not theirs. The clock is not reset by that; the next dispatch sets it."""
    return move(item, Act.DECLINE, by=by, at=at, reason=reason, changes={"declined_count": F("declined_count") + 1})


def start_item(*, item: Item, by: Actor, at: datetime) -> Item:
    """Work begins, the first time or again after a return."""
    return move(item, Act.START, by=by, at=at, changes={"started_at": at, **_worker(by)})


def submit_item(*, item: Item, result: str, by: Actor, at: datetime) -> Item:
    """Hand in: `result` says what was done. Refused while parts or phases of the item are open."""
    _require_phases_done(item)
    return move(item, Act.SUBMIT, by=by, at=at, reason=result, changes={"submitted_at": at, **_worker(by)})


def return_for_rework(*, item: Item, reason: str, by: Actor, at: datetime) -> Item:
    """Back to the owner unit, with a reason, as often as it takes (SUP35)."""
    return move(item, Act.RETURN, by=by, at=at, reason=reason, changes={"returned_count": F("returned_count") + 1})


@transaction.atomic
def verify_item(*, item: Item, answers: ThreeAnswers, by: Actor, at: datetime) -> Item:
    """Examine a handed-in item. Three times yes: verified; any no: returned for rework with that as the reason (SUP36)."""
    require_evidence(answers)
    require_party(Act.VERIFY, stance_of(item, by))
    if answers.passed:
        moved = move(item, Act.VERIFY, by=by, at=at, changes={"verified_at": at})
    else:
        moved = return_for_rework(item=item, reason=failing_reason(answers), by=by, at=at)
    _write_verification(moved, answers, by=by, at=at)
    return moved


def close_item(*, item: Item, by: Actor, at: datetime, note: str = "") -> Item:
    """Close one verified item (销号). Refused unless its last verification answered all three questions with yes."""
    last = item.verifications.last()
    if item.state == State.VERIFIED and (last is None or not last.passed):
        raise Refused("销号须有三问三答的核实记录")
    return move(item, Act.CLOSE, by=by, at=at, reason=note, changes={"closed_at": at})


@transaction.atomic
def reopen_item(*, item: Item, reason: str, due_at: datetime, respond_due_at: datetime | None = None, by: Actor, at: datetime) -> Item:
    """The trouble is back, or the reporter is not satisfied: the owner unit has it again with a new clock; the story stays.

    Refused under a parent that has ended: that one is reopened first; and into a month that is full (GOV30).
    """
    _require_open_above(item)
    if due_at <= at:
        raise Refused("新的办结时限应晚于现在")
    _require_room(item, due_at, by, at)
    fresh: dict[str, Any] = dict.fromkeys(("accepted_at", "started_at", "submitted_at", "verified_at", "closed_at"))
    changes = fresh | {"reopened_count": F("reopened_count") + 1, "issued_at": at, **_clock(item, at, due_at, respond_due_at)}
    return move(item, Act.REOPEN, by=by, at=at, reason=reason, changes=changes)


@transaction.atomic
def extend_item(*, item: Item, due_at: datetime, reason: str, by: Actor, at: datetime) -> Item:
    """Approve a later date. The original date and every date between stay readable in the steps. Refused into a full month (GOV30)."""
    if item.due_at is None or due_at <= item.due_at:
        raise Refused("延期后的时限应晚于现在的时限")
    _require_room(item, due_at, by, at)
    changes = {"due_at": due_at, "near_due_at": near_due_at(item.issued_at or at, due_at)}
    return move(item, Act.EXTEND, by=by, at=at, reason=reason, changes=changes)


def cancel_item(*, item: Item, reason: str, by: Actor, at: datetime) -> Item:
    """End an item that needs no work (a double, a mistake). Refused while parts of it are open."""
    return move(item, Act.CANCEL, by=by, at=at, reason=reason, changes={})


@transaction.atomic
def settle_on_the_spot(
    *,
    kind: ItemKind,
    title: str,
    division: Division,
    lead_unit: OrgUnit,
    measure: str,
    expected_result: str,
    answers: ThreeAnswers,
    source: str = "",
    parent: Item | None = None,
    by: Actor,
    at: datetime,
    uid: UUID | None = None,
) -> Item:
    """File a finding that was put right before the finder's eyes, and close it (立行立改, SUP30): both or neither.

    `measure`: what was done about it. `lead_unit` answers for the place; the finder belongs to another one. Conflict for a `uid` filed
    before.
    """
    if uid is not None and Item.objects.filter(uid=uid).exists():
        raise Conflict("这件事已经登记过了")
    item = create_item(
        kind=kind, title=title, division=division, lead_unit=lead_unit, expected_result=expected_result, measure=measure,
        starts_on=local_day(at), source=source, parent=parent, by=by, at=at, uid=uid,
    )  # fmt: skip
    return settle_item(item=item, answers=answers, by=by, at=at)


@transaction.atomic
def settle_item(*, item: Item, answers: ThreeAnswers, result: str = "", by: Actor, at: datetime) -> Item:
    """Close a draft of a finding that is right already: all that issuing, verifying and closing ask for is asked for here at once.
    `result`: who did what, where that is more than the item's measure says.

    Refused unless the three answers are yes with evidence each: what is not right yet is given out.
    """
    if not is_act_of(item.kind, Act.SETTLE):
        raise Refused(f"“{item.get_kind_display()}”不能当场销号，请交办")
    require_evidence(answers)
    if not answers.passed:
        raise Refused("还没有整改到位的，请交办，不能当场销号")
    missing = missing_before_issue(
        kind=item.kind, has_owner=item.lead_unit_id is not None, expected_result=item.expected_result, measure=item.measure, has_start=True,
    )  # fmt: skip
    if missing:
        raise Refused(f"当场销号前须写明：{'、'.join(missing)}")
    _require_phases_done(item)
    times = dict.fromkeys(("issued_at", "submitted_at", "verified_at", "closed_at"), at)
    moved = move(item, Act.SETTLE, by=by, at=at, reason=result or item.measure, changes={**times, **_clock(item, at, at, None)})
    _write_verification(moved, answers, by=by, at=at)
    return moved


def acting_unit(by: Actor, permission: Permission, path: str) -> int | None:
    """The unit for which the person acts at a place: the highest of theirs that holds the permission there; None for the machine."""
    held = [grant for grant in by.grants if grant.unit_id and permission in PERMISSIONS[grant.role] and path.startswith(grant.path)]
    return min(held, key=lambda grant: len(grant.path)).unit_id if held else None


def _require_place(kind: ItemKind, parent: Item) -> None:
    if not may_stand_under(kind, parent.kind):
        raise Refused(f"“{KIND_NAMES[ItemKind(kind)]}”不能列在“{parent.get_kind_display()}”之下")
    if Item.objects.select_for_update().get(pk=parent.pk).state in ENDED:
        raise Refused("上级事项已经办结，不能再增加下级事项")
    depth, above = 1, parent
    while above.parent is not None:
        depth, above = depth + 1, above.parent
    if depth >= DEEPEST:
        raise Refused(f"最多分 {DEEPEST} 级")


def _require_open_above(item: Item) -> None:
    if item.parent_id is None:
        return
    if Item.objects.select_for_update().get(pk=item.parent_id).state in ENDED:  # who would end it now waits for this row
        raise Refused("上级事项已经办结，请先重新打开上级事项")


def _require_parts_ended(item: Item, act: Act) -> None:
    """A plan is not done before its parts are (SUP10, SUP37)."""
    count = item.parts.exclude(state__in=ENDED).count()
    if count:
        raise Refused(f"还有 {count} 件下级事项没有办结，不能“{ACT_NAMES[act]}”")


def _require_phases_done(item: Item) -> None:
    waiting = [phase.title for phase in item.phases.all() if phase.done_at is None]
    if waiting:
        raise Refused(f"还有阶段没有完成：{'、'.join(waiting)}")


def _require_phases_inside(item: Item, due_at: datetime) -> None:
    late = [phase.title for phase in item.phases.all() if phase.ends_on > local_day(due_at)]
    if late:
        raise Refused(f"阶段晚于办结时限：{'、'.join(late)}")


def _clock(item: Item, at: datetime, due_at: datetime, respond_due_at: datetime | None) -> dict[str, Any]:
    return {
        "due_at": due_at,
        "original_due_at": item.original_due_at or due_at,
        "respond_due_at": respond_due_at,
        "near_due_at": near_due_at(at, due_at),
    }


@transaction.atomic
def move(item: Item, act: Act, *, by: Actor, at: datetime, changes: dict[str, Any], reason: str = "") -> Item:
    """Permit, check, move, leave the step; returns the item as it now is."""
    by.require(permission_of(item.kind, act), item.division.path)
    before = State(item.state)
    require_party(act, stance_of(item, by))
    after = next_state(before, act)
    if MOVES[act].needs_reason and not reason.strip():
        raise Refused("请写明原因或办理结果")
    seen = Item.objects.filter(pk=item.pk, state=before, step_count=item.step_count)
    if not seen.update(state=after, step_count=item.step_count + 1, moved_at=at, **changes):
        raise Conflict("该事项刚刚被别人办理过，请刷新后再看。")
    if act in OF_THE_WHOLE:  # asked behind the update: a part that is added meanwhile waits for this row, or is seen
        _require_parts_ended(item, act)
    moved = Item.objects.select_related("division", "lead_unit").get(pk=item.pk)
    write_step(moved, act=act, from_state=before, to_state=after, by=by, at=at, reason=reason, due_before=item.due_at)
    return moved


def _worker(by: Actor) -> dict[str, Any]:
    return {"worker_uid": by.person_uid, "worker_name": by.name[:50]}


def write_step(
    item: Item, *, act: Act | None, to_state: State, by: Actor, at: datetime, from_state: State | None = None,
    reason: str = "", due_before: datetime | None = None,
) -> None:  # fmt: skip
    ItemStep.objects.create(
        item=item,
        number=item.step_count,
        act=act or "",
        from_state=from_state or "",
        to_state=to_state,
        by_uid=by.person_uid,
        by_name=by.name[:50],
        unit_name=item.lead_unit.name if item.lead_unit else "",
        at=at,
        reason=whole(reason, REASON_LENGTH, "说明"),
        due_before=due_before,
        due_after=item.due_at,
    )


def _write_verification(item: Item, answers: ThreeAnswers, *, by: Actor, at: datetime) -> None:
    if by.person_uid is None:
        raise Forbidden("核实须由人办理，系统不能代替")
    Verification.objects.create(
        item=item,
        round=item.verifications.count() + 1,
        done=answers.done.yes,
        done_evidence=whole(answers.done.evidence, EVIDENCE_LENGTH, "依据"),
        solved=answers.solved.yes,
        solved_evidence=whole(answers.solved.evidence, EVIDENCE_LENGTH, "依据"),
        changed=answers.changed.yes,
        changed_evidence=whole(answers.changed.evidence, EVIDENCE_LENGTH, "依据"),
        by_uid=by.person_uid,
        by_name=by.name[:50],
        at=at,
    )
