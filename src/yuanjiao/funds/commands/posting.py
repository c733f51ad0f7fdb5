"""The one way into the ledger: every entry passes here, under the lock of its fund, with all that it moves, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import F, Model

from yuanjiao.funds.models import CATEGORY_NAMES, Commitment, Entry, Fund, Source, Subsidy, VillageAllowance
from yuanjiao.funds.queries import said_by
from yuanjiao.funds.rules import OUTFLOWS, EntryKind, SubsidyState, chain_hash, effect_on_balance
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.lib.money import yuan
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.commands import write_audits
from yuanjiao.people.queries import sharing_number
from yuanjiao.people.rules import Actor
from yuanjiao.places.models import Division

M = TypeVar("M", bound=Model)
LONGEST_REASON = 200
CATEGORIES = {str(key): name for key, name in CATEGORY_NAMES}


@dataclass(frozen=True)
class Posting:
    """What one entry is to say. `amount_fen` is negative in an opposite entry only, `count` with it."""

    kind: EntryKind
    source: Source
    amount_fen: int
    division: Division
    purpose: str
    category: str = ""
    payee: str = ""
    document: str = ""
    count: int = 0
    commitment: Commitment | None = None
    subsidy: Subsidy | None = None
    village: VillageAllowance | None = None
    reverses: Entry | None = None
    uid: UUID | None = None
    """A form sent twice makes one entry: the second finds its uid taken."""


@dataclass(frozen=True)
class Signed:
    """Who proposed and who approved; nobody approves what one person may enter."""

    uid: UUID
    name: str
    approved_uid: UUID | None = None
    approved_name: str = ""


def person_of(by: Actor) -> UUID:
    """The person who acts. Refused for the machine: money is moved by people."""
    if by.person_uid is None:
        raise Refused("经费的收支须由本人办理")
    return by.person_uid


def signed_by(by: Actor) -> Signed:
    return Signed(person_of(by), by.name)


def check_other_person(uid: UUID, name: str, by: Actor, words: str) -> None:
    """Forbidden when who acts is the person before, or another row of the register for the same human: of one telephone or one name."""
    if person_of(by) in sharing_number([uid]) or (name.strip() and by.name.strip() == name.strip()):
        raise Forbidden(words)


def check_new(model: type[Model], uid: UUID | None) -> None:
    """Conflict for a form sent twice: its uid is taken. Called under the lock of the fund."""
    if uid is not None and model._default_manager.filter(uid=uid).exists():
        raise Conflict("这张表已经提交过，请到列表查看")


def check_reason(reason: str, words: str) -> str:
    """A reason of 1 to 200 characters."""
    if not reason.strip():
        raise Refused(words)
    if len(reason.strip()) > LONGEST_REASON:
        raise Refused(f"理由不超过 {LONGEST_REASON} 字")
    return reason.strip()


def check_permitted(source: Source, category: str) -> None:
    """Refused when money of an earmarked source is to be spent on something else (FND04)."""
    if category not in CATEGORIES:
        raise Refused("须写明用途类别")
    if source.earmarked and not source.permitted.filter(category=category).exists():
        allowed = "、".join(one.get_category_display() for one in source.permitted.all())
        raise Refused(f"“{source.name}”是专项资金，只能用于：{allowed}；不能用于{CATEGORIES[category]}")


def post(fund: Fund, postings: Sequence[Posting], signed: Signed, *, by: Actor, at: datetime) -> list[Entry]:
    """Write entries, one after the other, inside the caller's transaction. Refused, and nothing written, when any is not possible.

    The row of the fund is the lock: entries of one fund are numbered and chained one after the other, on either database.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("entries are written inside a transaction")
    locked = Fund.objects.select_for_update().get(pk=fund.pk)
    written = [_write(locked, posting, signed, at) for posting in postings]
    locked.save(update_fields=["entry_count", "head"])
    write_audits(by=by, action="记账", subjects=[(f"分录 {entry}", _told(entry)) for entry in written], at=at)
    return written


def _told(entry: Entry) -> str:
    return f"{entry.get_kind_display()} {yuan(entry.amount_fen)} 元，{entry.purpose}；指纹 {entry.entry_hash[:16]}"


def _write(fund: Fund, posting: Posting, signed: Signed, at: datetime) -> Entry:
    if posting.uid is not None and Entry.objects.filter(uid=posting.uid).exists():
        raise Conflict("这一笔已经记过账")
    if posting.reverses is None and posting.kind in OUTFLOWS:
        check_permitted(posting.source, posting.category)
    _move_balance(posting)
    _move_sums(posting)
    entry = Entry(
        uid=posting.uid or new_uid(), fund=fund, number=fund.entry_count + 1, at=at, kind=posting.kind, source=posting.source,
        amount_fen=posting.amount_fen, count=posting.count, category=posting.category, division=posting.division,
        purpose=posting.purpose, payee=posting.payee, document=posting.document, commitment=posting.commitment,
        subsidy=posting.subsidy, village=posting.village, reverses=posting.reverses, proposed_uid=signed.uid,
        proposed_name=signed.name, approved_uid=signed.approved_uid, approved_name=signed.approved_name,
    )  # fmt: skip
    entry.entry_hash = chain_hash(fund.head, said_by(entry))
    entry.save(force_insert=True)
    fund.entry_count, fund.head = entry.number, entry.entry_hash
    return entry


def _move_balance(posting: Posting) -> None:
    """Conditional: of two payments at once the second finds what the first left."""
    delta = effect_on_balance(posting.kind, posting.amount_fen)
    enough = Source.objects.filter(pk=posting.source.pk, balance_fen__gte=-delta)
    if delta and not enough.update(balance_fen=F("balance_fen") + delta):
        left = Source.objects.get(pk=posting.source.pk).balance_fen
        raise Refused(f"“{posting.source.name}”余额 {yuan(left)} 元，不足 {yuan(-delta)} 元")


def _move_sums(posting: Posting) -> None:
    """What stands behind the entry: promises, allowances, subsidies."""
    if posting.commitment is not None:
        _move_commitment(posting, posting.commitment)
    if posting.village is not None:
        _move_village(posting, posting.village)
    if posting.subsidy is not None and posting.kind == EntryKind.SUBSIDY:
        _move_subsidy(posting, posting.subsidy)


def _move_commitment(posting: Posting, commitment: Commitment) -> None:
    if posting.kind == EntryKind.IN_KIND_PROMISE:
        wanted = Commitment.objects.filter(pk=commitment.pk, promised__gte=F("delivered") - posting.count)
        fields, words = {"promised": F("promised") + posting.count}, "承诺数量不能少于已到数量"
    else:
        wanted = Commitment.objects.filter(pk=commitment.pk, promised__gte=F("delivered") + posting.count, delivered__gte=-posting.count)
        fields, words = {"delivered": F("delivered") + posting.count}, "到位数量超过承诺的未到数量"
    _move(wanted.update(**fields), words)


def _move_village(posting: Posting, village: VillageAllowance) -> None:
    amount, found = posting.amount_fen, VillageAllowance.objects.filter(pk=village.pk)
    if posting.kind == EntryKind.ALLOWANCE:
        wanted = found.filter(entitled_fen__gte=F("paid_fen") + amount, used_fen__lte=F("paid_fen") + amount)
        _move(wanted.update(paid_fen=F("paid_fen") + amount), f"{village.division.name}：拨付不能超过应得的补助，也不能少于已用的")
    else:
        wanted = found.filter(paid_fen__gte=F("used_fen") + amount, used_fen__gte=-amount)
        _move(wanted.update(used_fen=F("used_fen") + amount), f"{village.division.name}：使用超过已拨的补助")


def _move_subsidy(posting: Posting, subsidy: Subsidy) -> None:
    before, after = SubsidyState.APPROVED, SubsidyState.PAID
    if posting.amount_fen < 0:
        before, after = after, before
    _move(Subsidy.objects.filter(pk=subsidy.pk, state=before).update(state=after), "补贴的状态已经变化，不能这样记账")


def _move(moved: int, words: str) -> None:
    if not moved:
        raise Refused(words)


def fresh(row: M) -> M:
    """The row as it stands now, locked until the transaction ends."""
    return type(row)._default_manager.select_for_update().get(pk=row.pk)
