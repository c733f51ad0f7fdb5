"""What the pages of the ledger share: who may see and act where, places by their codes, one county among many."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from yuanjiao.funds.models import Fund
from yuanjiao.lib import clock
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Filter


def seen(actor: Actor) -> tuple[str, ...]:
    return actor.paths(Permission.SEE_FUNDS)


def may(actor: Actor, permission: Permission, division: Division) -> bool:
    return actor.covers(permission, division.path)


def kept_places(actor: Actor) -> QuerySet[Division]:
    """City, counties and towns whose money the person keeps."""
    return divisions(on=clock.today()).filter(within("path", actor.paths(Permission.KEEP_FUNDS)), level__lte=Level.TOWN)


def place_named(code: str, default: Division, actor: Actor, *, on: date | None = None) -> Division:
    """The place of a code that the person keeps money for, as it was on a day (today); `default` when none is named. A ValidationError
    otherwise."""
    if not code.strip():
        return default
    kept = within("path", actor.paths(Permission.KEEP_FUNDS))
    found = divisions(on=on or clock.today()).filter(kept, code=code.strip()).first()
    if found is None:
        raise forms.ValidationError(_("没有代码为 %(code)s 的区划，或不在您负责的范围内"), params={"code": code})
    return found


def county_filter(actor: Actor, field: str) -> Filter:
    """Narrow rows to one county."""
    found = [row for path in seen(actor) for row in divisions(on=clock.today(), level=Level.COUNTY, under=path)]

    def apply(rows: Any, value: str) -> Any:
        return rows.filter(within(field, [value]))

    return Filter("county", _("县（市、区）"), [(row.path, row.name) for row in found], apply)


def fund_filter(found: QuerySet[Fund], field: str) -> Filter:
    return Filter("fund", _("基金"), [(row.code, row.name) for row in found], lambda rows, value: rows.filter(**{f"{field}__code": value}))
