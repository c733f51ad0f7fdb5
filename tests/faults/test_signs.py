"""Early signs: told with reasons, of objects and tasks only, and not before chance is ruled out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from tests.faults.conftest import LIN, World
from yuanjiao.faults import queries
from yuanjiao.faults.jobs import run_faults
from yuanjiao.faults.rules import EarlySign, Rise, Sign
from yuanjiao.network.models import Instability, Liveness, Outage, StateChange
from yuanjiao.network.queries.states import own_observer

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ORCHARD = "S-990101101200"
COUNTY = "990101000000"


@pytest.mark.parametrize(
    ("recent", "before", "told"),
    [(5, 0, True), (4, 0, False), (10, 30, False), (20, 30, True), (6, 8, False), (9, 9, True), (0, 40, False), (60, 200, False)],
)
@pytest.mark.clause("SUP33")
def test_a_rise_is_told_only_when_it_is_more_than_chance(recent: int, before: int, told: bool) -> None:
    assert Rise(recent, before).told is told


@pytest.mark.clause("SUP33")
def test_nothing_is_told_against_a_time_that_nobody_watched() -> None:
    assert not Rise(40, 0, days=2).told
    assert Rise(12, 2, days=30).told
    assert Rise(12, 2, days=30).reason == "近 30 天 12 起，按此前 30 天（2 起）通常 2.0 起"


def watched_since(world: World, days: int) -> None:
    StateChange.objects.create(object=world.thing(LIN), state="up", at=world.at - days * DAY, observer=own_observer(), seq=1)


def ended(outage: Outage) -> None:
    Outage.objects.filter(pk=outage.pk).update(ended_at=outage.started_at + HOUR)


def kinds(signs: list[EarlySign]) -> set[tuple[Sign, str]]:
    return {(row.sign, row.key) for row in signs}


@pytest.mark.clause("SUP33")
def test_places_with_more_faults_than_usual_and_objects_that_break_again_are_named_with_numbers(world: World) -> None:
    for number in range(6):
        ended(world.goes_dark(ORCHARD, at=world.at - (number + 1) * DAY))
    ended(world.goes_dark(LIN, at=world.at - 70 * DAY))
    assert not [row for row in queries.fault_signs(["/"], world.at) if row.sign is Sign.RISING], "nothing was recorded before"
    watched_since(world, 200)
    signs = queries.fault_signs(["/"], world.at)
    assert (Sign.RISING, COUNTY) in kinds(signs)
    assert (Sign.RISING, "990101101000") in kinds(signs), "the town, where to look"
    assert (Sign.RISING, "990101100000") not in kinds(signs)
    assert (Sign.REPEATED, ORCHARD) in kinds(signs)
    reason = next(row.reason for row in signs if row.sign is Sign.REPEATED)
    assert reason == "近 30 天中断 6 次"
    assert "近 30 天 6 起，按此前 90 天（1 起）通常 0.3 起" in next(row.reason for row in signs if row.key == COUNTY)


def test_what_one_root_darkens_is_one_fault_and_not_many(world: World) -> None:
    root = world.goes_dark("L-990101100", at=world.at - DAY)
    for code in (LIN, "S-990101100201"):
        world.goes_dark(code, at=world.at - DAY, root=root)
    assert queries.fault_signs(["/"], world.at) == []


@pytest.mark.clause("SUP33")
def test_orders_that_nobody_takes_up_and_orders_past_their_date_are_named(world: World) -> None:
    world.report(LIN, who="xianguan")
    run_faults(world.at)
    assert queries.fault_signs(["/"], world.at + HOUR) == []
    stalled = queries.fault_signs(["/"], world.at + 30 * HOUR)
    assert [row.sign for row in stalled] == [Sign.STALLED]
    late = queries.fault_signs(["/"], world.at + 100 * HOUR)
    assert [row.sign for row in late] == [Sign.OVERDUE], "one order is one sign"


@pytest.mark.clause("SUP33")
def test_an_object_that_comes_and_goes_is_named_while_it_lasts(world: World) -> None:
    row = Instability.objects.create(object=world.thing(LIN), started_at=world.at - HOUR, drops=7)
    assert kinds(queries.fault_signs(["/"], world.at)) == {(Sign.UNSTABLE, LIN)}
    row.ended_at = world.at
    row.save()
    assert queries.fault_signs(["/"], world.at) == []


@pytest.mark.clause("SUP33")
def test_the_list_shows_towns_whose_working_sites_are_not_used_and_opens_each_sign(world: World, log_in: Callable[[str], Client]) -> None:
    for number, site in enumerate(world.cast.sites.values()):
        Liveness.objects.create(object=site, state="up", since=world.at, last_heard_at=world.at, observer=own_observer(), seq=number)
    officer = log_in("xianguan")
    page = officer.get("/desk/signs/").content.decode()
    assert "零使用" in page
    assert "个正常的站点中" in page
    assert "石桥镇" in page
    assert "高坪镇" not in page, "another county"
    assert "只针对对象和任务，不针对个人" in page
    assert officer.get("/desk/signs/?sign=rising").content.decode().count("<tr") <= 1
    assert not any(person.name in page.split('id="content"')[1] for key, person in world.cast.people.items() if key != "xianguan")
