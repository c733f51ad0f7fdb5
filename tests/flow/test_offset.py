"""How far the parent's clock is ahead: a constant difference is told as one, whatever the line does; a set clock is believed at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.flow.wire.offset import DRIFT, Offset

Trips = st.lists(st.tuples(st.floats(0.0, 30.0), st.floats(0.0, 30.0), st.floats(1.0, 600.0)), min_size=1, max_size=40)


def ask(offset: Offset, at: float, ahead: float, there: float, back: float) -> float:
    """One question at `at` that takes `there` seconds to arrive; the answer takes `back`. Our clock is right, the parent's `ahead`."""
    return offset.learn(sent=at, received=at + there + back, told=at + there + ahead, at=at + there + back)


@given(ahead=st.floats(-1e6, 1e6), trips=Trips)
def test_the_error_is_never_more_than_half_of_the_quickest_round_trip_and_what_clocks_drift_meanwhile(
    ahead: float, trips: list[tuple[float, float, float]]
) -> None:
    offset, now, best = Offset(), 0.0, float("inf")
    for there, back, pause in trips:
        now += pause
        found = ask(offset, now, ahead, there, back)
        now += there + back
        best = min(best + 2 * DRIFT * (pause + there + back), there + back)
        assert abs(found - ahead) <= best / 2 + 1e-6


@given(ahead=st.floats(-300, 300), drift=st.floats(-0.9 * DRIFT, 0.9 * DRIFT), trips=Trips)
def test_a_drifting_clock_stays_within_the_bounds(ahead: float, drift: float, trips: list[tuple[float, float, float]]) -> None:
    offset, now = Offset(), 0.0
    for there, back, pause in trips:
        now += pause
        ask(offset, now, ahead + drift * (now + there), there, back)
        now += there + back
        assert offset.low - 0.01 <= ahead + drift * now <= offset.high + 0.01


@pytest.mark.parametrize("by", [-3600.0, -2.0, 5.0, 1e6])
def test_a_clock_that_was_set_is_believed_at_the_next_answer(by: float) -> None:
    offset = Offset()
    for turn in range(20):
        ask(offset, 30.0 * turn, 10.0, 0.1, 0.1)
    assert ask(offset, 700.0, 10.0 + by, 0.1, 0.1) == pytest.approx(10.0 + by, abs=0.11)


def test_before_the_first_answer_there_is_no_difference() -> None:
    assert Offset().seconds == 0.0
