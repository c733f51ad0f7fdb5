"""The whole register of somebody's subtrees in the template's own shape: imported again it changes nothing.

Telephone numbers go out masked; the importer knows its own masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings

from yuanjiao.lib.seal import mask_phone, unseal
from yuanjiao.register.documents.columns import ASSETS, DIVISIONS, EDGES, LINES, PEOPLE, SITES, UNITS, SheetPlan
from yuanjiao.register.queries import Kept, Known

Cells = list[Any]


def register_rows(known: Known, scopes: tuple[str, ...]) -> dict[str, Iterable[Cells]]:
    """Sheet name → rows in column order, of what lies under `scopes`."""

    def inside(kept: Iterable[Kept]) -> list[Kept]:
        return [one for one in kept if any(one.path.startswith(scope) for scope in scopes)]

    objects = inside(known.objects.values())
    return {
        DIVISIONS.name: _rows(DIVISIONS, inside(known.divisions.values())),
        UNITS.name: _rows(UNITS, inside(known.units.values())),
        EDGES.name: _rows(EDGES, (one for one in objects if one.kind == "edge")),
        LINES.name: _rows(LINES, (one for one in objects if one.kind == "line")),
        SITES.name: _rows(SITES, (one for one in objects if one.kind == "site")),
        ASSETS.name: _rows(ASSETS, inside(known.assets.values())),
        PEOPLE.name: _people(known, inside(one for group in known.people.values() for one in group)),
    }


def _rows(plan: SheetPlan, kept: Iterable[Kept]) -> Iterator[Cells]:
    for one in kept:
        yield _cells(plan, one.values)


def _cells(plan: SheetPlan, values: dict[str, Any]) -> Cells:
    cells = []
    for column in plan.columns:
        value = values.get(column.key)
        if column.key == "phone":
            value = _mask(values.get("phone_sealed", b""))
        elif column.names and not isinstance(value, bool):
            value = column.words.get(str(value), value)
        cells.append(column.told(value))
    return cells


def _mask(sealed: bytes) -> str:
    return mask_phone(unseal(bytes(sealed), settings.SECRET_KEY))


def _people(known: Known, kept: list[Kept]) -> Iterator[Cells]:
    """One row per responsibility or post, whichever are more; the person's own cells are the same in each."""
    duties: dict[int, list[dict[str, Any]]] = {}
    for (person, unit, _division, _kind), one in known.responsibilities.items():
        if unit in known.units:
            duties.setdefault(person, []).append(one.values)
    posts: dict[int, list[dict[str, Any]]] = {}
    for (person, unit, _role), one in known.memberships.items():
        if unit in known.units:
            posts.setdefault(person, []).append(one.values)
    for one in sorted(kept, key=lambda one: (one.values["unit"], one.values["name"])):
        if one.values["unit"] in known.units:
            for values in _person_rows(one.values, duties.get(one.pk, []), posts.get(one.pk, []), known.username_of.get(one.pk)):
                yield _cells(PEOPLE, values)


def _person_rows(
    person: dict[str, Any], duties: list[dict[str, Any]], posts: list[dict[str, Any]], username: str | None
) -> Iterator[dict[str, Any]]:
    """A responsibility and a post share a row only when they are held in the same unit: the row has one unit for both."""
    waiting = list(posts)
    for duty in duties:
        fitting = next((post for post in waiting if post["duty_unit"] == duty["duty_unit"]), None)
        if fitting is not None:
            waiting.remove(fitting)
        yield _with_account({**person, **(fitting or {}), **duty}, username)
    for post in waiting:
        yield _with_account({**person, **post}, username)
    if not duties and not posts:
        yield dict(person)


def _with_account(values: dict[str, Any], username: str | None) -> dict[str, Any]:
    if values.get("duty_unit") == values["unit"]:
        values["duty_unit"] = ""
    return {**values, "username": username if values.get("role") else ""}
