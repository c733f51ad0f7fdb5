"""Writes of learning: plan a study day, end a plan, ask for a required list, record a session, correct or cancel its record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import transaction

from yuanjiao.flow.journal.record import record
from yuanjiao.learning.events import ItemShown, SessionCorrected, SessionHeld
from yuanjiao.learning.models import (
    CopyForm,
    Distribution,
    DistributionLine,
    Letter,
    RecordedVia,
    RequiredList,
    RequiredListItem,
    Session,
    StudyDayPlan,
    StudyDayPlanDay,
    StudyDayPlanItem,
)
from yuanjiao.learning.queries import organisations, recorded_already
from yuanjiao.learning.rules import MAX_MINUTES, SessionForm, heads_fault, letter_fault, scope_covers
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import Lifecycle, Site
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Grant, Permission, Role
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.rules import Level

AHEAD = timedelta(minutes=10)
"""A box's clock may be this much fast; a session further in the future was not held yet."""
BACK = timedelta(days=92)
"""How long after it was held a session may still be recorded: a quarter, the longest period an office closes."""


@transaction.atomic
def plan_study_day(
    *,
    title: str,
    unit: OrgUnit,
    scope: str,
    form: SessionForm,
    start_time: time,
    minutes: int,
    starts_on: date,
    ends_on: date | None = None,
    days_of_month: Collection[int] = (),
    single_on: date | None = None,
    items: Sequence[ItemShown] = (),
    by: Actor,
    at: datetime,
) -> StudyDayPlan:
    """Plan a study day for the subtree `scope` (a division path): on days of every month, or once.

    Refused without a title, without exactly one kind of day, or with dates out of order.
    """
    by.require(Permission.PLAN_LEARNING, scope)
    by.require(Permission.PLAN_LEARNING, unit.division.path)
    if not title.strip():
        raise Refused("请写明学习日名称")
    if bool(days_of_month) == (single_on is not None):
        raise Refused("请选每月的哪几日，或只办一次的日期，二者选一")
    if not all(1 <= day <= 31 for day in days_of_month):
        raise Refused("每月的日子应在 1 到 31 之间")
    if ends_on is not None and ends_on < starts_on:
        raise Refused("结束日期早于开始日期")
    _check_minutes(minutes)
    plan = StudyDayPlan.objects.create(
        title=title.strip(), unit=unit, scope=scope, form=form, start_time=start_time, minutes=minutes,
        starts_on=single_on or starts_on, ends_on=single_on or ends_on, single_on=single_on,
    )  # fmt: skip
    StudyDayPlanDay.objects.bulk_create(StudyDayPlanDay(plan=plan, day=day) for day in sorted(set(days_of_month)))
    StudyDayPlanItem.objects.bulk_create(
        StudyDayPlanItem(plan=plan, position=number, courseware_uid=item.uid, title=item.title) for number, item in enumerate(items, 1)
    )
    write_audit(by=by, action="安排学习日", subject=f"学习日 {plan.title}", at=at, detail=scope)
    return plan


@transaction.atomic
def end_study_day_plan(*, plan: StudyDayPlan, last_on: date, by: Actor, at: datetime) -> None:
    """Let a plan's last day be `last_on`; sessions already held stay. Conflict when it ends no later already."""
    by.require(Permission.PLAN_LEARNING, plan.scope)
    if plan.ends_on is not None and plan.ends_on <= last_on:
        raise Conflict(f"“{plan.title}”已于 {plan.ends_on:%Y-%m-%d} 结束")
    plan.ends_on = max(last_on, plan.starts_on)
    plan.save(update_fields=["ends_on"])
    write_audit(by=by, action="终止学习日", subject=f"学习日 {plan.title}", at=at, detail=f"{plan.ends_on:%Y-%m-%d}")


@transaction.atomic
def assign_required_list(
    *,
    title: str,
    document: str,
    unit: OrgUnit,
    place: Division,
    level: Level,
    starts_on: date,
    due_on: date,
    items: Sequence[ItemShown],
    by: Actor,
    at: datetime,
) -> RequiredList:
    """Ask every organisation of a level in a place to show these items at its sessions, by `due_on` (CW05)."""
    by.require(Permission.PLAN_LEARNING, place.path)
    by.require(Permission.PLAN_LEARNING, unit.division.path)
    if not title.strip() or not document.strip():
        raise Refused("请写明清单名称和依据文件")
    if not items or len({item.uid for item in items}) < len(items):
        raise Refused("请选课件，每件一次")
    if level < place.level:
        raise Refused(f"{place.name}之内没有这一级组织")
    if due_on < starts_on or due_on < local_day(at):
        raise Refused("期限不能早于开始日期和今天")
    row = RequiredList.objects.create(
        title=title.strip(), document=document.strip(), unit=unit, scope=place.path, level=level, starts_on=starts_on, due_on=due_on
    )  # fmt: skip
    RequiredListItem.objects.bulk_create(
        RequiredListItem(required=row, position=number, courseware_uid=item.uid, title=item.title) for number, item in enumerate(items, 1)
    )
    write_audit(by=by, action="布置必学清单", subject=f"必学清单 {row.title}", at=at, detail=f"{place.name}，{len(items)} 件，至 {due_on}")
    return row


@transaction.atomic
def take_back_required_list(*, required: RequiredList, on: date, by: Actor, at: datetime) -> None:
    """Ask for the list no more; what was shown stays told."""
    by.require(Permission.PLAN_LEARNING, required.scope)
    if required.taken_back_on is not None:
        raise Conflict(f"“{required.title}”已经收回")
    required.taken_back_on = on
    required.save(update_fields=["taken_back_on"])
    write_audit(by=by, action="收回必学清单", subject=f"必学清单 {required.title}", at=at)


MOST_COPIES = 100_000
"""More copies than this for one unit is a slip of the finger."""


@transaction.atomic
def begin_distribution(
    *,
    title: str,
    edition: str,
    form: CopyForm,
    item: UUID | None,
    document: str,
    unit: OrgUnit,
    place: Division,
    level: Level,
    each: int,
    by: Actor,
    at: datetime,
) -> Distribution:
    """Begin to give out a document or a book: `each` copies to every organisation of a level in a place (DLV23)."""
    by.require(Permission.PLAN_LEARNING, place.path)
    by.require(Permission.PLAN_LEARNING, unit.division.path)
    if not title.strip():
        raise Refused("请写明文件或书名")
    _check_copies(each)
    today = local_day(at)
    bodies = organisations(place.path, level, today)
    if not bodies:
        raise Refused(f"{place.name}之内没有这一级组织")
    row = Distribution.objects.create(
        title=title.strip(), edition=edition.strip(), form=form, courseware_uid=item, document=document.strip(), unit=unit,
        scope=place.path, begun_on=today,
    )  # fmt: skip
    DistributionLine.objects.bulk_create([DistributionLine(distribution=row, unit=one, needed=each) for one in bodies], batch_size=500)
    write_audit(by=by, action="开始发放", subject=f"发放 {row.title}", at=at, detail=f"{place.name}，{len(bodies)} 个单位，每个 {each} 份")
    return row


@transaction.atomic
def note_copies(*, line: DistributionLine, needed: int, delivered: int, on: date, by: Actor, at: datetime) -> None:
    """Say how many copies a unit needs and how many it has by now; told by whoever gives out, or by the place that receives."""
    path = line.unit.division.path
    if not by.covers(Permission.RECORD_SESSION, path):
        by.require(Permission.PLAN_LEARNING, line.distribution.scope)
    line = DistributionLine.objects.select_for_update().select_related("distribution", "unit").get(pk=line.pk)
    if needed != line.needed:
        by.require(Permission.PLAN_LEARNING, line.distribution.scope)
    _check_copies(needed)
    if not 0 <= delivered <= needed:
        raise Refused("已发的份数应在 0 与需要数之间；确需更多，请发放单位先改需要数")
    if on > local_day(at) or on < line.distribution.begun_on:
        raise Refused("送达日期应在开始发放之后，不晚于今天")
    if (needed, delivered) == (line.needed, line.delivered):
        raise Conflict("份数没有变化")
    changed = delivered != line.delivered
    line.needed, line.delivered = needed, delivered
    line.delivered_on = (on if delivered else None) if changed else line.delivered_on
    line.save(update_fields=["needed", "delivered", "delivered_on"])
    write_audit(
        by=by, action="登记发放", subject=f"发放 {line.distribution.title}", at=at, detail=f"{line.unit.name} {delivered} / {needed}"
    )


def _check_copies(count: int) -> None:
    if not 1 <= count <= MOST_COPIES:
        raise Refused(f"份数应在 1 到 {MOST_COPIES} 之间")


@transaction.atomic
def issue_letter(*, title: str, body: str, unit: OrgUnit, place: Division, plan: StudyDayPlan | None, by: Actor, at: datetime) -> Letter:
    """Give the units of a place a letter to print in their own name, with the one-off lesson it speaks of (DLV17)."""
    by.require(Permission.PLAN_LEARNING, place.path)
    by.require(Permission.PLAN_LEARNING, unit.division.path)
    if not title.strip():
        raise Refused("请写标题")
    if fault := letter_fault(body):
        raise Refused(fault)
    if plan is not None and not scope_covers(plan.scope, place.path):
        raise Refused(f"“{plan.title}”不包括{place.name}")
    row = Letter.objects.create(
        title=title.strip(), body=body.strip(), unit=unit, scope=place.path, plan_uid=plan.uid if plan else None, issued_on=local_day(at)
    )
    write_audit(by=by, action="发布一封信", subject=f"一封信 {row.title}", at=at, detail=place.name)
    return row


@transaction.atomic
def end_letter(*, letter: Letter, on: date, by: Actor, at: datetime) -> None:
    """Print it no more."""
    by.require(Permission.PLAN_LEARNING, letter.scope)
    if letter.ended_on is not None:
        raise Conflict(f"“{letter.title}”已经停用")
    letter.ended_on = on
    letter.save(update_fields=["ended_on"])
    write_audit(by=by, action="停用一封信", subject=f"一封信 {letter.title}", at=at)


@dataclass(frozen=True)
class SessionRecord:
    """What a recorder says of one session. Only the heads have no sensible value of their own."""

    held_at: datetime
    heads_onsite: int
    heads_online: int = 0
    minutes: int = 60
    form: SessionForm = SessionForm.GROUP_VIEWING
    items: tuple[ItemShown, ...] = ()


def record_session(
    *,
    uid: UUID,
    site: Site,
    plan: StudyDayPlan | None,
    held: SessionRecord,
    by: Actor,
    at: datetime,
    via: str = RecordedVia.PAGE,
    civil_at: datetime | None = None,
) -> Session:
    """Record a session that was held at a site; an event, also at an edge that is cut off (LRN01).

    `uid` is made when the form is shown, so pressing twice records once: the second press gets the session of the first.
    `civil_at` is `at` as people live it, where this machine's clock is wrong: the time of the session is theirs.
    Conflict when this site has recorded the same study day already; Refused for wrong heads, length or time.
    """
    by.require(Permission.RECORD_SESSION, site.division.path)
    done = Session.objects.filter(uid=uid).first()
    if done is not None:
        return done
    _check_session(site, plan, held, civil_at or at)
    event = SessionHeld(
        uid=uid,
        site=site.code,
        path=site.division.path,
        plan=plan.uid if plan else None,
        held_at=held.held_at,
        minutes=held.minutes,
        form=held.form,
        items=list(held.items),
        heads_onsite=held.heads_onsite,
        heads_online=held.heads_online,
        recorder=by.person_uid,
        via=via,
    )
    with transaction.atomic():
        record(event, at=at)  # takes the journal's lock: whoever pressed at the same moment is visible from here on
        _refuse_second(site, plan, local_day(held.held_at), but=uid)
    return Session.objects.get(uid=uid)


def _check_session(site: Site, plan: StudyDayPlan | None, held: SessionRecord, at: datetime) -> None:
    if site.lifecycle in {Lifecycle.SUSPENDED, Lifecycle.RETIRED}:
        raise Refused(f"{site.name} 已停用，不能登记学习")
    if held.held_at > at + AHEAD:
        raise Refused("举办时间还没有到，请在活动之后登记")
    if held.held_at < at - BACK:
        raise Refused(f"举办时间早于 {BACK.days} 天前，不能补登")
    _check_heads_and_minutes(held.heads_onsite, held.heads_online, held.minutes)
    if plan is not None and not scope_covers(plan.scope, site.division.path):
        raise Refused(f"“{plan.title}”不包括 {site.name}")


def _refuse_second(site: Site, plan: StudyDayPlan | None, on: date, *, but: UUID) -> None:
    earlier = recorded_already(site.code, plan.uid, on, but=but) if plan is not None else None
    if plan is not None and earlier is not None:
        heads = earlier.heads_onsite + earlier.heads_online
        raise Conflict(f"{site.name} 当日的“{plan.title}”已登记（{heads} 人次）。人数有误请在场次页改正，不必重登")


def correct_session(
    *, session: Session, heads_onsite: int, heads_online: int, minutes: int, form: SessionForm, reason: str, by: Actor, at: datetime
) -> None:
    """Set a session's record right by a new event with a reason; the first record and every correction stay readable."""
    _require_correctable(session, reason, by)
    _check_heads_and_minutes(heads_onsite, heads_online, minutes)
    if (heads_onsite, heads_online, minutes, form) == (session.heads_onsite, session.heads_online, session.minutes, session.form):
        raise Conflict("内容没有变化")
    _correct(session, reason, by, at, (heads_onsite, heads_online), minutes, form, cancelled=False)


def cancel_session(*, session: Session, reason: str, by: Actor, at: datetime) -> None:
    """Take a session that was not held out of every count, by a new event with a reason."""
    _require_correctable(session, reason, by)
    heads = (session.heads_onsite, session.heads_online)
    _correct(session, reason, by, at, heads, session.minutes, SessionForm(session.form), cancelled=True)


def _require_correctable(session: Session, reason: str, by: Actor) -> None:
    by.require(Permission.RECORD_SESSION, session.path)
    if not reason.strip():
        raise Refused("请写明改正原因")
    if session.cancelled:
        raise Conflict("这场记录已经作废")


def _correct(
    session: Session, reason: str, by: Actor, at: datetime, heads: tuple[int, int], minutes: int, form: SessionForm, *, cancelled: bool
) -> None:
    record(
        SessionCorrected(
            uid=new_uid(),
            session=session.uid,
            reason=reason.strip()[:200],
            corrector=by.person_uid,
            minutes=minutes,
            form=form,
            heads_onsite=heads[0],
            heads_online=heads[1],
            cancelled=cancelled,
        ),
        at=at,
    )


def _check_heads_and_minutes(heads_onsite: int, heads_online: int, minutes: int) -> None:
    fault = heads_fault(heads_onsite, heads_online)
    if fault:
        raise Refused(fault)
    _check_minutes(minutes)


def _check_minutes(minutes: int) -> None:
    if not 1 <= minutes <= MAX_MINUTES:
        raise Refused(f"时长应在 1 到 {MAX_MINUTES} 分钟之间")


def television_of(site: Site) -> Actor:
    """Who acts when a television records: nobody in person, and nowhere but at its own site."""
    return Actor(name=f"{site.name}电视", person_uid=None, grants=(Grant(Role.SITE_MANAGER, site.division.path, 0),))
