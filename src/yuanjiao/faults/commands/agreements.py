"""Writes of agreements, the calendar, duty and urging sheets."""

from __future__ import annotations

from datetime import date, datetime, time

from django.db import IntegrityError, transaction

from yuanjiao.faults.commands.messages import queue_sheet
from yuanjiao.faults.models import AgreedHours, Agreement, CalendarDay, DutyTurn, Urging
from yuanjiao.faults.queries.agreements import Answering, calendar_from, require_decider, sheets_still_so
from yuanjiao.faults.rules import Area, FaultClass
from yuanjiao.faults.rules.calendar import Counting, after, days_told
from yuanjiao.faults.rules.urging import RUNG_NAMES, Rung, late_words
from yuanjiao.items.models import Item
from yuanjiao.items.queries import held_item
from yuanjiao.items.rules import grouped_code
from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.models import Person
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.rules import Chain


@transaction.atomic
def sign_agreement(
    *, number: str, title: str, client: OrgUnit, operator: OrgUnit, valid_from: date, valid_to: date, counting: str, opens: time,
    closes: time, by: Actor, at: datetime,
) -> Agreement:  # fmt: skip
    """Enter an agreement for the place of its client's unit. What it promises per class and area is entered with `promise_hours`."""
    by.require(Permission.IMPORT_REGISTER, client.division.path)
    if not number.strip() or not title.strip():
        raise Refused("请写明协议编号和名称")
    if operator.chain != Chain.OPERATOR:
        raise Refused("乙方应是运营商")
    if valid_to < valid_from or closes <= opens or counting not in set(Counting):
        raise Refused("到期日期不早于生效日期，下班晚于上班")
    try:
        with transaction.atomic():
            row = Agreement.objects.create(
                number=number.strip()[:40], title=title.strip()[:100], client=client, operator=operator, division=client.division,
                valid_from=valid_from, valid_to=valid_to, counting=counting, opens=opens, closes=closes,
            )  # fmt: skip
    except IntegrityError:
        raise Refused("已经有这个编号的协议") from None
    write_audit(by=by, action="登记协议", subject=str(row), at=at, detail=f"{client} {operator} {valid_from} 至 {valid_to}")
    return row


@transaction.atomic
def promise_hours(
    *, agreement: Agreement, fault_class: str, area: str, respond_hours: int, restore_hours: int, by: Actor, at: datetime
) -> AgreedHours:
    """Enter or change what the agreement promises; orders already dispatched keep their dates."""
    by.require(Permission.IMPORT_REGISTER, agreement.division.path)
    if fault_class not in set(FaultClass) or area not in set(Area):
        raise Refused("请选类别和地区")
    if not 1 <= respond_hours <= restore_hours <= 720:
        raise Refused("时限为 1 至 720 小时，修复时限不短于响应时限")
    try:
        calendar = calendar_from(local_day(at), agreement.opens, agreement.closes)
        after(at, restore_hours, Counting(agreement.counting), calendar)
    except ValueError:
        raise Refused("按协议的工作时间，这些小时要一年多才走完，请核对时限和上下班时间") from None
    values = {"respond_hours": respond_hours, "restore_hours": restore_hours}
    row, _ = AgreedHours.objects.update_or_create(agreement=agreement, fault_class=fault_class, area=area, defaults=values)
    write_audit(by=by, action="登记协议时限", subject=str(row), at=at, detail=f"响应 {respond_hours}，修复 {restore_hours}")
    return row


@transaction.atomic
def enter_calendar(*, text: str, document: str, by: Actor, at: datetime) -> int:
    """Take over an official arrangement, a line a day; a day entered before is changed. Returns how many days."""
    by.require(Permission.IMPORT_REGISTER)
    if not document.strip():
        raise Refused("请写明依据文件")
    try:
        days = days_told(text)
    except ValueError as error:
        raise Refused(str(error)) from None
    if not days:
        raise Refused("没有写日期")
    for day, kind, name in days:
        CalendarDay.objects.update_or_create(on=day, defaults={"kind": kind, "name": name, "document": document.strip()[:100]})
    write_audit(
        by=by, action="登记放假安排", subject=document.strip()[:100], at=at, detail=f"{days[0][0]} 至 {days[-1][0]} 共 {len(days)} 天"
    )
    return len(days)


@transaction.atomic
def enter_duty(*, unit: OrgUnit, person: Person, starts_on: date, ends_on: date, by: Actor, at: datetime) -> DutyTurn:
    """Enter who is on duty for a unit (OPS21). The person belongs to the unit."""
    by.require(Permission.VERIFY_ORDER, unit.division.path)
    if person.unit_id != unit.pk:
        raise Refused("值班人应是本单位人员")
    if ends_on < starts_on:
        raise Refused("止期不早于起期")
    try:
        with transaction.atomic():
            row = DutyTurn.objects.create(unit=unit, person=person, starts_on=starts_on, ends_on=ends_on)
    except IntegrityError:
        raise Conflict("这一班已经登记过了") from None
    write_audit(by=by, action="登记值班", subject=str(unit), at=at, detail=f"{person} {starts_on} 至 {ends_on}")
    return row


def draft_urging(*, item: Item, rung: Rung, at: datetime, known: Answering | None = None) -> int:
    """Draft the sheets of one rung for a late item, one a person; returns how many are new. Nothing leaves the machine by this.

    On a day when somebody is on duty for the owner unit, the first rung goes to that person too. `known`: what was looked up already.
    """
    wanted = (known or Answering(local_day(at))).addressees(item, rung)
    if not wanted:
        return 0
    words, made = _words(item, at), 0
    with transaction.atomic():
        for person, chain, is_duty in wanted:
            _row, new = Urging.objects.get_or_create(
                item=item, issued_at=item.issued_at, due_at=item.due_at, rung=rung, person=person,
                defaults={"chain": chain, "on_duty": is_duty, "words": words, "drafted_at": at},
            )  # fmt: skip
            made += new
    return made


def _words(item: Item, at: datetime) -> str:
    due = (item.due_at or at).astimezone(CHINA)
    unit = item.lead_unit.name if item.lead_unit else ""
    return (
        f"“{item.title}”（{grouped_code(item.code)}）由{unit}承办，应于{due:%Y年%m月%d日 %H:%M}前办结，{late_words(due, at)}，请督促办理。"[
            :400
        ]
    )


def _require_still_late(urging: Urging, at: datetime) -> None:
    held_item(urging.item_id)
    if not sheets_still_so(at).filter(pk=urging.pk).exists():
        raise Conflict("这件事已经提交、重新交办或改了时限，这张催办单不再适用，请定为不发。")


@transaction.atomic
def decide_urging(*, urging: Urging, approved: bool, note: str, by: Actor, at: datetime) -> Urging:
    """A person sends the sheet or drops it; who decided is written down.

    Conflict when somebody was faster, or when the sheet says what is no longer so: done, given out anew, or due at another date.
    """
    require_decider(urging, by)
    if by.person_uid is None:
        raise Refused("催办单须由人批准，系统不能代替")
    if not approved and not note.strip():
        raise Refused("不发须写明理由")
    if approved:
        _require_still_late(urging, at)
    decision = {"approved": approved, "decided_by": by.name[:50], "decided_at": at, "note": note.strip()[:200]}
    if not Urging.objects.filter(pk=urging.pk, approved=None).update(**decision):
        raise Conflict("这张催办单刚刚有人审批过了")
    action = "批准催办单" if approved else "不发催办单"
    detail = f"{RUNG_NAMES[Rung(urging.rung)]} {urging.person.name} {note.strip()}"
    write_audit(by=by, action=action, subject=f"事项 {urging.item.code}", at=at, detail=detail[:400])
    urging.refresh_from_db()
    queue_sheet(urging, at)
    return urging
