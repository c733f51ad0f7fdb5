"""Intervals, ranks, differences and the estimate of unseen faults against values from the literature and against brute force."""

from __future__ import annotations

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.faults.rules import Difference, Ratio, SeenBy, by_rank, chance_of_rise, delays_of, estimate_all, wilson

COUNTS = st.integers(0, 400)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
@pytest.mark.clause("OPS06")
def test_the_interval_of_a_share_is_that_of_newcombes_table(part: int, whole: int, low: float, high: float) -> None:
    found = Ratio(part, whole).interval
    assert found is not None
    assert found == pytest.approx((low, high), abs=5e-5)


def test_a_share_of_nothing_has_no_interval() -> None:
    assert Ratio(0, 0).interval is None
    assert wilson(0, 0) is None


@given(COUNTS, COUNTS)
def test_the_interval_holds_the_share_and_is_the_mirror_of_its_complement(part: int, rest: int) -> None:
    found, other = wilson(part, part + rest), wilson(rest, part + rest)
    if found is None or other is None:
        assert part + rest == 0
        return
    assert 0 <= found[0] <= part / (part + rest) <= found[1] <= 1
    assert isclose(found[0], 1 - other[1], abs_tol=1e-9)


def test_the_difference_of_two_shares_is_newcombes_method_ten() -> None:
    change = Difference(before=Ratio(48, 80), after=Ratio(56, 70))
    assert change.change == pytest.approx(0.2)
    assert change.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert change.clear
    assert not Difference(Ratio(3, 6), Ratio(4, 6)).clear
    assert Difference(Ratio(0, 0), Ratio(4, 6)).interval is None


@given(st.lists(st.integers(0, 10_000), min_size=1), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_a_rank_is_a_value_that_occurred_and_the_smallest_that_reaches_the_share(values: list[int], share: float) -> None:
    found = by_rank(values, share)
    reached = [value for value in sorted(values) if sum(one <= value for one in values) >= share * len(values) - 1e-9]
    assert found == reached[0]


def test_delays_of_nobody_are_unknown_not_zero() -> None:
    none = delays_of([], 0)
    assert (none.median_s, none.tenth_slowest_s, none.late.value) == (None, None, None)
    some = delays_of([10, 20, 30, 40, 50, 60, 70, 80, 90, 1000], 1)
    assert (some.median_s, some.tenth_slowest_s, some.late.value) == (50, 90, 0.1)


@pytest.mark.clause("OPS06")
def test_chapmans_estimate_is_that_of_the_textbook() -> None:
    """Ten turtles marked, fifteen caught, five of them marked: 28.3 in all."""
    estimate = estimate_all(SeenBy(both=5, only_monitor=5, only_people=10))
    assert estimate is not None
    assert estimate.total == pytest.approx(28.333, abs=1e-3)
    assert estimate.unseen == pytest.approx(8.333, abs=1e-3)
    assert 20 < estimate.low < estimate.total < estimate.high
    assert estimate.rough, "fewer than seven faults on both lists"


def test_nothing_is_estimated_when_no_fault_is_on_both_lists() -> None:
    assert estimate_all(SeenBy(both=0, only_monitor=40, only_people=3)) is None


def test_where_people_report_only_what_the_monitor_saw_nothing_is_unseen() -> None:
    estimate = estimate_all(SeenBy(both=12, only_monitor=30, only_people=0))
    assert estimate is not None
    assert (estimate.total, estimate.low, estimate.high, estimate.unseen, estimate.rough) == (42, 42, 42, 0, False)


@given(st.integers(1, 300), COUNTS, COUNTS)
def test_the_estimate_never_falls_below_what_is_known(both: int, monitor: int, people: int) -> None:
    seen = SeenBy(both, monitor, people)
    estimate = estimate_all(seen)
    assert estimate is not None
    assert seen.known <= estimate.low <= estimate.total <= estimate.high


def test_over_many_made_up_worlds_the_interval_holds_the_truth() -> None:
    """300 faults, of which the monitor sees 60 % and people report 30 %, independently: nine intervals in ten hold 300."""
    import random

    draw, held = random.Random(7), 0
    for _ in range(400):
        sights = [(draw.random() < 0.6, draw.random() < 0.3) for _ in range(300)]
        seen = SeenBy(sum(a and b for a, b in sights), sum(a and not b for a, b in sights), sum(b and not a for a, b in sights))
        estimate = estimate_all(seen)
        assert estimate is not None
        held += estimate.low <= 300 <= estimate.high
    assert held >= 360


@pytest.mark.parametrize(("before", "after", "chance"), [(2, 6, 37 / 256), (0, 5, 1 / 32), (0, 0, 1.0)])
def test_the_chance_of_a_rise_is_exact(before: int, after: int, chance: float) -> None:
    assert chance_of_rise(before, after, days_before=30, days_after=30) == pytest.approx(chance)


def test_a_longer_span_before_makes_the_same_counts_a_clearer_rise() -> None:
    assert chance_of_rise(6, 6, days_before=90, days_after=30) < chance_of_rise(6, 6, days_before=30, days_after=30)
