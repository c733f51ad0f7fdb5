"""Reads about places and units; every one says for which day it speaks."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from datetime import date
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from yuanjiao.lib.errors import NotFound
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.rules import Level


def valid_on(day: date) -> Q:
    """Rows in force on `day`: half-open [valid_from, valid_to)."""
    return Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day))


WIDE = 4
"""A subtree of more than a quarter of all divisions is searched in the order of the list, not by its paths."""
REMEMBERED_S = 600.0
_WIDTHS: dict[str, tuple[float, bool]] = {}
"""Path → when it was looked at, whether it was wide. Wrong is slow, never false."""


def in_subtrees(field: str, paths: Iterable[str]) -> Q:
    """A filter for rows whose division path `field` lies under any of `paths` ("/": all rows); nothing when there are none."""
    if "/" in (paths := list(paths)):
        return Q(pk__isnull=False)
    wanted = Q(pk__in=[])
    for path in paths:
        wanted |= Q(**{f"{field}__under_wide" if is_wide(path) else f"{field}__under": path})
    return wanted


def is_wide(path: str) -> bool:
    """Whether so much lies under the path that an index of paths is a detour. Only SQLite must be told; looked at every ten minutes."""
    if connection.vendor != "sqlite":
        return False
    now, (at, wide) = time.monotonic(), _WIDTHS.get(path, (-REMEMBERED_S, False))
    if now - at >= REMEMBERED_S:
        inside = Division.objects.filter(path__under=path).order_by().count()
        wide = inside * WIDE > Division.objects.count()
        _WIDTHS[path] = now, wide
        if len(_WIDTHS) > 10_000:
            _WIDTHS.clear()
    return wide


def divisions(*, on: date, level: Level | None = None, under: str = "/") -> QuerySet[Division]:
    """Divisions in force on a day, in code order, inside the subtree of the path `under`."""
    rows = Division.objects.filter(valid_on(on), _below(under)).order_by("code")
    return rows if level is None else rows.filter(level=level)


def held_between(first: date, last: date) -> QuerySet[Division]:
    """Every dated row in force on some day from `first` to `last`, both included."""
    return Division.objects.filter(Q(valid_to=None) | Q(valid_to__gt=first), valid_from__lte=last)


def every_row(under: Collection[str] = ("/",)) -> QuerySet[Division]:
    """Every dated row of every division that lies under any of the paths, ended ones too."""
    return Division.objects.all() if "/" in under else Division.objects.filter(_below(*under))


def _below(*paths: str) -> Q:
    """`in_subtrees` for divisions themselves; everything for the whole land."""
    return Q() if "/" in paths else in_subtrees("path", paths)


def division_by_code(code: str, *, on: date) -> Division:
    """The division that bears `code` on that day; NotFound otherwise."""
    row = Division.objects.filter(valid_on(on), code=code).first()
    if row is None:
        raise NotFound(f"没有代码为 {code} 的区划（{on:%Y-%m-%d}）")
    return row


def division_held(code: str, *, first: date, last: date) -> Division:
    """The newest row of a code in force on some day from `first` to `last`, though it may have ended since; NotFound otherwise."""
    row = held_between(first, last).filter(code=code).order_by("-valid_from").first()
    if row is None:
        raise NotFound(f"没有代码为 {code} 的区划（{first:%Y-%m-%d} 至 {last:%Y-%m-%d}）")
    return row


def ancestors(division: Division, *, on: date | None = None) -> list[Division]:
    """From the top down to the division itself, in the tree the row was written in; with `on` as the places were called on that day."""
    codes = [code for code in division.path.split("/") if code]
    day = on or division.valid_from
    found = {row.code: row for row in Division.objects.filter(valid_on(day), code__in=codes)}
    found[division.code] = division
    return [found[code] for code in codes if code in found]


def full_name(division: Division) -> str:
    """Names from the county downwards, as people say an address: 柳溪县石桥镇李村."""
    return "".join(row.name for row in ancestors(division) if row.level >= Level.COUNTY)


def full_names(divisions: Iterable[Division]) -> dict[int, str]:
    """Key of each division → its full name as `full_name` tells it, all read at once."""
    wanted = {division.pk: division for division in divisions}
    rows: dict[str, list[Division]] = {}
    for row in Division.objects.filter(code__in={code for one in wanted.values() for code in one.path.split("/") if code}):
        rows.setdefault(row.code, []).append(row)
    return {key: _name_among(rows, division) for key, division in wanted.items()}


def _name_among(rows: dict[str, list[Division]], division: Division) -> str:
    day, names = division.valid_from, []
    for code in division.path.split("/"):
        in_force = (row for row in rows.get(code, ()) if row.valid_from <= day and (row.valid_to is None or row.valid_to > day))
        row = division if code == division.code else next(in_force, None)
        names += [row.name] if row is not None and row.level >= Level.COUNTY else []
    return "".join(names)


def units(*, on: date, under: str = "/") -> QuerySet[OrgUnit]:
    """Units in force on a day whose division lies inside the subtree of `under`."""
    inside = Q() if under == "/" else in_subtrees("division__path", [under])
    return OrgUnit.objects.filter(valid_on(on), inside).select_related("division", "parent").order_by("code")


def unit_by_code(code: str) -> OrgUnit:
    row = OrgUnit.objects.filter(code=code).first()
    if row is None:
        raise NotFound(f"没有代码为 {code} 的单位")
    return row


def open_divisions() -> QuerySet[Division]:
    """Every division that has not ended, whatever the day it began: what a new row must fit into."""
    return Division.objects.filter(valid_to=None).order_by("code")


def open_units() -> QuerySet[OrgUnit]:
    """Every unit that has not ended."""
    return OrgUnit.objects.filter(valid_to=None).order_by("code")


def codes_of_units(keys: Collection[int]) -> set[str]:
    """Codes of the units with these keys."""
    return set(OrgUnit.objects.filter(pk__in=keys).values_list("code", flat=True))


def unit_codes() -> set[str]:
    """Codes ever given to a unit; an ended unit's code is not given again."""
    return set(OrgUnit.objects.values_list("code", flat=True))


def division_ends() -> dict[str, date]:
    """Code → the newest day on which a row of it ended; a new row of the code begins on or after that day."""
    ended: dict[str, date] = {}
    for code, end in Division.objects.exclude(valid_to=None).values_list("code", "valid_to"):
        if end is not None:
            ended[code] = max(end, ended.get(code, end))
    return ended


def divisions_by_uid(uids: Collection[UUID]) -> list[Division]:
    """Rows by their uid, ended ones too."""
    return list(Division.objects.filter(uid__in=uids))


def lock_division(key: int) -> None:
    """Hold a division's row until the transaction ends: who must not be two at once for one place takes this first."""
    Division.objects.select_for_update().filter(pk=key).values_list("pk").first()
