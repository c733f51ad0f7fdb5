"""Books and documents with what units need, what came and what is missing (CW24, DLV23)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest

from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.production.models import Handout, HandoutDelivery, HandoutNeed


@dataclass(frozen=True)
class Delivered:
    """One unit and form: copies needed, delivered and missing, and the day of the last delivery."""

    unit_name: str
    form: str
    needed: int
    delivered: int
    last_on: date | None

    @property
    def missing(self) -> int:
        return max(self.needed - self.delivered, 0)


def handout_paths(by: Actor) -> tuple[str, ...]:
    return tuple(sorted({*by.paths(Permission.MANAGE_COLUMNS), *by.paths(Permission.SEE_REPORTS)}))


def handouts_seen(by: Actor) -> QuerySet[Handout]:
    """What units of the person's subtrees issued or need, the newest first, with copies `needed` and `missing` in those subtrees."""
    paths = handout_paths(by)
    rows = Handout.objects.filter(within("unit__division__path", paths) | Q(needs__in=_needs(paths))).distinct()
    seen = _needs(paths).filter(handout=OuterRef("pk")).order_by().values("handout")
    return (
        rows.select_related("unit")
        .annotate(
            needed=Coalesce(Subquery(seen.annotate(sum=Sum("copies")).values("sum")), 0),
            missing=Coalesce(Subquery(seen.annotate(sum=Sum("missing")).values("sum")), 0),
        )
        .order_by("-issued_on", "-pk")
    )


def _needs(paths: Iterable[str]) -> QuerySet[HandoutNeed]:
    """The needs of units there, each with what `came` and what is `missing`."""
    came = HandoutDelivery.objects.filter(need=OuterRef("pk")).order_by().values("need").annotate(sum=Sum("copies")).values("sum")
    rows = HandoutNeed.objects.filter(within("unit__division__path", paths)).annotate(came=Coalesce(Subquery(came), 0))
    return rows.annotate(missing=Greatest(F("copies") - F("came"), 0))


def handout_for(by: Actor, uid: UUID) -> Handout:
    row = handouts_seen(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这项印发，或不在您的范围内")
    return row


def delivered(handout: Handout, by: Actor) -> list[Delivered]:
    """Unit by unit in the person's subtrees, those that miss most first."""
    rows: QuerySet[Any] = _needs(handout_paths(by)).filter(handout=handout).select_related("unit").annotate(last_on=Max("deliveries__on"))
    found = [Delivered(row.unit.name, row.get_form_display(), row.copies, row.came, row.last_on) for row in rows]
    return sorted(found, key=lambda one: (-one.missing, one.unit_name, one.form))
