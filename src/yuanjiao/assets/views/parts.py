"""What the pages about equipment share."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.assets import queries
from yuanjiao.lib import clock
from yuanjiao.network.models import Asset
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter


def seen(actor: Actor) -> tuple[str, ...]:
    return actor.paths(Permission.SEE_NETWORK)


def managed_units(actor: Actor) -> QuerySet[OrgUnit]:
    return units(on=clock.today()).filter(within("division__path", actor.paths(Permission.MANAGE_ASSETS)))


def asset_address(row: Asset) -> str:
    return reverse("assets:asset", args=[row.uid])


def counties(actor: Actor) -> list[tuple[str, str]]:
    found = [row for path in seen(actor) for row in divisions(on=clock.today(), level=Level.COUNTY, under=path)]
    return [(row.path, row.name) for row in found]


def county_filter(actor: Actor) -> Filter:
    """Narrow equipment to one county."""

    def apply(rows: Any, value: str) -> Any:
        return rows.filter(queries.of_county(value))

    return Filter("county", _("县（市、区）"), counties(actor), apply)


def kind_filter(actor: Actor) -> Filter:
    found = [(kind, kind) for kind in queries.kinds(seen(actor))]
    return Filter("kind", _("设备名称"), found, lambda rows, value: rows.filter(kind=value))


def asset_columns() -> list[Column[Asset]]:
    """What every list of equipment begins with."""
    return [
        Column(_("资产编号"), lambda row: row.code, link=asset_address, order=("code",), width=16),
        Column(_("设备名称"), lambda row: row.kind, order=("kind",)),
        Column(_("型号"), lambda row: row.model),
        Column(_("所在"), queries.where, width=26),
        Column(_("区划"), lambda row: row.division.name),
        Column(_("购置日期"), lambda row: row.purchased_on, order=("purchased_on",)),
    ]
