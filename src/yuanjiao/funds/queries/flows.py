"""Allowances of villages, subsidies and commitments in kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, When

from yuanjiao.funds.models import AllowanceRate, Commitment, Subsidy, VillageAllowance
from yuanjiao.funds.rules import SubsidyState, match_ratio
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level


def villages_of(rate: AllowanceRate, under: str) -> QuerySet[Division]:
    """The villages that a rate counts, under a path: those of the fund's division on the day the rate names."""
    inside = under if under.startswith(rate.fund.division.path) else rate.fund.division.path
    rows = divisions(on=rate.counted_on, level=Level.VILLAGE, under=inside)
    return rows.filter(path__under=under) if under != inside else rows


def rates(paths: Iterable[str]) -> QuerySet[AllowanceRate]:
    """Rates that concern divisions under the paths: of funds there, and of funds above them. Newest year first."""
    wanted = within("fund__division__path", paths)
    for path in paths:
        parts = [part for part in path.split("/") if part]
        wanted |= Q(fund__division__path__in=["/" + "/".join(parts[:length]) + "/" for length in range(1, len(parts))])
    return AllowanceRate.objects.filter(wanted).select_related("fund__division").order_by("-year", "fund__code")


def rate_by_uid(uid: UUID, paths: Iterable[str]) -> AllowanceRate:
    row = rates(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这项补助标准，或不在您负责的范围内")
    return row


@dataclass(frozen=True)
class VillageLine:
    """One village: what it is entitled to, got and used, in fen."""

    division: Division
    entitled_fen: int
    paid_fen: int
    used_fen: int


def village_lines(rate: AllowanceRate, paths: Iterable[str]) -> list[VillageLine]:
    """Every village that the rate counts under the paths, in code order; one that got nothing yet has noughts."""
    kept = {row.division.code: row for row in VillageAllowance.objects.filter(rate=rate).select_related("division")}
    lines = []
    for village in villages_of(rate, rate.fund.division.path).filter(within("path", paths)):
        row = kept.get(village.code)
        lines.append(VillageLine(village, rate.rate_fen, row.paid_fen if row else 0, row.used_fen if row else 0))
    return lines


@dataclass(frozen=True)
class CountyAllowance:
    """One county: villages × rate, paid and used, in fen (FND05)."""

    division: Division
    villages: int
    entitled_fen: int
    paid_fen: int
    used_fen: int


def county_allowances(rate: AllowanceRate, paths: Iterable[str]) -> list[CountyAllowance]:
    """The counties of a rate under the paths, or the one division of a fund below counties: sums of `village_lines`."""
    lines = village_lines(rate, paths)
    found = []
    place = rate.fund.division
    counties = [place] if place.level > Level.COUNTY else divisions(on=rate.counted_on, level=Level.COUNTY, under=place.path)
    for county in counties:
        own = [line for line in lines if line.division.path.startswith(county.path)]
        if own:
            sums = (sum(line.entitled_fen for line in own), sum(line.paid_fen for line in own), sum(line.used_fen for line in own))
            found.append(CountyAllowance(county, len(own), *sums))
    return found


def village_allowance(rate: AllowanceRate, village: Division) -> VillageAllowance | None:
    """What a village got, whatever row of its code was in force then."""
    return VillageAllowance.objects.filter(rate=rate, division__code=village.code).select_related("division", "rate__fund").first()


def subsidies(paths: Iterable[str]) -> QuerySet[Subsidy]:
    rows = Subsidy.objects.filter(within("division__path", paths)).select_related("fund__division", "division", "source")
    return rows.order_by("-applied_at", "-pk")


def subsidy_by_uid(uid: UUID, paths: Iterable[str]) -> Subsidy:
    row = subsidies(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这项补贴，或不在您负责的范围内")
    return row


@dataclass(frozen=True)
class Matching:
    """One division: subsidies granted, own money promised and spent, in fen. The ratio is own money spent to what
    was granted, both of accepted work only: before, nothing is known of what was spent."""

    division: Division
    count: int
    granted_fen: int
    own_fen: int
    own_spent_fen: int
    accepted_fen: int

    @property
    def promised_ratio(self) -> float | None:
        return match_ratio(self.own_fen, self.granted_fen)

    @property
    def ratio(self) -> float | None:
        return match_ratio(self.own_spent_fen, self.accepted_fen)


def matchings(paths: Iterable[str]) -> list[Matching]:
    """Each division that was granted subsidies, with its match ratio (FND06)."""
    granted = (SubsidyState.APPROVED, SubsidyState.PAID, SubsidyState.ACCEPTED)
    rows = Subsidy.objects.filter(within("division__path", paths), state__in=granted).select_related("division")
    found: dict[str, Matching] = {}
    for row in rows.order_by("division__code", "pk"):
        sums = found.get(row.division.code, Matching(row.division, 0, 0, 0, 0, 0))
        found[row.division.code] = Matching(
            row.division, sums.count + 1, sums.granted_fen + row.granted_fen, sums.own_fen + row.own_fen,
            sums.own_spent_fen + row.own_spent_fen,
            sums.accepted_fen + (row.granted_fen if row.state == SubsidyState.ACCEPTED else 0),
        )  # fmt: skip
    return list(found.values())


def commitments(paths: Iterable[str]) -> QuerySet[Commitment]:
    """Commitments for divisions under the paths: those outstanding first, by the day agreed."""
    rows = Commitment.objects.filter(within("division__path", paths)).select_related("source__fund__division", "division")
    filled = Case(When(promised=F("delivered"), then=1), default=0)
    return rows.order_by(filled, "due_on", "pk")


def commitment_by_uid(uid: UUID, paths: Iterable[str]) -> Commitment:
    row = commitments(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这项实物承诺，或不在您负责的范围内")
    return row
