"""Money that goes out: one person proposes, another approves, and only then is it an entry. Reversals go the same way."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from yuanjiao.funds.commands.posting import (
    Posting,
    Signed,
    check_new,
    check_other_person,
    check_permitted,
    check_reason,
    fresh,
    person_of,
    post,
)
from yuanjiao.funds.models import AllowanceRate, Entry, Fund, Proposal, Source, Subsidy, VillageAllowance
from yuanjiao.funds.queries import villages_of
from yuanjiao.funds.rules import Category, EntryKind, ProposalState, SubsidyState
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division

WAITING = "这项申请已经办结"


@transaction.atomic
def propose_payment(
    *, kind: EntryKind, source: Source, amount_fen: int, category: str, division: Division, purpose: str, payee: str, document: str,
    by: Actor, at: datetime, uid: UUID | None = None,
) -> Proposal:  # fmt: skip
    """Propose a purchase or another payment from one source for a place inside the fund's division (FND01)."""
    fund = source.fund
    by.require(Permission.KEEP_FUNDS, fund.division.path)
    if kind not in {EntryKind.PURCHASE, EntryKind.PAYMENT}:
        raise Refused("补贴和村级补助从各自的页面拨付")
    if amount_fen <= 0 or not purpose.strip() or not payee.strip():
        raise Refused("须写明摘要和收款单位，金额大于零")
    _check_inside(fund, division)
    check_permitted(source, category)
    row = Proposal(kind=kind, source=source, amount_fen=amount_fen, category=category, division=division, purpose=purpose.strip())
    row.payee, row.document = payee.strip(), document.strip()
    return _propose(fund, row, by, at, uid)


@transaction.atomic
def propose_allowances(
    *, rate: AllowanceRate, source: Source, division: Division, per_village_fen: int, purpose: str, by: Actor, at: datetime,
    uid: UUID | None = None,
) -> Proposal:  # fmt: skip
    """Propose so much for each village that the rate counts under a division: one village, a town, a county or all."""
    fund = rate.fund
    by.require(Permission.KEEP_FUNDS, fund.division.path)
    _check_inside(fund, division)
    if source.fund_id != fund.pk:
        raise Refused("资金来源不属于这个基金")
    villages = villages_of(rate, division.path).count()
    if not villages:
        raise Refused(f"{division.name}没有计入补助的村")
    if not 0 < per_village_fen <= rate.rate_fen:
        raise Refused("每村金额须大于零，不超过每村标准")
    check_permitted(source, Category.OPERATION)
    row = Proposal(
        kind=EntryKind.ALLOWANCE, source=source, amount_fen=villages * per_village_fen, category=Category.OPERATION, division=division,
        purpose=purpose.strip() or f"{rate.year} 年村级补助", rate=rate, per_village_fen=per_village_fen, document=rate.document,
    )  # fmt: skip
    return _propose(fund, row, by, at, uid)


@transaction.atomic
def propose_subsidy_payment(*, subsidy: Subsidy, by: Actor, at: datetime) -> Proposal:
    """Propose to pay out an approved subsidy."""
    fund = subsidy.fund
    by.require(Permission.KEEP_FUNDS, fund.division.path)
    fresh(fund)
    current = fresh(subsidy)
    if current.state != SubsidyState.APPROVED or current.source is None:
        raise Conflict("只有已批准、未拨付的补贴可以拨付")
    if Proposal.objects.filter(subsidy=subsidy, state=ProposalState.WAITING).exists():
        raise Conflict("这项补贴已经提请拨付，等待审批")
    row = Proposal(
        kind=EntryKind.SUBSIDY, source=current.source, amount_fen=current.granted_fen, category=Category.UPGRADE,
        division=subsidy.division, purpose=subsidy.purpose, payee=subsidy.division.name, document=subsidy.document, subsidy=subsidy,
    )  # fmt: skip
    return _propose(fund, row, by, at)


@transaction.atomic
def propose_reversal(*, entry: Entry, reason: str, by: Actor, at: datetime) -> Proposal:
    """Propose the opposite entry of a wrong one: nothing of the ledger is ever edited."""
    fund = entry.fund
    by.require(Permission.KEEP_FUNDS, fund.division.path)
    if not reason.strip():
        raise Refused("须写明冲销的原因")
    if entry.reverses_id is not None:
        raise Refused("冲销分录本身不再冲销；需要时重新记账")
    fresh(fund)  # of two at once the second finds the first
    if Entry.objects.filter(reverses=entry).exists() or Proposal.objects.filter(reverses=entry, state=ProposalState.WAITING).exists():
        raise Conflict("这条分录已经冲销，或冲销正在等待审批")
    row = Proposal(
        kind=entry.kind, source=entry.source, amount_fen=entry.amount_fen, category=entry.category, division=entry.division,
        purpose=f"冲销第 {entry.number} 号：{reason.strip()}"[:200], payee=entry.payee, reverses=entry,
    )  # fmt: skip
    return _propose(fund, row, by, at)


def _propose(fund: Fund, row: Proposal, by: Actor, at: datetime, uid: UUID | None = None) -> Proposal:
    fresh(fund)
    check_new(Proposal, uid)
    row.uid = uid or row.uid
    row.fund, row.proposed_uid, row.proposed_name, row.proposed_at = fund, person_of(by), by.name, at
    row.save(force_insert=True)
    write_audit(
        by=by, action="提请支付", subject=f"基金 {fund.code}", at=at, detail=f"{row.get_kind_display()} {row.amount_fen} 分：{row.purpose}"
    )
    return row


def _check_inside(fund: Fund, division: Division) -> None:
    if not division.path.startswith(fund.division.path):
        raise Refused(f"{division.name}不在“{fund.name}”的范围内")


@transaction.atomic
def approve_proposal(*, proposal: Proposal, by: Actor, at: datetime) -> list[Entry]:
    """Approve what another person proposed: it becomes entries in the same transaction. Refused when the money is not there any more."""
    fund = proposal.fund
    by.require(Permission.APPROVE_FUNDS, fund.division.path)
    current = _waiting(proposal)
    _check_second(current, by)
    signed = Signed(current.proposed_uid, current.proposed_name, person_of(by), by.name)
    fresh(fund)  # before villages are looked at: of two approvals the second finds the rows that the first made
    postings = _postings(current)
    if current.rate is not None and sum(one.amount_fen for one in postings) != current.amount_fen:
        raise Conflict("村数已变，请重新提请")  # what is booked is what was approved
    written = post(fund, postings, signed, by=by, at=at)
    _decide(current, ProposalState.APPROVED, "", by, at)
    return written


def _check_second(current: Proposal, by: Actor) -> None:
    check_other_person(current.proposed_uid, current.proposed_name, by, "经办人和审批人不能是同一人")
    if current.subsidy is not None:
        check_other_person(current.subsidy.applied_uid, current.subsidy.applied_name, by, "补贴的申请人不能审批它的拨付")


@transaction.atomic
def refuse_proposal(*, proposal: Proposal, reason: str, by: Actor, at: datetime) -> None:
    """Say no, with the reason."""
    by.require(Permission.APPROVE_FUNDS, proposal.fund.division.path)
    current = _waiting(proposal)
    reason = check_reason(reason, "不批准须写明理由")
    if person_of(by) == current.proposed_uid:
        raise Forbidden("本人提请的请用“撤回”")
    _decide(current, ProposalState.REFUSED, reason, by, at)


@transaction.atomic
def withdraw_proposal(*, proposal: Proposal, by: Actor, at: datetime) -> None:
    """Whoever proposed takes it back."""
    by.require(Permission.KEEP_FUNDS, proposal.fund.division.path)
    current = _waiting(proposal)
    if person_of(by) != current.proposed_uid:
        raise Forbidden("只有经办人可以撤回")
    _decide(current, ProposalState.WITHDRAWN, "", by, at)


def _waiting(proposal: Proposal) -> Proposal:
    current = fresh(proposal)
    if current.state != ProposalState.WAITING:
        raise Conflict(WAITING)
    return current


def _decide(row: Proposal, state: ProposalState, reason: str, by: Actor, at: datetime) -> None:
    moved = Proposal.objects.filter(pk=row.pk, state=ProposalState.WAITING).update(
        state=state, decided_uid=person_of(by), decided_name=by.name, decided_at=at, reason=reason.strip()
    )
    if not moved:
        raise Conflict(WAITING)
    write_audit(by=by, action="审批支付", subject=f"基金 {row.fund.code}", at=at, detail=f"{state}：{row.purpose} {reason.strip()}")


def _postings(row: Proposal) -> list[Posting]:
    kind = EntryKind(row.kind)
    if row.reverses is not None:
        old = row.reverses
        return [
            Posting(
                kind, old.source, -old.amount_fen, old.division, row.purpose, old.category, old.payee, row.document, -old.count,
                old.commitment, old.subsidy, old.village, old,
            )
        ]  # fmt: skip
    if row.rate is not None:
        return [
            Posting(
                kind, row.source, row.per_village_fen, village.division, row.purpose, row.category, village.division.name, row.document,
                village=village,
            )
            for village in _allowances(row.rate, row.division)
        ]  # fmt: skip
    return [
        Posting(kind, row.source, row.amount_fen, row.division, row.purpose, row.category, row.payee, row.document, subsidy=row.subsidy)
    ]


def _allowances(rate: AllowanceRate, division: Division) -> list[VillageAllowance]:
    """The rows of the villages under a division, made where there is none yet."""
    villages = list(villages_of(rate, division.path))
    known = {row.division.code: row for row in VillageAllowance.objects.filter(rate=rate).select_related("division", "rate")}
    missing = [village for village in villages if village.code not in known]
    VillageAllowance.objects.bulk_create(
        [VillageAllowance(rate=rate, division=village, entitled_fen=rate.rate_fen) for village in missing], batch_size=1000
    )
    known = {row.division.code: row for row in VillageAllowance.objects.filter(rate=rate).select_related("division", "rate")}
    return [known[village.code] for village in villages]
