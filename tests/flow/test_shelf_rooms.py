"""The shelves of places, people and network: what goes to which subtree, and a copy that becomes and stays equal to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest
from django.db import models, transaction
from django.test import Client

from tests.conftest import PASSWORD
from yuanjiao.flow.catalogue.shelf import ALL, Shelf
from yuanjiao.lib.errors import Tampered
from yuanjiao.network import shelf as network_shelf
from yuanjiao.network.models import Asset, Edge, Lifecycle, Line, ManagedObject, Site
from yuanjiao.network.models.liveness import Liveness, State
from yuanjiao.people import shelf as people_shelf
from yuanjiao.people.commands import appoint, make_responsible
from yuanjiao.people.models import Account, Membership, Person, Responsibility, ResponsibilityKind
from yuanjiao.people.rules import Role
from yuanjiao.places import shelf as places_shelf
from yuanjiao.places.commands import rename_division
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
COUNTY = "/990000000000/990100000000/990101000000/"
OTHER = "/990000000000/990100000000/990102000000/"
TABLES = (Asset, Site, Line, Edge, ManagedObject, Responsibility, Membership, Account, Person, OrgUnit, Division)
SHELVES: tuple[Shelf, ...] = (places_shelf, people_shelf, network_shelf)


def offered(scope: str) -> list[tuple[Shelf, bytes]]:
    """Every document a node of that subtree receives, in the order of the shelves."""
    return [(shelf, shelf.offer(where).document) for shelf in SHELVES for where in (ALL, scope) if shelf.offer(where).document]


def empty() -> None:
    """A machine that has nothing yet."""
    ManagedObject.objects.update(depends_on=None)
    for model in (OrgUnit, Division):
        model.objects.update(parent=None)
    for model in TABLES:
        model._base_manager.all().delete()


@contextmanager
def edge(scope: str) -> Iterator[None]:
    """The machine of a subtree that took up the catalogue; afterwards this is the centre again."""
    documents = offered(scope)
    with transaction.atomic():
        empty()
        for shelf, document in documents:
            shelf.accept(document)
        yield
        transaction.set_rollback(True)


def rows(model: type[models.Model], leaving: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """All rows without what may differ between machines."""
    found = []
    for one in model._base_manager.order_by("uid"):
        plain = {}
        for field in model._meta.concrete_fields:
            if field.name in {"id", "managedobject_ptr", *leaving}:
                continue
            value = getattr(one, field.name)
            plain[field.name] = value.uid if isinstance(value, models.Model) else value
        found.append(plain)
    return found


def everything() -> dict[str, list[dict[str, Any]]]:
    return {model.__name__: rows(model, ("phone_sealed", "phone_digest")) for model in TABLES}


def test_places_go_to_everybody_whole_and_arrive_equal(cast: Cast) -> None:
    above = rows(Division), rows(OrgUnit)
    with edge(OTHER):
        assert (rows(Division), rows(OrgUnit)) == above
        assert Division.objects.get(code="990102100200").parent == Division.objects.get(code="990102100000")


def test_an_edge_receives_its_subtrees_people_and_nobody_elses(cast: Cast) -> None:
    with edge(COUNTY):
        assert set(Account.objects.values_list("username", flat=True)) == {"xianguan", "gongcheng", "zhanguan"}
        assert set(Person.objects.values_list("name", flat=True)) == {"赵敏芝", "王建军", "李春燕"}
        assert all(row.division.path.startswith(COUNTY) for row in Responsibility.objects.all())
        assert all(row.unit.division.path.startswith(COUNTY) for row in Membership.objects.all())


def test_no_document_for_one_county_contains_a_word_about_the_others_people(cast: Cast) -> None:
    sent = b"".join(document for _, document in offered(COUNTY)).decode()
    for stranger in ("linxian", "高志远", "shiguan", "陈启明"):
        assert stranger not in sent
    assert str(cast.people["linxian"].uid) not in sent
    assert cast.accounts["linxian"].password not in sent
    assert cast.sites["S-990102100200"].beat_key not in sent
    assert "S-990102100200" not in sent


def test_a_role_outside_the_subtree_gives_no_power_at_the_edge(cast: Cast) -> None:
    appoint(person=cast.people["xianguan"], unit=cast.units["ZZ-9901"], role=Role.CITY_ADMIN, on=date(2025, 3, 1))
    with edge(COUNTY):
        person = Person.objects.get(name="赵敏芝")
        assert set(person.memberships.values_list("role", flat=True)) == {Role.COUNTY_OFFICER}


def test_somebody_appointed_in_the_subtree_can_work_there_wherever_their_own_unit_is(cast: Cast) -> None:
    appoint(person=cast.people["linxian"], unit=cast.units["ZZ-990101"], role=Role.COUNTY_OFFICER, on=date(2025, 3, 1))
    with edge(COUNTY):
        assert Account.objects.get(username="linxian").person.memberships.get().unit.code == "ZZ-990101"


@pytest.mark.real_passwords
def test_log_in_works_at_the_edge_with_the_password_of_the_centre(cast: Cast) -> None:
    with edge(COUNTY):
        client = Client()
        client.post("/account/login/", {"username": "zhanguan", "password": PASSWORD})
        assert client.get("/desk/").status_code == 200
        refused = Client()
        refused.post("/account/login/", {"username": "linxian", "password": PASSWORD})
        assert refused.get("/desk/").status_code == 302


def test_telephone_numbers_stay_above(cast: Cast) -> None:
    with edge(COUNTY):
        assert not [row for row in Person.objects.all() if bytes(row.phone_sealed) or row.phone_digest]
        assert not [row for row in Site.objects.all() if bytes(row.phone_sealed) or row.phone_digest]


def test_an_edge_receives_its_own_register_with_the_keys_of_its_sites(cast: Cast) -> None:
    keys = {site.code: site.beat_key for site in cast.sites.values() if site.division.path.startswith(COUNTY)}
    with edge(COUNTY):
        assert {site.code: site.beat_key for site in Site.objects.all()} == keys
        assert set(Edge.objects.values_list("code", flat=True)) == {"E-990101"}
        site = Site.objects.get(code="S-990101100200")
        assert site.depends_on is not None
        assert site.depends_on.code == "L-990101100"
        assert site.depends_on.depends_on == Edge.objects.get().managedobject_ptr
        assert (site.pinyin, site.road) == ("lczd", "石柳公路")


def test_a_line_of_another_place_comes_when_the_subtree_hangs_on_it(cast: Cast) -> None:
    city = cast.divisions["990100000000"]
    uplink = Line.objects.create(
        kind="line", code="U-1", name="市到县", division=city, is_uplink=True, lifecycle_on=date(2025, 1, 1), in_service_on=date(2025, 1, 1)
    )
    ManagedObject.objects.filter(code="E-990101").update(depends_on=uplink)
    with edge(COUNTY):
        own = Edge.objects.get()
        assert own.depends_on is not None
        assert own.depends_on.code == "U-1"


def test_a_county_that_takes_up_twice_has_the_same_rows(cast: Cast) -> None:
    documents = offered(COUNTY)
    with edge(COUNTY):
        before = everything()
        keys = list(Person.objects.order_by("uid").values_list("pk", flat=True))
        for shelf, document in documents:
            shelf.accept(document)
        assert everything() == before
        assert list(Person.objects.order_by("uid").values_list("pk", flat=True)) == keys, "no row was deleted and made anew"


def test_the_copy_follows_every_change_of_the_centre(cast: Cast, at: datetime) -> None:
    """Old documents first, then the centre changes, then the new ones: the copy equals a copy made from nothing."""
    old = offered(COUNTY)
    change_the_centre(cast)
    new = offered(COUNTY)
    with edge(COUNTY):
        wanted = everything()
    with transaction.atomic():
        empty()
        for documents in (old, new):
            for shelf, document in documents:
                shelf.accept(document)
        assert everything() == wanted
        transaction.set_rollback(True)


def change_the_centre(cast: Cast) -> None:
    """A place renamed, a tenure ended and taken up by another, a site taken out and entered again, one moved to another line."""
    rename_division(division=cast.divisions["990101100200"], name="李家村", on=date(2026, 1, 1))
    Responsibility.objects.filter(person=cast.people["xianguan"]).update(valid_to=date(2026, 1, 1))
    make_responsible(
        person=cast.people["gongcheng"],
        unit=cast.units["ZZ-990101"],
        division=cast.divisions["990101000000"],
        kind=ResponsibilityKind.FIRST,
        on=date(2026, 1, 1),
    )
    gone = cast.sites["S-990101101200"]
    again = {field.attname: getattr(gone, field.attname) for field in Site._meta.concrete_fields}
    gone.delete()
    for name in ("id", "uid", "managedobject_ptr_id"):
        again.pop(name)
    Site.objects.create(**again)
    Site.objects.filter(code="S-990101100201").update(depends_on=ManagedObject.objects.get(code="L-990101101"))
    Account.objects.filter(username="zhanguan").update(is_active=False)


def test_somebody_who_left_the_subtree_loses_log_in_and_roles_there(cast: Cast) -> None:
    old = offered(COUNTY)
    Person.objects.filter(pk=cast.people["gongcheng"].pk).update(unit=cast.units["DX-990102"])
    Membership.objects.filter(person=cast.people["gongcheng"]).update(unit=cast.units["DX-990102"])
    new = people_shelf.offer(COUNTY).document
    with transaction.atomic():
        empty()
        for shelf, document in old:
            shelf.accept(document)
        assert Account.objects.filter(username="gongcheng").exists()
        people_shelf.accept(new)
        assert not Account.objects.filter(username="gongcheng").exists()
        assert not Person.objects.filter(name="王建军").exists()
        transaction.set_rollback(True)


def test_a_site_that_was_heard_here_is_retired_when_the_register_lets_it_go_and_an_unheard_one_is_removed(cast: Cast, at: datetime) -> None:
    old = offered(COUNTY)
    for code in ("S-990101100200", "S-990101100201"):
        cast.sites[code].delete()
    new = network_shelf.offer(COUNTY).document
    with transaction.atomic():
        empty()
        for shelf, document in old:
            shelf.accept(document)
        heard = Site.objects.get(code="S-990101100200")
        Liveness.objects.create(object=heard, state=State.UP, since=at, observer=heard.uid, seq=1)
        network_shelf.accept(new)
        assert Site.objects.get(code="S-990101100200").lifecycle == Lifecycle.RETIRED
        assert not Site.objects.filter(code="S-990101100201").exists()
        assert Liveness.objects.count() == 1, "what was recorded here stays"
        transaction.set_rollback(True)


@pytest.mark.parametrize("shelf", SHELVES, ids=lambda shelf: shelf.name)
@pytest.mark.parametrize("document", [b"", b"{}", b"[1]", b'{"divisions": 3}', b"\xff"])
def test_a_document_that_is_none_is_an_alarm(shelf: Shelf, document: bytes) -> None:
    with pytest.raises(Tampered, match="无法读取"):
        shelf.accept(document)


def test_a_document_that_points_at_nothing_is_an_alarm(cast: Cast) -> None:
    document = people_shelf.offer(COUNTY).document
    with transaction.atomic():
        empty()
        with pytest.raises(Tampered, match="不存在"):
            people_shelf.accept(document)
        transaction.set_rollback(True)


def test_the_same_rows_give_the_same_bytes(cast: Cast) -> None:
    assert offered(COUNTY) == offered(COUNTY)
    with edge(COUNTY):
        copied = [(shelf.name, document) for shelf, document in offered(COUNTY)]
    assert copied == [(shelf.name, document) for shelf, document in offered(COUNTY)]
