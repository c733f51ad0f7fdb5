"""Tenures: no two first at once, every past day keeps its answer, and a permission ends with the tenure that gave it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from tests.flow.test_shelf_rooms import COUNTY, edge
from yuanjiao.duties import queries
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.people import commands as people
from yuanjiao.people.models import Account, Responsibility, ResponsibilityKind
from yuanjiao.people.queries import actor_of, responsible_for
from yuanjiao.people.rules import Permission, Role
from yuanjiao.places import commands as places
from yuanjiao.simulation.cast import SINCE, Cast

VILLAGE, LIN = "990101100200", "S-990101100200"
MARCH = date(2025, 3, 3)
FIRST, DIRECT = ResponsibilityKind.FIRST, ResponsibilityKind.DIRECT


def first_of(cast: Cast, day: date) -> list[str]:
    county = cast.divisions["990101000000"]
    return [one.person.name for one in responsible_for(county, on=day) if (one.chain, one.kind, one.level) == ("organisation", "first", 3)]


@pytest.mark.clause("GOV01")
@pytest.mark.parametrize(("start", "end"), [(SINCE, None), (date(2025, 5, 1), None), (date(2025, 2, 1), date(2025, 3, 1))])
def test_a_first_tenure_finds_no_room_beside_another_one(cast: Cast, start: date, end: date | None) -> None:
    """Also beside one that has ended, and one whose end is known but still to come."""
    held = cast.people["xianguan"].responsibilities.get(kind="first")
    people.end_responsibility(responsibility=held, on=date(2025, 6, 1))
    who = {"person": cast.people["shenhe"], "unit": cast.units["ZZ-990101"], "division": held.division, "kind": FIRST}
    with pytest.raises(Refused, match="已有第一责任人"):
        people.make_responsible(on=start, **who)  # type: ignore[arg-type]
    made = people.make_responsible(on=date(2025, 6, 1), **who)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="已有第一责任人"):
        people.correct_responsibility(responsibility=made, fields={"valid_from": start})
    assert first_of(cast, date(2025, 5, 31)) == ["赵敏芝"]


def test_the_database_itself_refuses_two_open_first_tenures_and_dates_the_wrong_way_round(cast: Cast) -> None:
    held = cast.people["xianguan"].responsibilities.get(kind="first")
    fields = {name: getattr(held, name) for name in ("person", "unit", "division", "chain", "kind")}
    for name, wrong in (("responsibility_one_first", {"valid_from": MARCH}), ("responsibility_dates_in_order", {"valid_to": SINCE})):
        with pytest.raises(IntegrityError) as told, transaction.atomic():
            Responsibility.objects.create(**fields | {"valid_from": MARCH} | wrong)
        assert name in str(told.value) or connection.vendor == "sqlite"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_name_a_first_at_the_same_time_one_is_told(cast: Cast) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one writer at a time anyway")
    place, unit, told, ready = cast.divisions[VILLAGE], cast.units["ZZ-990101100200"], [], Barrier(2)

    def name(username: str, start: date) -> None:
        ready.wait()
        try:
            people.make_responsible(person=cast.people[username], unit=unit, division=place, kind=FIRST, on=start)
        except Refused:
            told.append(username)
        connection.close()

    threads = [Thread(target=name, args=("shenhe", SINCE)), Thread(target=name, args=("zhizuo", MARCH))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(told), Responsibility.objects.filter(division=place, kind=FIRST).count()) == (1, 1)


@pytest.mark.clause("GOV02")
def test_a_past_day_answers_by_the_tree_and_the_names_of_that_day(cast: Cast) -> None:
    """Somebody left, the county has a new name, the village's manager is another one: 3 March still says who it was."""
    before = [(level.place.name, [one.person.name for one in level.home]) for level in queries.answers_on(_place(cast, MARCH), MARCH)]
    for username, to in (("xianguan", "shenhe"), ("zhanguan", "zhizuo")):
        tenure = cast.people[username].responsibilities.get()
        people.end_responsibility(responsibility=tenure, on=date(2025, 7, 1), roles=[Role.COUNTY_OFFICER])
        people.make_responsible(
            person=cast.people[to], unit=tenure.unit, division=tenure.division, kind=ResponsibilityKind(tenure.kind), on=date(2025, 7, 1)
        )
    county = cast.divisions["990101000000"]
    renamed = places.rename_division(division=county, on=date(2025, 8, 1), name="新柳溪县")
    people.follow_division(old=county, new=renamed)
    after = [(level.place.name, [one.person.name for one in level.home]) for level in queries.answers_on(_place(cast, MARCH), MARCH)]
    assert after == before == [("李村", ["李春燕"]), ("石桥镇", []), ("柳溪县", ["赵敏芝"]), ("青禾市", ["郑国栋"]), ("清源省", [])]
    now = {
        level.place.name: [one.person.name for one in level.home]
        for level in queries.answers_on(_place(cast, date(2025, 9, 1)), date(2025, 9, 1))
    }
    assert (now["新柳溪县"], now["李村"]) == (["何静"], ["孙文博"])


@pytest.mark.parametrize("day", [MARCH, date(2025, 9, 1)])
def test_a_place_that_was_moved_away_is_read_by_its_new_county_only(cast: Cast, day: date) -> None:
    former, later = (cast.divisions[code].path for code in ("990101000000", "990102000000"))
    places.move_division(division=cast.divisions["990101100000"], parent=cast.divisions["990102000000"], on=date(2025, 8, 1))
    with pytest.raises(NotFound):
        queries.place_on(VILLAGE, day, [former])
    assert queries.place_on(VILLAGE, day, [later]).path.startswith(former if day == MARCH else later)


def _place(cast: Cast, day: date) -> object:
    return queries.place_on(VILLAGE, day, ["/"])


def test_a_tenure_with_a_known_end_follows_its_renamed_place(cast: Cast) -> None:
    tenure = cast.people["xianguan"].responsibilities.get()
    people.end_responsibility(responsibility=tenure, on=date(2025, 12, 1))
    old = tenure.division
    new = places.rename_division(division=old, on=date(2025, 8, 1), name="新柳溪县")
    people.follow_division(old=old, new=new)
    tenure.refresh_from_db()
    assert tenure.division == new


def test_who_answers_for_one_object_comes_first_there_and_nowhere_else(cast: Cast) -> None:
    village = cast.divisions[VILLAGE]
    people.make_responsible(
        person=cast.people["zhizuo"], unit=cast.units["ZZ-990101100200"], division=village, kind=DIRECT, on=SINCE, object_code=LIN
    )
    assert responsible_for(village, on=MARCH, object_code=LIN)[0].person.name == "孙文博"
    assert "孙文博" not in {one.person.name for one in responsible_for(village, on=MARCH)}


def test_who_answered_for_an_object_is_told_also_after_it_was_taken_out(cast: Cast) -> None:
    village = cast.divisions[VILLAGE]
    people.make_responsible(
        person=cast.people["zhizuo"], unit=cast.units["ZZ-990101100200"], division=village, kind=DIRECT, on=SINCE, object_code="S-GONE"
    )
    own = queries.answers_on(village, MARCH)[0]
    assert [(one.person.name, one.object_code) for one in own.home] == [("孙文博", "S-GONE"), ("李春燕", "")]


def test_the_site_managers_post_ends_with_the_last_tenure_that_gives_it(cast: Cast) -> None:
    manager, unit = cast.people["zhanguan"], cast.units["ZZ-990101100200"]
    first = manager.responsibilities.get()
    second = people.make_responsible(
        person=manager, unit=unit, division=cast.divisions["990101100201"], kind=ResponsibilityKind.SITE_MANAGER, on=SINCE
    )
    assert people.end_responsibility(responsibility=first, on=MARCH) == []
    assert cast.actor("zhanguan", MARCH).holds(Permission.FILE_FAULT)
    assert [post.role for post in people.end_responsibility(responsibility=second, on=date(2025, 4, 1))] == [Role.SITE_MANAGER]
    assert cast.actor("zhanguan", date(2025, 3, 31)).holds(Permission.FILE_FAULT)
    assert not cast.actor("zhanguan", date(2025, 4, 1)).holds(Permission.FILE_FAULT)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_site_managers_post_ends_with_the_later_tenure_in_whatever_order_they_are_ended(cast: Cast, order: tuple[int, int]) -> None:
    manager, unit = cast.people["zhanguan"], cast.units["ZZ-990101100200"]
    people.make_responsible(
        person=manager, unit=unit, division=cast.divisions["990101100201"], kind=ResponsibilityKind.SITE_MANAGER, on=SINCE
    )
    both, ends = list(manager.responsibilities.order_by("pk")), (date(2025, 4, 1), date(2025, 5, 1))
    for number in order:
        people.end_responsibility(responsibility=both[number], on=ends[number])
    assert manager.memberships.get().valid_to == max(ends)


def test_a_permission_ends_on_its_day_at_an_edge_that_is_cut_off(cast: Cast, at: datetime) -> None:
    """The end is known before the line is cut; the edge needs nobody to tell it when the day has come."""
    end = local_day(at) + timedelta(days=3)
    tenure = cast.people["zhanguan"].responsibilities.get()
    people.end_responsibility(responsibility=tenure, on=end)
    with edge(COUNTY):
        account = Account.objects.get(username="zhanguan")
        assert actor_of(account, on=end - timedelta(days=1)).holds(Permission.RECORD_SESSION)
        assert not actor_of(account, on=end).holds(Permission.RECORD_SESSION)


def test_an_end_of_today_shuts_the_doors_of_an_edge_to_who_is_logged_in_there(cast: Cast) -> None:
    from yuanjiao.lib import clock

    people.end_responsibility(responsibility=cast.people["zhanguan"].responsibilities.get(), on=clock.today())
    with edge(COUNTY):
        client = Client()
        client.force_login(Account.objects.get(username="zhanguan"), backend="django.contrib.auth.backends.ModelBackend")
        assert client.get("/learning/record/").status_code == 403
        assert client.get("/desk/").status_code == 200
