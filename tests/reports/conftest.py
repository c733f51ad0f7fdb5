"""A month in 柳溪县 with something in every figure: beats and silence, outages, reports, an order, sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest

from tests.faults.conftest import LIN, World
from tests.learning.stage import COUNTY, hold
from yuanjiao.faults.jobs import run_faults
from yuanjiao.flow.journal.record import record
from yuanjiao.learning.commands import SessionRecord, cancel_session
from yuanjiao.lib.clock import day_start
from yuanjiao.network.events import Change, StateChanged
from yuanjiao.places.models import Division
from yuanjiao.reports import commands
from yuanjiao.reports.models import Document
from yuanjiao.simulation.cast import Cast

MARCH = date(2026, 3, 1)
START = day_start(MARCH)


@dataclass
class Month:
    """The month as lived, and the moment it is looked at."""

    cast: Cast
    county: Division
    as_of: datetime

    def draft(self, who: str = "xianguan", *, at: datetime | None = None) -> Document:
        return commands.draft_county_month(county=self.county, month=MARCH, by=self.cast.actor(who), at=at or self.as_of)


def turns(at: datetime, minute: int, states: dict[str, str]) -> None:
    """State changes as the journal brings them, at that minute of the month."""
    moment = START + timedelta(minutes=minute)
    changes = [Change(code=code, state=state, at=moment, last=moment, latest=moment) for code, state in states.items()]
    record(StateChanged(changes=changes), at=at)


@pytest.fixture
def month(cast: Cast) -> Month:
    """Half an hour of March: 李村 was dark for ten minutes, then the edge failed; two faults were reported, two sessions count."""
    world, at = World(cast, START), START + timedelta(minutes=32)
    for code in cast.sites:
        world.plays(code, at=START - timedelta(days=1))
    turns(at, 0, {code: "up" for code in cast.sites if "990101" in code})
    turns(at, 10, {LIN: "down"})
    turns(at, 20, {LIN: "up"})
    ended = world.goes_dark(LIN, at=START + timedelta(minutes=10))
    ended.ended_at = START + timedelta(minutes=20)
    ended.save()
    world.goes_dark("E-990101", at=START + timedelta(minutes=25), affected=4)
    world.report(at=START + timedelta(minutes=15))
    world.report("S-990101101200", who="xianguan", at=START + timedelta(minutes=20))
    run_faults(START + timedelta(minutes=21))
    hold(cast, at, 23, ago=timedelta(minutes=4))
    hold(cast, at, site="S-990101101200", held=SessionRecord(held_at=at - timedelta(minutes=5), heads_onsite=9, heads_online=4))
    cancel_session(session=hold(cast, at, 99, ago=timedelta(minutes=3)), reason="没有开成", by=cast.actor("zhanguan"), at=at)
    hold(cast, at, 40, site="S-990102100200", ago=timedelta(minutes=3))
    hold(cast, at, 7, ago=timedelta(days=3))
    return Month(cast, cast.divisions["990101000000"], at)


__all__ = ["COUNTY", "MARCH", "START", "Month", "month"]
