"""Allowances of villages, subsidies of counties, and what operators give in kind."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from yuanjiao.funds.commands.posting import (
    Posting,
    check_new,
    check_other_person,
    check_permitted,
    check_reason,
    fresh,
    person_of,
    post,
    signed_by,
)
from yuanjiao.funds.models import AllowanceRate, Commitment, Entry, Fund, Proposal, Source, Subsidy
from yuanjiao.funds.queries import village_allowance
from yuanjiao.funds.rules import Category, EntryKind, ProposalState, SubsidyState
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.money import yuan
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division

MOST_FEN = 10**15
"""The most that one entry in kind may be worth, in fen: the sums of many stay inside 64 bits."""


@transaction.atomic
def set_allowance_rate(*, fund: Fund, year: int, rate_fen: int, counted_on: date, document: str, by: Actor, at: datetime) -> AllowanceRate:
    """Say what each village is entitled to in a year and when villages are counted. Conflict when the year has its rate."""
    by.require(Permission.KEEP_FUNDS, fund.division.path)
    if rate_fen <= 0 or not document.strip():
        raise Refused("须写明依据文件，标准大于零")
    if counted_on > local_day(at):
        raise Refused("村数截至日期不能晚于今天：以后的村数还会变")
    fresh(fund)  # of two at once the second finds the first
    if AllowanceRate.objects.filter(fund=fund, year=year).exists():
        raise Conflict(f"{year} 年的补助标准已经设定")
    row = AllowanceRate.objects.create(fund=fund, year=year, rate_fen=rate_fen, counted_on=counted_on, document=document.strip())
    detail = f"{year} 年每村 {yuan(rate_fen)} 元，{document.strip()}"
    write_audit(by=by, action="设定村级补助标准", subject=f"基金 {fund.code}", at=at, detail=detail)
    return row


@transaction.atomic
def enter_allowance_use(
    *, rate: AllowanceRate, village: Division, amount_fen: int, purpose: str, document: str, by: Actor, at: datetime,
    uid: UUID | None = None,
) -> Entry:  # fmt: skip
    """A village used so much of what it got (FND05); never more than it got."""
    by.require(Permission.KEEP_FUNDS, village.path)
    row = village_allowance(rate, village)
    if row is None or not row.paid_fen:
        raise Refused(f"{village.name}还没有得到 {rate.year} 年的补助")
    if amount_fen <= 0 or not purpose.strip():
        raise Refused("须写明用途，金额大于零")
    paid = Entry.objects.filter(village=row, kind=EntryKind.ALLOWANCE).select_related("source").order_by("-number").first()
    assert paid is not None  # what is paid was paid by an entry
    posting = Posting(
        EntryKind.ALLOWANCE_USE, paid.source, amount_fen, row.division, purpose.strip(), Category.OPERATION, document=document.strip(),
        village=row, uid=uid,
    )  # fmt: skip
    return post(rate.fund, [posting], signed_by(by), by=by, at=at)[0]


@transaction.atomic
def apply_for_subsidy(
    *, fund: Fund, division: Division, purpose: str, asked_fen: int, own_fen: int, document: str, by: Actor, at: datetime,
    uid: UUID | None = None,
) -> Subsidy:  # fmt: skip
    """A county or town asks a fund of its own division or of one above for a subsidy, and says what it gives itself (FND06)."""
    by.require(Permission.KEEP_FUNDS, division.path)
    if not division.path.startswith(fund.division.path):
        raise Refused(f"{division.name}不在“{fund.name}”的范围内")
    if asked_fen <= 0 or own_fen < 0 or not purpose.strip() or not document.strip():
        raise Refused("须写明项目和申请文件，申请金额大于零，配套不为负")
    fresh(fund)
    check_new(Subsidy, uid)
    row = Subsidy(
        fund=fund, division=division, purpose=purpose.strip(), document=document.strip(),
        asked_fen=asked_fen, own_fen=own_fen,
        applied_uid=person_of(by), applied_name=by.name, applied_at=at,
    )  # fmt: skip
    row.uid = uid or row.uid
    row.save(force_insert=True)
    detail = f"{row.purpose}：申请 {yuan(asked_fen)} 元，配套 {yuan(own_fen)} 元"
    write_audit(by=by, action="申请补贴", subject=f"补贴 {row.uid}", at=at, detail=detail)
    return row


@transaction.atomic
def approve_subsidy(*, subsidy: Subsidy, source: Source, granted_fen: int, decision: str, by: Actor, at: datetime) -> None:
    """Grant all or a part of what was asked, from one source; another person than who applied."""
    current = _in_state(subsidy, SubsidyState.APPLIED, Permission.APPROVE_FUNDS, by)
    _other_person(current, by)
    if source.fund_id != subsidy.fund_id:
        raise Refused("资金来源不属于这个基金")
    if not 0 < granted_fen <= current.asked_fen:
        raise Refused("批准金额须大于零，不超过申请金额")
    check_permitted(source, Category.UPGRADE)
    current.state, current.source, current.granted_fen = SubsidyState.APPROVED, source, granted_fen
    _signed_off(current, decision, by)
    write_audit(by=by, action="批准补贴", subject=f"补贴 {subsidy.uid}", at=at, detail=f"{yuan(granted_fen)} 元，{source.name}")


@transaction.atomic
def refuse_subsidy(*, subsidy: Subsidy, decision: str, by: Actor, at: datetime) -> None:
    current = _in_state(subsidy, SubsidyState.APPLIED, Permission.APPROVE_FUNDS, by)
    _other_person(current, by)
    decision = check_reason(decision, "不予批准须写明理由")
    current.state = SubsidyState.REFUSED
    _signed_off(current, decision, by)
    write_audit(by=by, action="不批准补贴", subject=f"补贴 {subsidy.uid}", at=at, detail=decision.strip())


@transaction.atomic
def accept_subsidy(*, subsidy: Subsidy, own_spent_fen: int, acceptance: str, on: date, by: Actor, at: datetime) -> None:
    """The work was looked at: what the county gave itself is written down; not by who applied."""
    current = _in_state(subsidy, SubsidyState.PAID, Permission.APPROVE_FUNDS, by)
    _other_person(current, by)
    if Proposal.objects.filter(reverses__subsidy=subsidy, state=ProposalState.WAITING).exists():
        raise Conflict("这项补贴的拨付正在提请冲销，不能验收")
    if own_spent_fen < 0 or not acceptance.strip():
        raise Refused("须写明验收意见，实际配套不为负")
    current.state, current.own_spent_fen, current.acceptance, current.accepted_on = (
        SubsidyState.ACCEPTED, own_spent_fen, acceptance.strip(), on,
    )  # fmt: skip
    current.accepted_uid, current.accepted_name = person_of(by), by.name
    current.save()
    write_audit(by=by, action="验收补贴", subject=f"补贴 {subsidy.uid}", at=at, detail=f"实际配套 {yuan(own_spent_fen)} 元")


def _in_state(subsidy: Subsidy, state: SubsidyState, permission: Permission, by: Actor) -> Subsidy:
    by.require(permission, subsidy.fund.division.path)
    current = fresh(subsidy)
    if current.state != state:
        raise Conflict("补贴的状态已经变化，请刷新后再办")
    return current


def _other_person(subsidy: Subsidy, by: Actor) -> None:
    check_other_person(subsidy.applied_uid, subsidy.applied_name, by, "申请人不能审批或验收自己的申请")


def _signed_off(subsidy: Subsidy, decision: str, by: Actor) -> None:
    subsidy.approved_uid, subsidy.approved_name, subsidy.decision = person_of(by), by.name, decision.strip()
    subsidy.save()


@transaction.atomic
def enter_commitment(
    *, source: Source, division: Division, what: str, count: int, unit_fen: int, due_on: date, document: str, by: Actor, at: datetime,
    uid: UUID | None = None,
) -> Commitment:  # fmt: skip
    """An operator promised so many things in kind (FND09)."""
    fund = source.fund
    by.require(Permission.KEEP_FUNDS, fund.division.path)
    if count < 1 or unit_fen < 1 or not what.strip() or not document.strip():
        raise Refused("须写明实物和协议，数量和单价大于零")
    if not division.path.startswith(fund.division.path):
        raise Refused(f"{division.name}不在“{fund.name}”的范围内")
    fresh(fund)
    check_new(Commitment, uid)
    row = Commitment(source=source, division=division, what=what.strip(), unit_fen=unit_fen, promised=0, due_on=due_on)
    row.uid, row.document = uid or row.uid, document.strip()
    row.save(force_insert=True)
    post(fund, [_in_kind(EntryKind.IN_KIND_PROMISE, row, count, f"承诺 {row.what}")], signed_by(by), by=by, at=at)
    row.refresh_from_db()
    return row


@transaction.atomic
def enter_delivery(*, commitment: Commitment, count: int, document: str, by: Actor, at: datetime, uid: UUID | None = None) -> Entry:
    """So many of the promised things have come; never more than are outstanding."""
    fund = commitment.source.fund
    by.require(Permission.KEEP_FUNDS, fund.division.path)
    if count < 1:
        raise Refused("数量大于零")
    posting = _in_kind(EntryKind.IN_KIND_DELIVERY, commitment, count, f"到位 {commitment.what}", document.strip(), uid)
    return post(fund, [posting], signed_by(by), by=by, at=at)[0]


def _in_kind(kind: EntryKind, commitment: Commitment, count: int, purpose: str, document: str = "", uid: UUID | None = None) -> Posting:
    if count * commitment.unit_fen > MOST_FEN:
        raise Refused(f"总价超过 {yuan(MOST_FEN)} 元，请核对数量和单价")
    return Posting(
        kind, commitment.source, count * commitment.unit_fen, commitment.division, purpose,
        document=document or commitment.document, count=count, commitment=commitment, uid=uid,
    )  # fmt: skip
