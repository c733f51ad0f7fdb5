"""The first rows of a new centre: the city (and its province), its organisation unit, the administrator who imports the rest, and how
courseware is reviewed: the usual topics and checklist, and the three reviews (一审二审三审) by different persons."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from yuanjiao.courseware.commands import ensure_usual_lists, set_review_rounds
from yuanjiao.courseware.rules.life import MOST_ROUNDS
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict
from yuanjiao.people import commands as people
from yuanjiao.people.models import Account
from yuanjiao.people.rules import SYSTEM, Role
from yuanjiao.places import commands as places
from yuanjiao.places import queries as places_now
from yuanjiao.places.rules import Chain, parent_code

LONG_AGO = date(2000, 1, 1)


@dataclass(frozen=True)
class Founded:
    """What the administrator is told once."""

    username: str
    password: str


@transaction.atomic
def found_city(
    *,
    code: str,
    name: str,
    province_name: str,
    admin_name: str,
    username: str,
    at: datetime,
    since: date = LONG_AGO,
    password: str = "",
    reviews: int = MOST_ROUNDS,
) -> Founded:
    """Make the city with its administrator; its places and unit are valid from `since`, so that a register with old dates fits in.

    Conflict when a city is there already; Refused for a code that is none. `reviews`: by how many persons each item is reviewed.
    """
    day = local_day(at)
    if places_now.divisions(on=day).exists():
        raise Conflict("这里已经建好了：请用市级管理员账号登录，导入台账")
    ensure_self(at=at)
    province_code = parent_code(code)
    province = places.add_division(code=province_code, name=province_name, parent=None, on=since) if province_code else None
    city = places.add_division(code=code, name=name, parent=province, on=since)
    unit = places.add_unit(code=f"ZZ-{code.rstrip('0')}", name=f"{name}委组织部", chain=Chain.ORGANISATION, division=city, on=since)
    person = people.add_person(name=admin_name, unit=unit)
    password = password or secrets.token_urlsafe(9)
    account: Account = people.open_account(person=person, username=username, password=password)
    people.appoint(person=person, unit=unit, role=Role.CITY_ADMIN, on=day)
    ensure_usual_lists(by=SYSTEM, at=at)
    set_review_rounds(division=city, rounds=reviews, by=SYSTEM, at=at)
    people.write_audit(by=SYSTEM, action="建立", subject=f"{name} {code}", at=at, detail=f"首位管理员 {account.username}")
    return Founded(username, password)
