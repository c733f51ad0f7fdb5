"""Before and after: the same sites, the same rule, and the page says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.test import Client

from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.network import commands, queries
from yuanjiao.network.models import ListeningMark, PlayTest, StateChange
from yuanjiao.network.queries.states import own_observer
from yuanjiao.simulation.cast import Cast

DAY = timedelta(days=1)
COUNTY = "990101000000"
SITES = ("S-990101100200", "S-990101100201", "S-990101101200", "S-990101101201")
numbers = count(1)


def state(cast: Cast, code: str, name: str, start: datetime, until: datetime) -> None:
    """A span; one of silence tells of no beat before it, so that every second of it is silent."""
    heard = start if name == "up" else None
    StateChange.objects.create(
        object=cast.sites[code], state=name, at=start, until=until, last_heard_at=heard, observer=own_observer(), seq=next(numbers)
    )


@pytest.fixture
def periods(cast: Cast, at: datetime) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
    """Ten days before and ten days after a midnight. Every site beats and plays all the time, but for what a test adds."""
    middle = day_start(local_day(at))
    observer = own_observer()
    ListeningMark.objects.update_or_create(observer=observer, defaults={"at": middle + 20 * DAY})
    for code in SITES:
        for day in range(-12, 12):
            PlayTest.objects.create(site=cast.sites[code], at=middle + day * DAY, ok=True, observer=observer)
    return (middle - 10 * DAY, middle), (middle, middle + 10 * DAY)


@pytest.mark.clause("OPS17")
def test_both_rates_are_of_the_sites_that_served_all_through_both_periods(
    cast: Cast, at: datetime, periods: tuple[tuple[datetime, datetime], tuple[datetime, datetime]]
) -> None:
    before, after = periods
    for code in SITES[:2]:
        state(cast, code, "up", before[0], before[0] + 5 * DAY)
        state(cast, code, "down", before[0] + 5 * DAY, before[1])
        state(cast, code, "up", *after)
    for code in SITES[2:]:  # always dark before; one is then suspended, which must not make the rate look better
        state(cast, code, "down", *before)
        state(cast, code, "up", *after)
    officer = cast.actor("shiguan")
    commands.suspend_object(
        subject=cast.sites[SITES[2]], document="青组〔2026〕3号", by=officer, on=local_day(after[0] + 3 * DAY), at=after[0] + 3 * DAY
    )
    whole, below = queries.before_and_after(cast.divisions[COUNTY], before, after)
    assert (whole.sites, whole.left_out) == (3, 1)
    assert (whole.before.population, whole.after.population) == (3, 3)
    assert whole.before.up == 2 * 5 * 86_400
    assert whole.before.down == (5 + 5 + 10) * 86_400
    assert whole.after.value == 1.0
    assert whole.change == pytest.approx(1 - 1 / 3)
    assert whole.certain
    assert {one.division.name: (one.sites, one.left_out) for one in below} == {"石桥镇": (2, 0), "桃源乡": (1, 1)}


@pytest.mark.clause("OPS17")
def test_a_site_that_entered_later_and_one_that_moved_are_left_out(
    cast: Cast, at: datetime, periods: tuple[tuple[datetime, datetime], tuple[datetime, datetime]]
) -> None:
    before, after = periods
    line = cast.sites[SITES[0]].depends_on
    commands.add_site(
        code="S-NEW", name="新站", division=cast.divisions["990101100200"], depends_on=line, on=local_day(before[0] + 2 * DAY)
    )
    commands.move_object(
        subject=cast.sites[SITES[3]], division=cast.divisions["990101100200"], by=cast.actor("shiguan"), on=local_day(after[0] + DAY),
        at=after[0] + DAY,
    )  # fmt: skip
    whole, below = queries.before_and_after(cast.divisions[COUNTY], before, after)
    assert (whole.sites, whole.left_out) == (4, 1), "the moved site was in the county all the time"
    assert {one.division.name: (one.sites, one.left_out) for one in below} == {"石桥镇": (2, 2), "桃源乡": (1, 1)}


def test_a_change_that_the_unknown_time_could_turn_round_is_not_called_certain(
    cast: Cast, periods: tuple[tuple[datetime, datetime], tuple[datetime, datetime]]
) -> None:
    before, after = periods
    for code in SITES:
        state(cast, code, "up", before[0], before[1] - timedelta(hours=12))
        state(cast, code, "down", after[0], after[0] + timedelta(hours=1))
        state(cast, code, "up", after[0] + timedelta(hours=1), after[1])
    whole, _ = queries.before_and_after(cast.divisions[COUNTY], before, after)
    assert whole.before.value == 1.0
    assert whole.change is not None
    assert whole.change < 0
    assert not whole.certain


@pytest.mark.clause("OPS17")
def test_the_page_says_that_definition_and_population_are_the_same(cast: Cast, log_in: Callable[[str], Client]) -> None:
    page = log_in("xianguan").get("/network/comparison/", {"on": "2026-03-01", "days": "7"}).content.decode()
    assert "两段时间用同一定义" in page
    assert "同一批站点" in page
    assert log_in("linxian").get(f"/network/comparison/?division={COUNTY}").status_code == 404
