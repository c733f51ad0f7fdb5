"""Who answers for a place, in two chains, from when to when; and what a role may see and do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.people import commands, queries
from yuanjiao.people.models import ResponsibilityKind
from yuanjiao.people.rules import PERMISSIONS, Actor, Grant, Permission, Role
from yuanjiao.simulation.cast import SINCE, Cast


def test_a_place_has_one_first_responsible_person_per_chain(cast: Cast) -> None:
    county = cast.divisions["990101000000"]
    both = [one for one in queries.responsible_for(county, on=SINCE) if one.kind == "first" and one.division_name == "柳溪县"]
    assert {one.chain for one in both} == {"organisation", "operator"}
    with pytest.raises(Refused, match="已有第一责任人"):
        commands.make_responsible(
            person=cast.people["shiguan"], unit=cast.units["ZZ-990101"], division=county, kind=ResponsibilityKind.FIRST, on=SINCE
        )


def test_history_keeps_who_answered_before(cast: Cast) -> None:
    county, change = cast.divisions["990101000000"], SINCE + timedelta(days=100)
    old = cast.people["xianguan"].responsibilities.get(kind="first")
    commands.end_responsibility(responsibility=old, on=change)
    commands.make_responsible(
        person=cast.people["shenhe"], unit=cast.units["ZZ-990101"], division=county, kind=ResponsibilityKind.FIRST, on=change
    )

    def first(on: object) -> str:
        rows = queries.responsible_for(county, on=on)  # type: ignore[arg-type]
        return next(one.person.name for one in rows if one.kind == "first" and one.chain == "organisation" and one.level == 3)

    assert first(change - timedelta(days=1)) == "赵敏芝"
    assert first(change) == "何静"
    with pytest.raises(Conflict):
        commands.end_responsibility(responsibility=old, on=change)


def test_the_nearest_place_answers_first(cast: Cast) -> None:
    rows = queries.responsible_for(cast.divisions["990101100200"], on=SINCE)
    assert rows[0].kind_name == "站点管理员"
    assert rows[-1].division_name == "青禾市"


def test_leaving_ends_access_the_same_day(cast: Cast) -> None:
    membership = cast.people["xianguan"].memberships.get()
    membership.valid_to = SINCE + timedelta(days=10)
    membership.save()
    assert cast.actor("xianguan", SINCE + timedelta(days=9)).holds(Permission.SEE_NETWORK)
    assert not cast.actor("xianguan", SINCE + timedelta(days=10)).holds(Permission.SEE_NETWORK)


def test_what_lies_outside_the_subtree_does_not_exist_for_a_person(cast: Cast) -> None:
    outsider, place = cast.actor("linxian"), cast.divisions["990101100200"].path
    with pytest.raises(NotFound):
        outsider.require(Permission.SEE_NETWORK, place)
    with pytest.raises(Forbidden):
        outsider.require(Permission.IMPORT_REGISTER, place)
    cast.actor("xianguan").require(Permission.SEE_NETWORK, place)


def test_paths_inside_one_another_are_said_once() -> None:
    grants = (Grant(Role.COUNTY_OFFICER, "/1/2/", 1), Grant(Role.CITY_ADMIN, "/1/", 2), Grant(Role.ENGINEER, "/9/", 3))
    actor = Actor("甲", None, grants)
    assert actor.paths(Permission.SEE_NETWORK) == ("/1/", "/9/")
    assert actor.paths(Permission.WORK_ORDER) == ("/9/",)


def test_no_role_reads_the_audit_trail_and_changes_anything() -> None:
    writing = {p for p in Permission if not p.startswith("see_") and p != Permission.EXPORT_REGISTER}
    assert not PERMISSIONS[Role.AUDITOR] & writing
    assert [role for role in Role if Permission.SEE_AUDIT in PERMISSIONS[role]] == [Role.AUDITOR]


def test_a_person_is_found_by_any_way_of_writing_the_number(cast: Cast) -> None:
    assert [one.name for one in queries.people_by_phone("138-0000-0006")] == ["李春燕"]
    assert queries.masked_phone(cast.people["zhanguan"]) == "138****0006"
    assert not queries.people_by_phone("").exists()
