"""The authorisation matrix: every door, every role. A new view must be entered in doors.py with what it asks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.architecture import house
from tests.architecture.doors import ANYBODY, DOORS, MACHINE, PUBLIC
from yuanjiao.people.rules import PERMISSIONS, Permission, Role
from yuanjiao.simulation.cast import PEOPLE, Cast

FILLERS = {"uuid": "018f0000-0000-7000-8000-000000000000", "int": 999999, "str": "x", "slug": "x", "path": "x"}
USER_OF_ROLE = {role: username for username, _name, role, _unit, _phone in reversed(PEOPLE)}


def asked(view: object) -> object:
    """What a view's door asks for, in the words of doors.py."""
    door = getattr(view, "door", None)
    if isinstance(door, tuple):
        return frozenset(door)
    return door


def converter_name(converter: object) -> str:
    """'uuid' for UUIDConverter, 'str' for StringConverter."""
    return type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")


def address_of(name: str) -> str:
    """An address of the route with made-up arguments: a door is closed before anything is looked up."""
    pattern = dict(house.views())[name].pattern
    arguments = {key: FILLERS[converter_name(converter)] for key, converter in pattern.converters.items()}
    return reverse(name, kwargs=arguments)


def test_every_view_says_what_it_asks_for_and_stands_in_the_table() -> None:
    present = {name: asked(pattern.callback) for name, pattern in house.views()}
    undeclared = sorted(name for name, door in present.items() if door is None)
    assert not undeclared, "views without @door, @public or @machine"
    assert present == DOORS


CLOSED = sorted((name, door) for name, door in DOORS.items() if isinstance(door, frozenset))


@pytest.mark.parametrize("name", sorted(name for name, door in DOORS.items() if door not in {PUBLIC, MACHINE}))
def test_a_stranger_is_sent_to_log_in(name: str, db: None) -> None:
    answer = Client().get(address_of(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")


@pytest.mark.django_db
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.LEARNER])
def test_a_role_without_the_permission_is_refused_at_every_such_door(role: Role, cast: Cast, log_in: Callable[[str], Client]) -> None:
    client = log_in(USER_OF_ROLE[role])
    for name, door in CLOSED:
        if PERMISSIONS[role] & door:
            continue
        for method in (client.get, client.post):
            answer = method(address_of(name))
            assert answer.status_code in {403, 405}, f"{role} was let into {name}: {answer.status_code}"


@pytest.mark.django_db
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.LEARNER])
def test_a_role_with_the_permission_is_let_in_where_no_object_is_named(role: Role, cast: Cast, log_in: Callable[[str], Client]) -> None:
    client = log_in(USER_OF_ROLE[role])
    for name, door in CLOSED:
        if not PERMISSIONS[role] & door or dict(house.views())[name].pattern.converters:
            continue
        answer = client.get(address_of(name))
        assert answer.status_code in {200, 302, 400, 405}, f"{role} at {name}: {answer.status_code}"


def test_public_and_machine_doors_are_the_known_ones() -> None:
    """Widening what a stranger may reach is a decision, made by editing doors.py."""
    assert {door for door in DOORS.values() if not isinstance(door, frozenset)} <= {PUBLIC, MACHINE, ANYBODY}
    assert all(permission in set(Permission) for door in DOORS.values() if isinstance(door, frozenset) for permission in door)
