"""The third axis of the authorisation matrix: every door that names an object, every role, from inside and outside its county."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.urls import reverse

from tests.architecture import house
from tests.architecture.doors import ANYBODY, DOORS, MACHINE, PUBLIC
from tests.architecture.objects import ROLES, THING_OF, County, build_county
from tests.desks.conftest import make_film
from yuanjiao.lib import clock
from yuanjiao.people.rules import PERMISSIONS, Role
from yuanjiao.simulation.cast import Cast

NAMING = sorted(name for name, pattern in house.views() if pattern.pattern.converters and DOORS[name] not in {PUBLIC, MACHINE})
SHUT = {403, 404, 405}
METHODS = {"courseware:upload": ("head", "delete")}
SAID = {"programmes:notice_confirm": {"site": "S-990101100200"}}
SHARED = {
    "plans:note": "an experience is written down for the other counties to learn from",
    "faults:term": "one table of service terms for the whole machine; it belongs to no place",
    "programmes:use": "a released item is public, and the sums are those of the reader's own counties",
}
"""Doors where a person of another county is let in on purpose, each with its reason."""


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "county.mp4", picture="160x120", rate=10, seconds=1)


@pytest.fixture
def county(cast: Cast, at: datetime, film: Path, monkeypatch: pytest.MonkeyPatch) -> County:
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=1))
    return build_county(cast, at, film)


def holds(role: Role, route: str) -> bool:
    """Whether the door opens for this role at all."""
    door = DOORS[route]
    return door == ANYBODY or bool(isinstance(door, frozenset) and PERMISSIONS[role] & door)


def close_quietly(answer: Any) -> None:
    """A file that is sent stays open otherwise. Django would take the end of a request for the end of our transaction's connection."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)


def asked(county: County, side: str, role: Role, route: str) -> set[int]:
    """The statuses of looking and of sending a form (as good as empty); nothing that was done stays."""
    client, address, found = county.client(side, role), county.address(route), set()
    for method in METHODS.get(route, ("get", "post")):
        with transaction.atomic():
            answer = getattr(client, method)(address, SAID.get(route, {}), headers={"tus-resumable": "1.0.0"})
            close_quietly(answer)
            found.add(answer.status_code)
            transaction.set_rollback(True)
    return found


def test_every_door_that_names_an_object_has_a_real_one() -> None:
    assert set(NAMING) == set(THING_OF)


@pytest.mark.django_db
def test_nobody_of_another_county_is_let_in_to_an_object_of_this_one(county: County) -> None:
    """Whatever the role: the object does not exist for them, or the door is shut; never a page, a redirect or a complaint of the form."""
    holes = {
        f"{role} at {route}": found
        for role in ROLES
        for route in NAMING
        if route not in SHARED and not (found := asked(county, "out", role, route)) <= SHUT
    }
    assert holes == {}


@pytest.mark.django_db
def test_somebody_of_the_own_county_is_let_in_to_each(county: County) -> None:
    """Else a refusal outside would say nothing: a wrong address is refused as well."""
    roles = {route: [role for role in ROLES if holds(role, route)] for route in NAMING}
    let_in = {route for route in NAMING if any(asked(county, "in", role, route) - SHUT for role in roles[route])}
    closed = sorted(set(NAMING) - let_in)
    assert not closed, " ".join(closed)


@pytest.mark.django_db
def test_inside_a_role_without_the_permission_is_refused_at_the_real_object_too(county: County) -> None:
    wrong = {
        f"{role} at {route}": found
        for role in ROLES
        for route in NAMING
        if not holds(role, route) and not (found := asked(county, "in", role, route)) <= {403, 405}
    }
    assert wrong == {}


@pytest.mark.django_db
def test_the_title_of_anothers_draft_is_not_told_with_its_sums(county: County) -> None:
    """What the matrix may share of released items it does not share of others."""
    draft, item = (reverse("programmes:use", args=county.named[name]) for name in ("draft", "item"))
    client = county.client("out", Role.COUNTY_OFFICER)
    assert (client.get(item).status_code, client.get(draft).status_code) == (200, 404)
