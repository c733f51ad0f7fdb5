"""The versions of the rate's rule and the targets of divisions go down to everybody: every machine says the same of a rate."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

import msgspec

from yuanjiao.flow.catalogue.copying import Link, Table, copy_tables
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.network.models import RateRuleVersion, RateTarget
from yuanjiao.places.models import Division

name = "rulings"


class RuleRow(msgspec.Struct, frozen=True):
    """One version of the rule."""

    uid: UUID
    version: int
    heartbeat_min: int
    play_days: int
    min_coverage: float
    valid_from: date
    document: str


class TargetRow(msgspec.Struct, frozen=True):
    """One target; `division` is a uid."""

    uid: UUID
    division: UUID
    value: float
    valid_from: date
    document: str


class Rulings(msgspec.Struct, frozen=True):
    """The document of this shelf."""

    rules: tuple[RuleRow, ...]
    targets: tuple[TargetRow, ...]


def offer(scope: str) -> Offer:
    """Every rule and target for everybody; nothing more for a subtree."""
    if scope != ALL:
        return Offer()
    rules = RateRuleVersion.objects.order_by("version").values_list(*RuleRow.__struct_fields__)
    targets = RateTarget.objects.order_by("division__code", "valid_from", "uid").values_list(
        "uid", "division__uid", "value", "valid_from", "document"
    )
    return Offer(to_document(Rulings(tuple(RuleRow(*row) for row in rules), tuple(TargetRow(*row) for row in targets))))


def accept(document: bytes, missing: Collection[str] = ()) -> None:
    """Make the rules and targets of this machine equal to the document's."""
    rulings = from_document(document, Rulings)
    copy_tables((RULES, rulings.rules), (TARGETS, rulings.targets))


def _leave(row: RateRuleVersion | RateTarget) -> None:
    """Nothing hangs on these today; should that change, their history stays where it was written."""


RULES = Table(RateRuleVersion, natural=("version",), rest=_leave)
TARGETS = Table(RateTarget, natural=("division", "valid_from"), links={"division": Link(Division)}, rest=_leave)
