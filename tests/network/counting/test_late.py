"""What is told late, and what an edge's watermark uncovers or takes back, is in the counted seconds at the next look."""

from __future__ import annotations

import numpy as np
import pytest

from tests.network.counting.test_counters import EDGE, OWN, SHORT, STEP, ZERO, Told, World, assert_equal, idle, moment
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.counting.late import CHANGE, TEST, Late
from yuanjiao.network.counting.rollups import Seen
from yuanjiao.network.models import DayRollup
from yuanjiao.network.queries.population import load_population
from yuanjiao.network.queries.rulings import RulePart
from yuanjiao.network.queries.seconds import known_seconds
from yuanjiao.simulation.cast import Cast

__all__ = ["idle"]
DAY = 86_400
A_DAY = DAY // STEP


def counted(start: int, end: int) -> tuple[int, int]:
    """(up, down) seconds of all sites, from the counters."""
    population = load_population(["/"], ZERO + start, ZERO + end)
    up, down = known_seconds(population, [RulePart(SHORT, ZERO + start, ZERO + end)], instant=False)
    return int(up.sum()), int(down.sum())


def begun(*told: Told) -> World:
    """A world in which all is listened to for ten days and the second site plays at the first step."""
    world = World()
    world.mark(OWN, moment(10 * DAY))
    for one in (Told("test", 1, 1), *told):
        world.tell(one)
    return world


def look(start: int, end: int) -> tuple[int, int]:
    """The counted seconds after one look at the rows; they are those of the rows."""
    COUNTERS.look()
    assert COUNTERS.present() is not None, "the counters are loaded"
    assert_equal(start, end)
    return counted(start, end)


NOW = 40 * STEP
"""A moment of the first afternoon."""


@pytest.mark.parametrize(
    "late", [Told("down", 20, 1), Told("unknown", 3, 1), Told("test", 25, 1, ok=False), Told("down", 20, 1, heard=600)], ids=str
)
def test_a_word_of_an_earlier_time_of_today_is_counted(cast: Cast, idle: None, late: Told) -> None:
    world = begun(Told("up", 2, 1), Told("up", 30, 1), Told("test", 31, 1), Told("keep", 32))
    before = look(0, NOW)
    world.tell(late)
    assert look(0, NOW) != before


@pytest.mark.parametrize("what", ["down", "test"])
def test_a_word_that_goes_on_from_where_today_stood_is_counted(cast: Cast, idle: None, what: str) -> None:
    world = begun(Told("up", 2, 1), Told("keep", 10))
    before = look(0, NOW)
    world.tell(Told(what, 20, 1, ok=False))
    assert look(0, NOW) != before


@pytest.mark.parametrize("late", [Told("down", 20, 1), Told("test", 25, 1, ok=False)], ids=str)
def test_a_word_of_a_finished_day_is_counted_before_and_after_the_day_is_summed_again(
    cast: Cast, idle: None, late: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yuanjiao.network.counting.trail.WAIT_S", 0)  # a server's numbers go on where other tests left them
    world = begun(Told("up", 2, 1), Told("keep", A_DAY + 32))
    assert DayRollup.objects.filter(stale=False).count() == 1
    before = look(0, DAY)
    world.tell(late)
    after = look(0, DAY)
    assert after != before
    for _ in range(3):
        world.tell(Told("keep", A_DAY + 33))
        assert look(0, DAY) == after
    assert DayRollup.objects.filter(stale=False).count() == 1


def test_a_test_told_late_speaks_in_the_days_after_it(cast: Cast, idle: None) -> None:
    world = begun(Told("up", 2, 1), *(Told("keep", day * A_DAY + 32) for day in (1, 2)))
    before = look(DAY, 2 * DAY)
    world.tell(Told("test", A_DAY - 5, 1))
    assert look(DAY, 2 * DAY) != before, "what played just before midnight is known all the next day"


@pytest.mark.parametrize("site", [0, 1])
def test_what_a_watermark_uncovers_of_a_finished_day_is_counted(cast: Cast, idle: None, site: int) -> None:
    edge = Told("mark", 20, observer=EDGE)
    world = begun(edge, Told("test", 1, 0), Told("up", 2, site, EDGE), Told("keep", A_DAY + 32))
    before = look(0, DAY)
    world.tell(Told("mark", 40, observer=EDGE))
    partly = look(0, DAY)
    world.mark(EDGE, moment(3 * DAY))
    whole = look(0, DAY)
    assert before[0] < partly[0] < whole[0]
    world.tell(Told("keep", A_DAY + 33))
    assert look(0, DAY) == whole


def test_what_a_watermark_uncovers_of_today_is_counted_and_what_it_takes_back_is_not(cast: Cast, idle: None) -> None:
    world = begun(Told("mark", 20, observer=EDGE), Told("up", 2, 1, EDGE), Told("down", 15, 1, EDGE), Told("up", 25, 1, EDGE))
    world.tell(Told("keep", 32))
    first = look(0, NOW)
    world.tell(Told("mark", 30, observer=EDGE))
    second = look(0, NOW)
    assert sum(first) < sum(second)
    world.tell(Told("mark", 10, observer=EDGE))
    COUNTERS.look()
    world.tell(Told("keep", 33))
    assert sum(look(0, NOW)) < sum(first)


def test_a_row_is_late_for_the_sums_that_have_not_seen_it() -> None:
    late = Late(Seen(10, 20))
    spans = np.array([[7, 1, 100, 200, 0, 0, 11], [8, 1, 300, 400, 0, 0, 13]])
    late.take(spans, np.array([[9, 150, 1, 21]]))
    assert set(late.rows[:, 0].tolist()) == {CHANGE, TEST}
    assert late.sites(0, 1000, Seen(10, 20)).tolist() == [7, 8, 9]  # type: ignore[union-attr]  # not None
    assert late.sites(0, 1000, Seen(11, 20)).tolist() == [8, 9]  # type: ignore[union-attr]  # as above
    assert late.sites(0, 1000, Seen(13, 21)).tolist() == []  # type: ignore[union-attr]  # as above
    assert late.sites(200, 300, Seen(10, 20)).tolist() == [9], "spans end before and begin at the end; a test speaks on"  # type: ignore[union-attr]
    assert late.sites(0, 1000, Seen(9, 20)) is None
    assert late.sites(0, 1000, Seen(10, 19)) is None


def test_rows_that_every_sum_has_seen_are_forgotten_and_no_older_sum_is_trusted() -> None:
    late = Late(Seen(0, 0))
    late.take(np.array([[7, 1, 100, 200, 0, 0, 5], [8, 1, 100, 200, 0, 0, 6]]), np.zeros((0, 4), np.int64))
    late.prune(Seen(5, 0), Seen(6, 0))
    assert late.sites(0, 1000, Seen(5, 0)).tolist() == [8]  # type: ignore[union-attr]  # not None
    assert late.sites(0, 1000, Seen(4, 0)) is None
