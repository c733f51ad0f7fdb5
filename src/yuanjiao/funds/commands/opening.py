"""Funds, their sources, and money that comes in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from yuanjiao.funds.commands.posting import CATEGORIES, Posting, post, signed_by
from yuanjiao.funds.models import Entry, Fund, PermittedCategory, Source
from yuanjiao.funds.rules import WHOLE, EntryKind, SourceKind
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division


@dataclass(frozen=True)
class NewSource:
    """A source as a person names it: `share` of 10,000 as agreed (all 0: nothing agreed), `permitted` not empty: earmarked."""

    kind: SourceKind
    name: str
    share: int = 0
    permitted: Collection[str] = ()


@transaction.atomic
def open_fund(
    *, code: str, name: str, division: Division, document: str, sources: Sequence[NewSource], on: date, by: Actor, at: datetime
) -> Fund:
    """Open a fund with its sources. Agreed shares add up to the whole (FND02)."""
    by.require(Permission.KEEP_FUNDS, division.path)
    if not (code.strip() and name.strip() and document.strip()):
        raise Refused("须写明基金编号、名称和依据文件")
    if not sources:
        raise Refused("至少有一个资金来源")
    if Fund.objects.filter(code=code.strip()).exists():
        raise Conflict(f"基金编号 {code.strip()} 已被使用")
    fund = Fund.objects.create(code=code.strip(), name=name.strip(), division=division, document=document.strip(), opened_on=on)
    for source in sources:
        _add(fund, source)
    _check_shares([source.share for source in sources])
    told = "，".join(f"{source.name} {source.share / 100:g}%" for source in sources)
    write_audit(by=by, action="设立基金", subject=f"基金 {fund.code}", at=at, detail=f"{fund.name}：{told}")
    return fund


def _check_shares(shares: Sequence[int]) -> None:
    if any(shares) and sum(shares) != WHOLE:
        raise Refused(f"各来源约定的份额合计应为 100%，现为 {sum(shares) / 100:g}%")


def _add(fund: Fund, new: NewSource) -> Source:
    unknown = [category for category in new.permitted if category not in CATEGORIES]
    if not new.name.strip() or unknown:
        raise Refused("须写明资金来源的名称，许可用途须在用途类别之内")
    try:
        with transaction.atomic():
            source = Source.objects.create(fund=fund, kind=new.kind, name=new.name.strip(), share=new.share, earmarked=bool(new.permitted))
    except IntegrityError:
        raise Refused(f"资金来源“{new.name.strip()}”写了两次，或份额不对") from None
    PermittedCategory.objects.bulk_create([PermittedCategory(source=source, category=one) for one in sorted(set(new.permitted))])
    return source


@transaction.atomic
def add_source(*, fund: Fund, new: NewSource, by: Actor, at: datetime) -> Source:
    """One more source, such as a sponsor who comes later: with no agreed share, which all sources would have to agree anew."""
    by.require(Permission.KEEP_FUNDS, fund.division.path)
    if new.share:
        raise Refused("份额由各来源一起约定，后加的来源不带份额")
    source = _add(fund, new)
    write_audit(by=by, action="增加资金来源", subject=f"基金 {fund.code}", at=at, detail=f"{source.get_kind_display()} {source.name}")
    return source


@transaction.atomic
def enter_contribution(
    *, source: Source, amount_fen: int, purpose: str, document: str, by: Actor, at: datetime, uid: UUID | None = None
) -> Entry:
    """Money of a source has come in. Conflict when `uid` has been entered before."""
    fund = source.fund
    by.require(Permission.KEEP_FUNDS, fund.division.path)
    if amount_fen <= 0 or not purpose.strip():
        raise Refused("须写明摘要，金额大于零")
    posting = Posting(EntryKind.CONTRIBUTION, source, amount_fen, fund.division, purpose.strip(), document=document.strip(), uid=uid)
    return post(fund, [posting], signed_by(by), by=by, at=at)[0]
