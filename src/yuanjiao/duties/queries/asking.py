"""What hand-overs ask of units (GOV30): a sheet to be signed by who gives and who takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from yuanjiao.duties.models import Handover
from yuanjiao.duties.rules import KIND_NAMES
from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.people.queries import within

FIELDS = 1
"""The signature; the lines are drawn by the machine."""


def asked(first: date, last: date, path: str) -> Iterator[Asked]:
    """Sheets of hand-overs between these days of units of a place: one for each unit that signs."""
    rows = Handover.objects.filter(within("tenure__unit__division__path", [path]), on__gte=first, on__lte=last)
    for sheet in rows.select_related("tenure__unit", "tenure__division", "following__unit"):
        tenures = [sheet.tenure, sheet.following]
        what = f"交接单：{sheet.tenure.division.name}{KIND_NAMES[sheet.tenure.kind]}"
        for code in sorted({tenure.unit.code for tenure in tenures if tenure is not None}):
            yield Asked(Kind.FORM, what, sheet.on, fields=FIELDS, unit=code, link=("duties:handover", str(sheet.uid)))
