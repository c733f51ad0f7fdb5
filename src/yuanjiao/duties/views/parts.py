"""What the pages of duties share: places and units within reach, names of counties."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from yuanjiao.duties.rules import KIND_NAMES
from yuanjiao.lib import clock
from yuanjiao.network.queries import object_names
from yuanjiao.people.models import Responsibility
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Filter

PROPOSED = 200


def kept_units(actor: Actor) -> QuerySet[OrgUnit]:
    """Units whose people the actor may name."""
    return units(on=clock.today()).filter(within("division__path", actor.paths(Permission.KEEP_DUTIES)))


def proposed(among: QuerySet[OrgUnit], place: Division) -> QuerySet[OrgUnit]:
    """Of many units those of the place and of the places above it: what a form proposes. Any other is typed."""
    return among.filter(division__code__in=[code for code in place.path.split("/") if code])[:PROPOSED]


def seen(actor: Actor) -> tuple[str, ...]:
    return actor.paths(Permission.SEE_PEOPLE)


def duty_title(tenure: Responsibility) -> str:
    """柳溪县第一责任人; of an object: 李村站点 直接责任人, by its code when it was taken out again."""
    titles = Titles()
    titles.prepare([tenure])
    return titles.of(tenure)


class Titles:
    """The titles of many duties; the objects of one page of rows are named in one query."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def prepare(self, tenures: Iterable[Responsibility]) -> None:
        codes = {tenure.object_code for tenure in tenures if tenure.object_code}
        if codes:
            self._names |= object_names(codes)

    def of(self, tenure: Responsibility) -> str:
        where = self._names.get(tenure.object_code, tenure.object_code) if tenure.object_code else tenure.division.name
        return f"{where}{KIND_NAMES[tenure.kind]}"


def county_names() -> dict[str, str]:
    return {row.code: row.name for row in divisions(on=clock.today(), level=Level.COUNTY)}


def county_filter(actor: Actor, field: str) -> Filter:
    """Narrow rows to one county."""
    found: list[Division] = [row for path in seen(actor) for row in divisions(on=clock.today(), level=Level.COUNTY, under=path)]

    def apply(rows: Any, value: str) -> Any:
        return rows.filter(within(field, [value]))

    return Filter("county", "县（市、区）", [(row.path, row.name) for row in found], apply)
