"""Funds, sources, entries and proposals as pages show them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.db.models import Case, Count, Q, QuerySet, Sum, When

from yuanjiao.funds.models import Entry, Fund, Proposal, Source
from yuanjiao.funds.rules import OUTFLOWS, WHOLE, EntryKind, ProposalState
from yuanjiao.lib.errors import NotFound
from yuanjiao.lib.shares import per_cent
from yuanjiao.people.queries import within

T = TypeVar("T")


def funds(paths: Iterable[str]) -> QuerySet[Fund]:
    """Funds of divisions under the paths, with `balance` in fen."""
    rows = Fund.objects.filter(within("division__path", paths)).select_related("division").annotate(balance=Sum("sources__balance_fen"))
    return rows.order_by("code")


def waiting_counts(found: Collection[Fund]) -> dict[int, int]:
    """Key of each fund → proposals that await a second person."""
    rows = Proposal.objects.filter(fund__in=found, state=ProposalState.WAITING).values("fund").annotate(n=Count("pk"))
    return {row["fund"]: row["n"] for row in rows}


def fund_by_uid(uid: UUID, paths: Iterable[str]) -> Fund:
    row = funds(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这个基金，或不在您负责的范围内")
    return row


def funds_to_ask(paths: Iterable[str]) -> QuerySet[Fund]:
    """Funds of divisions under the paths and of those above them: whom somebody there may apply to."""
    above = {
        "/" + "/".join(parts[:length]) + "/" for path in paths for parts in [path.strip("/").split("/")] for length in range(1, len(parts))
    }
    wanted = within("division__path", paths) | Q(division__path__in=sorted(above))
    return Fund.objects.filter(wanted).select_related("division").order_by("code")


@dataclass(frozen=True)
class SourceLine:
    """One source: agreed share and given share of all that was given (both of 10,000), fen given, spent and left."""

    source: Source
    given_fen: int
    given_share: int | None
    spent_fen: int
    permitted: tuple[str, ...]

    @property
    def agreed_words(self) -> str:
        return per_cent(self.source.share / WHOLE) if self.source.share else "—"

    @property
    def given_words(self) -> str:
        return "—" if self.given_share is None else per_cent(self.given_share / WHOLE)


def source_lines(fund: Fund) -> list[SourceLine]:
    """The sources of a fund with what they gave; kept balances, which `prove_fund` checks."""
    given: dict[int, int] = {}
    spent: dict[int, int] = {}
    for row in Entry.objects.filter(fund=fund).order_by().values("source", "kind").annotate(fen=Sum("amount_fen")):
        if row["kind"] == EntryKind.CONTRIBUTION:
            given[row["source"]] = row["fen"]
        elif row["kind"] in OUTFLOWS:
            spent[row["source"]] = spent.get(row["source"], 0) + row["fen"]
    whole = sum(given.values())
    lines = []
    for source in fund.sources.prefetch_related("permitted").order_by("pk"):
        share = round(given.get(source.pk, 0) * WHOLE / whole) if whole else None
        permitted = tuple(one.get_category_display() for one in source.permitted.all())
        lines.append(SourceLine(source, given.get(source.pk, 0), share, spent.get(source.pk, 0), permitted))
    return lines


def entries(paths: Iterable[str]) -> QuerySet[Entry]:
    """Entries that concern divisions under the paths, the newest first."""
    rows = Entry.objects.filter(within("division__path", paths))
    return rows.select_related("fund", "source", "division", "reverses", "reversed_by").order_by("-at", "-number", "-pk")


def entry_by_uid(uid: UUID, paths: Iterable[str]) -> Entry:
    row = entries(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这条分录，或不在您负责的范围内")
    return row


def purchases(references: Collection[str]) -> dict[str, Entry]:
    """Entries of purchases by their reference such as WH-2026-12, as assets cite them; reversed ones are left out."""
    cited: dict[str, set[int]] = {}
    for reference in references:
        code, _, number = reference.rpartition("-")
        if code and number.isdecimal() and len(number) < 10:
            cited.setdefault(code, set()).add(int(number))
    bought = Entry.objects.filter(kind=EntryKind.PURCHASE, reverses=None, reversed_by=None).select_related("fund", "source")
    found: dict[str, Entry] = {}
    for codes in _some(sorted(cited)):
        for fund in Fund.objects.filter(code__in=codes):
            for numbers in _some(sorted(cited[fund.code])):
                found |= {str(row): row for row in bought.filter(fund=fund, number__in=numbers)}
    return found


def _some(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """So many at a time: a question to the database has a longest form."""
    return (values[start : start + size] for start in range(0, len(values), size))


def proposals(paths: Iterable[str]) -> QuerySet[Proposal]:
    """Proposals that concern divisions under the paths: those that wait first."""
    rows = Proposal.objects.filter(within("division__path", paths)).select_related("fund__division", "source", "division", "reverses__fund")
    waits = Case(When(state=ProposalState.WAITING, then=0), default=1)
    return rows.order_by(waits, "-proposed_at", "-pk")


def proposal_by_uid(uid: UUID, paths: Iterable[str]) -> Proposal:
    row = proposals(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这项支付申请，或不在您负责的范围内")
    return row
