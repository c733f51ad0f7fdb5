"""Operating errors before and after a training, per county."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from tests.faults.conftest import World
from yuanjiao.faults import commands, queries
from yuanjiao.faults.commands import ensure_dictionaries
from yuanjiao.faults.models import FaultCause, Training
from yuanjiao.faults.rules import Channel
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network.queries import outage as view
from yuanjiao.people.rules import SYSTEM

COUNTY, OTHER = "990101000000", "990102000000"
SITES = {COUNTY: "S-990101101200", OTHER: "S-990102100200"}
DAY = timedelta(days=1)


def an_order(world: World, cause: str, *, at: datetime, county: str = COUNTY) -> None:
    """An order with a known cause, written at a moment."""
    ensure_dictionaries()
    outage = world.goes_dark(SITES[county], at=at)

    order = commands.open_order(subject=world.thing(SITES[county]), outage=view(outage.uid), raised_by=Channel.AUTOMATIC, by=SYSTEM, at=at)
    order.fault_class, order.cause = "equipment", FaultCause.objects.get(code=cause)
    order.save()
    outage.ended_at = at + timedelta(minutes=5)
    outage.save()


def trained(world: World, county: str = COUNTY, *, who: str = "xianguan") -> Training:
    on = local_day(world.at)
    return commands.record_training(
        division=world.cast.divisions[county], on=on, topic="机顶盒操作", by=world.cast.actor(who), at=world.at + DAY
    )


@pytest.mark.clause("OPS18")
def test_the_share_of_operating_errors_is_compared_before_and_after_the_training_of_each_county(world: World) -> None:
    trained(world)
    trained(world, OTHER, who="linxian")
    for back in range(1, 5):
        an_order(world, "operator_error", at=world.at - back * DAY)
    an_order(world, "power", at=world.at - 6 * DAY)
    an_order(world, "operator_error", at=world.at + timedelta(hours=1))
    an_order(world, "power", at=world.at + 2 * DAY)
    an_order(world, "operator_error", at=world.at - 3 * DAY, county=OTHER)
    an_order(world, "operator_error", at=world.at - 60 * DAY)
    effects = {row.training.division.code: row for row in queries.training_effects(["/"], days=30, at=world.at + 31 * DAY)}
    here, there = effects[COUNTY].difference, effects[OTHER].difference
    assert (here.before.part, here.before.whole) == (4, 5)
    assert (here.after.part, here.after.whole) == (0, 1), "what happened on the day of the training counts on neither side"
    assert (there.before.part, there.before.whole, there.after.whole) == (1, 1, 0)
    assert there.change is None
    assert effects[COUNTY].complete


def test_time_after_a_training_that_is_not_over_is_said_to_be_incomplete(world: World) -> None:
    trained(world)
    assert not queries.training_effects(["/"], days=30, at=world.at + 3 * DAY)[0].complete


def test_a_training_is_written_down_once_after_it_was_held_and_for_the_own_county_only(world: World) -> None:
    county, officer = world.cast.divisions[COUNTY], world.cast.actor("xianguan")
    trained(world)
    with pytest.raises(Conflict):
        trained(world)
    with pytest.raises(Refused):
        commands.record_training(division=county, on=date(2030, 1, 1), topic="操作", by=officer, at=world.at)
    with pytest.raises(NotFound):
        commands.record_training(division=county, on=local_day(world.at), topic="操作", by=world.cast.actor("linxian"), at=world.at)


@pytest.mark.clause("OPS18")
def test_an_officer_writes_a_training_down_sees_its_effect_and_takes_it_back(world: World, log_in: Callable[[str], Client]) -> None:
    officer = log_in("xianguan")
    assert officer.post("/faults/trainings/", {"division": COUNTY, "on": "2026-03-01", "topic": "遥控器使用"}).status_code == 302
    page = officer.get("/faults/trainings/").content.decode()
    assert "遥控器使用" in page
    assert "操作失误占比＝" in page
    assert "遥控器使用" not in log_in("linxian").get("/faults/trainings/").content.decode()
    row = Training.objects.get()
    assert log_in("linxian").post(f"/faults/trainings/{row.pk}/withdraw/").status_code == 404
    assert officer.post(f"/faults/trainings/{row.pk}/withdraw/").status_code == 302
    assert not Training.objects.exists()
