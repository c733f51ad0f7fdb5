"""Facilities lent, costs shared, good practice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import F, QuerySet

from yuanjiao.network.models import Site
from yuanjiao.network.queries import sites
from yuanjiao.people.queries import within
from yuanjiao.places.models import Division
from yuanjiao.plans.models import CostShare, LentFacility, PracticeNote
from yuanjiao.plans.rules import split_cost


def facilities(paths: Iterable[str]) -> QuerySet[LentFacility]:
    """Facilities lent to divisions under the paths: those still held first, by the day they end."""
    rows = LentFacility.objects.filter(within("division__path", paths)).select_related("division")
    return rows.order_by(F("returned_on").asc(nulls_first=True), "ends_on", "pk")


def shared_sites(paths: Iterable[str]) -> QuerySet[Site]:
    """Sites that belong to a programme or bear shared costs, in code order."""
    rows = sites().filter(within("division__path", paths)).exclude(programmes="", cost_shares=None)
    return rows.prefetch_related("cost_shares").distinct()


def cost_shares(site: Site) -> list[CostShare]:
    """Who bears the costs of a site, in the order they were named; one query for a whole list of `shared_sites`."""
    return sorted(site.cost_shares.all(), key=lambda row: row.pk)


def cost_split(site: Site, cents: int) -> dict[str, int]:
    """Programme → cents of an amount spent at a site; a site without shares bears it as one (its own programmes' name, or 远程教育)."""
    shares = [(row.programme, row.weight) for row in cost_shares(site)]
    return split_cost(cents, shares or [(site.programmes or "远程教育", 1)])


def practice_notes(paths: Iterable[str]) -> QuerySet[PracticeNote]:
    return PracticeNote.objects.filter(within("division__path", paths)).select_related("division")


def practice_note_of(division: Division) -> PracticeNote | None:
    """The newest note of a division (whatever row of its code is in force), or None."""
    return newest_notes([division.code]).get(division.code)


def newest_notes(codes: Sequence[str]) -> dict[str, PracticeNote]:
    """The newest note of each division that has one, by code; one query for some hundreds."""
    found: dict[str, PracticeNote] = {}
    for start in range(0, len(codes), 500):
        for note in PracticeNote.objects.filter(division__code__in=codes[start : start + 500]).select_related("division"):
            found.setdefault(note.division.code, note)
    return found
