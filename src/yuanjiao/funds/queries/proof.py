"""The ledger recomputed from its entries alone: what an auditor compares with what pages show (story 25)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from yuanjiao.funds.models import Commitment, Entry, Fund, Subsidy, VillageAllowance
from yuanjiao.funds.rules import GENESIS, EntryKind, SubsidyState, chain_hash, effect_on_balance


def said_by(entry: Entry) -> dict[str, str]:
    """All that an entry says, as its hash covers it. Needs fund, source, division and what it names to be loaded. May never change."""
    return {
        "fund": str(entry.fund.uid),
        "number": str(entry.number),
        "uid": str(entry.uid),
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": str(entry.kind),
        "source": str(entry.source.uid),
        "amount_fen": str(entry.amount_fen),
        "count": str(entry.count),
        "category": str(entry.category),
        "division": entry.division.code,
        "purpose": entry.purpose,
        "payee": entry.payee,
        "document": entry.document,
        "commitment": str(entry.commitment.uid) if entry.commitment else "",
        "subsidy": str(entry.subsidy.uid) if entry.subsidy else "",
        "village": f"{entry.village.rate.uid} {entry.village.division.code}" if entry.village else "",
        "reverses": str(entry.reverses.number) if entry.reverses else "",
        "proposed": f"{entry.proposed_uid} {entry.proposed_name}",
        "approved": f"{entry.approved_uid or ''} {entry.approved_name}",
    }


LOADED = ("fund", "source", "division", "commitment", "subsidy", "village__rate", "village__division", "reverses")


@dataclass
class FundProof:
    """One fund recomputed. `wrong` says, in the reader's words, every place where the books and the entries differ."""

    fund: Fund
    entries: int = 0
    head: str = GENESIS
    balances: Counter[str] = field(default_factory=Counter)
    balances_then: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _sums: Counter[tuple[str, int]] = field(default_factory=Counter)


def prove_fund(fund: Fund, *, until: datetime | None = None) -> FundProof:
    """Go through all entries of a fund in order. `balances` are those of today, `balances_then` those before `until`, in fen by source."""
    proof = FundProof(fund)
    for entry in _entries(fund):
        _prove_entry(proof, entry, until)
    if (proof.entries, proof.head) != (fund.entry_count, fund.head):
        proof.wrong.append(f"账册末条应为第 {fund.entry_count} 号（{fund.head[:12]}），现为第 {proof.entries} 号（{proof.head[:12]}）")
    _compare(proof)
    return proof


def _entries(fund: Fund) -> Iterator[Entry]:
    yield from Entry.objects.filter(fund=fund).select_related(*LOADED).order_by("number").iterator(chunk_size=2000)


def _prove_entry(proof: FundProof, entry: Entry, until: datetime | None) -> None:
    proof.entries += 1
    if entry.number != proof.entries:
        proof.wrong.append(f"第 {proof.entries} 号分录缺失")
        proof.entries = entry.number
    expected = chain_hash(proof.head, said_by(entry))
    if entry.entry_hash != expected:
        proof.wrong.append(f"第 {entry.number} 号分录与指纹不符，或在它之前有改动")
    proof.head = entry.entry_hash
    effect = effect_on_balance(EntryKind(entry.kind), entry.amount_fen)
    proof.balances[entry.source.name] += effect
    if until is None or entry.at < until:
        proof.balances_then[entry.source.name] += effect
    if proof.balances[entry.source.name] < 0:
        proof.wrong.append(f"第 {entry.number} 号分录之后“{entry.source.name}”余额为负")
    for key, amount in _counted(entry):
        proof._sums[key] += amount


def _counted(entry: Entry) -> Iterator[tuple[tuple[str, int], int]]:
    """What an entry adds to the sums that stand behind it."""
    kind = EntryKind(entry.kind)
    if kind in {EntryKind.IN_KIND_PROMISE, EntryKind.IN_KIND_DELIVERY} and entry.commitment_id:
        yield (kind, entry.commitment_id), entry.count
    if kind in {EntryKind.ALLOWANCE, EntryKind.ALLOWANCE_USE} and entry.village_id:
        yield (kind, entry.village_id), entry.amount_fen
    if kind == EntryKind.SUBSIDY and entry.subsidy_id:
        yield (kind, entry.subsidy_id), entry.amount_fen


def _compare(proof: FundProof) -> None:
    """What the tables keep beside the entries, against the entries."""
    fund, sums = proof.fund, proof._sums
    for source in fund.sources.order_by("pk"):
        if source.balance_fen != proof.balances[source.name]:
            proof.wrong.append(f"“{source.name}”账面余额 {source.balance_fen} 分，按分录为 {proof.balances[source.name]} 分")
    for one in Commitment.objects.filter(source__fund=fund):
        if (one.promised, one.delivered) != (sums[EntryKind.IN_KIND_PROMISE, one.pk], sums[EntryKind.IN_KIND_DELIVERY, one.pk]):
            proof.wrong.append(f"实物承诺“{one.what}”的数量与分录不符")
    for row in VillageAllowance.objects.filter(rate__fund=fund).select_related("division"):
        if (row.paid_fen, row.used_fen) != (sums[EntryKind.ALLOWANCE, row.pk], sums[EntryKind.ALLOWANCE_USE, row.pk]):
            proof.wrong.append(f"{row.division.name}的村级补助与分录不符")
    for subsidy in Subsidy.objects.filter(fund=fund):
        paid = subsidy.granted_fen if subsidy.state in {SubsidyState.PAID, SubsidyState.ACCEPTED} else 0
        if paid != sums[EntryKind.SUBSIDY, subsidy.pk]:
            proof.wrong.append(f"补贴“{subsidy.purpose}”的拨付与分录不符")
