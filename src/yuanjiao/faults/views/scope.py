"""Counties in lists: the name of a path's county, and the drop-down of the counties a person may see."""

from __future__ import annotations

from typing import Any

from yuanjiao.lib import clock
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level, level_of
from yuanjiao.ui.lists import Filter


def counties(actor: Actor, permission: Permission = Permission.SEE_ORDERS) -> list[Division]:
    """Counties in force today under the paths the person sees."""
    return [row for path in actor.paths(permission) for row in divisions(on=clock.today(), level=Level.COUNTY, under=path)]


def county_code(path: str) -> str:
    """The county's code within a division path; empty above counties."""
    return next((code for code in path.split("/") if code and level_of(code) is Level.COUNTY), "")


def county_names() -> dict[str, str]:
    """Names of today's counties by code, read once for a whole list."""
    return {row.code: row.name for row in divisions(on=clock.today(), level=Level.COUNTY)}


def county_filter(actor: Actor, field: str) -> Filter:
    """Narrow rows to one county by the start of their path."""
    choices = [(row.path, row.name) for row in counties(actor)]

    def apply(rows: Any, value: str) -> Any:
        return rows.filter(within(field, [value]))

    return Filter("county", "县（市、区）", choices, apply)
