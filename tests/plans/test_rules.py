"""Forecasts and the splitting of costs, by cases and by property."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.plans.rules import Progress, forecast, is_demonstration, split_cost

TODAY, DUE = date(2026, 3, 2), date(2026, 12, 31)


@pytest.mark.parametrize(
    ("covered", "gained", "wanted", "reached", "in_time"),
    [
        (100, 0, 100, TODAY, True),
        (90, 0, 100, None, False),
        (90, 18, 100, date(2026, 6, 10), True),
        (90, 1, 100, date(2031, 2, 4), False),
        (120, 5, 100, TODAY, True),
    ],
)
@pytest.mark.clause("NET13")
def test_a_forecast_goes_straight_on(covered: int, gained: int, wanted: int, reached: date | None, in_time: bool) -> None:
    found = forecast(covered=covered, gained=gained, days=180, wanted=wanted, on=TODAY, due_on=DUE)
    assert (found.reached_on, found.in_time) == (reached, in_time)


@given(st.integers(0, 10**9), st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_parts_of_a_cost_add_up_and_no_part_is_a_cent_off(cents: int, weights: list[int]) -> None:
    parts = split_cost(cents, [(f"项目{number}", weight) for number, weight in enumerate(weights)])
    assert sum(parts.values()) == cents
    for number, weight in enumerate(weights):
        assert abs(parts[f"项目{number}"] - cents * weight / sum(weights)) < 1


@pytest.mark.parametrize("shares", [[], [("甲", 0)], [("甲", 2), ("乙", -1)]])
def test_a_cost_needs_positive_weights(shares: list[tuple[str, int]]) -> None:
    with pytest.raises(ValueError, match="positive"):
        split_cost(100, shares)


@pytest.mark.parametrize(("fulfilled", "points", "shown"), [({1, 2}, {1, 2}, True), ({1}, {1, 2}, False), (set(), set(), False)])
def test_a_demonstration_outlet_lacks_no_point(fulfilled: set[int], points: set[int], shown: bool) -> None:
    assert is_demonstration(fulfilled, points) is shown


def test_what_remains_is_counted_from_the_accepted() -> None:
    assert (Progress(10, 9, 6).remaining, Progress(10, 12, 11).remaining, Progress(0, 1, 1).share) == (4, 0, None)
