"""Pure rules of the ledger: what each kind of entry does to a balance, and the chain that shows an altered row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum

WHOLE = 10_000
"""Agreed shares are parts of ten thousand: hundredths of a per cent."""
GENESIS = "0" * 64
"""What the first entry of a fund follows."""


class SourceKind(StrEnum):
    """Where money comes from. A sponsor is a source like any other: it buys nothing (FND03)."""

    FISCAL = "fiscal"
    PARTY_DUES = "party_dues"
    OPERATOR = "operator"
    SPONSOR = "sponsor"
    SPECIAL = "special"
    OTHER = "other"


class Category(StrEnum):
    """What money may be spent on."""

    EQUIPMENT = "equipment"
    REPAIR = "repair"
    LINE = "line"
    OPERATION = "operation"
    UPGRADE = "upgrade"
    TRAINING = "training"
    COURSEWARE = "courseware"
    CULTURE = "culture"


class EntryKind(StrEnum):
    """Kinds of entry."""

    CONTRIBUTION = "contribution"
    PURCHASE = "purchase"
    PAYMENT = "payment"
    SUBSIDY = "subsidy"
    ALLOWANCE = "allowance"
    ALLOWANCE_USE = "allowance_use"
    IN_KIND_PROMISE = "in_kind_promise"
    IN_KIND_DELIVERY = "in_kind_delivery"


EFFECT: dict[EntryKind, int] = {
    EntryKind.CONTRIBUTION: 1,
    EntryKind.PURCHASE: -1,
    EntryKind.PAYMENT: -1,
    EntryKind.SUBSIDY: -1,
    EntryKind.ALLOWANCE: -1,
    EntryKind.ALLOWANCE_USE: 0,  # the money has left the fund when the village got it
    EntryKind.IN_KIND_PROMISE: 0,
    EntryKind.IN_KIND_DELIVERY: 0,
}
"""What one fen of an entry does to the balance of its source. An opposite entry has a negative amount."""
OUTFLOWS = tuple(kind for kind, effect in EFFECT.items() if effect < 0)
"""Kinds that take two persons."""


class ProposalState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class SubsidyState(StrEnum):
    APPLIED = "applied"
    APPROVED = "approved"
    PAID = "paid"
    ACCEPTED = "accepted"
    REFUSED = "refused"


def effect_on_balance(kind: EntryKind, amount_fen: int) -> int:
    """Fen by which an entry changes the balance of its source."""
    return EFFECT[kind] * amount_fen


def chain_hash(previous: str, said: Mapping[str, str]) -> str:
    """SHA-256 over the hash before and all that an entry says. May never change: old entries are checked by it. Another way of
    hashing would be another name of the field."""
    text = json.dumps(dict(said), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def match_ratio(own_fen: int, subsidy_fen: int) -> float | None:
    """Own money of a county for each yuan of subsidy (配套比例); None without a subsidy."""
    return own_fen / subsidy_fen if subsidy_fen > 0 else None
