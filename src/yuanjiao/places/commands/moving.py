"""Moving a division under another parent as of a day, with all that lies below it: each gets a new dated row with its new path."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.rules import path_of

Followed = tuple[Division, Division]
"""A row that ended and the row that follows it."""


@transaction.atomic
def move_division(*, division: Division, parent: Division, on: date) -> list[Followed]:
    """From `on` the division and all below it lie under `parent`; earlier days keep the old tree. Gives the rows that follow others.

    A division that began on `on` or later gets no second row: no day before knew it elsewhere.
    """
    _check(division, parent, on)
    below = list(Division.objects.filter(path__under=division.path, valid_to=None).exclude(pk=division.pk).order_by("level", "code"))
    followed: list[Followed] = []
    now = {division.code: parent}  # code → the row that stands for it from `on`; at first for who asks what lies above the division
    for row in (division, *below):
        above = now[row.code if row is division else _code_above(row)]
        now[row.code] = _under(row, above, on)
        if now[row.code].pk != row.pk:
            followed.append((row, now[row.code]))
    _follow_units(followed)
    return followed


def _check(division: Division, parent: Division, on: date) -> None:
    if division.valid_to is not None or parent.valid_to is not None:
        raise Refused("只能变更现行区划的隶属")
    if parent.level >= division.level:
        raise Refused(f"{division.name} 的上级 {parent.name} 级别不高于它")
    if parent.path.startswith(division.path):
        raise Refused(f"{parent.name} 在 {division.name} 之下，不能作它的上级")
    if division.parent_id == parent.pk:
        raise Conflict(f"{division.name} 已经隶属 {parent.name}")
    if parent.valid_from > on:
        raise Refused(f"{parent.name} 自 {parent.valid_from:%Y-%m-%d} 启用，变更日期不能早于那一天")


def _code_above(row: Division) -> str:
    return row.path.rstrip("/").split("/")[-2]


def _under(row: Division, parent: Division, on: date) -> Division:
    path = path_of(parent.path, row.code)
    if row.valid_from >= on:
        row.parent, row.path = parent, path
        row.save(update_fields=["parent", "path"])
        return row
    row.valid_to = on
    row.save(update_fields=["valid_to"])
    return Division.objects.create(
        code=row.code, name=row.name, level=row.level, parent=parent, path=path, urban_rural=row.urban_rural, valid_from=on
    )


def _follow_units(followed: Sequence[Followed]) -> None:
    for old, new in followed:
        OrgUnit.objects.filter(division=old, valid_to=None).update(division=new)
