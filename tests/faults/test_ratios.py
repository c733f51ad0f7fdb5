"""Intervals, ranks, differences and the estimate of unseen faults against values from the literature and against brute force."""

from __future__ import annotations

from itertools import combinations
from math import isclose, prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.faults.rules import Difference, Ratio, SeenBy, by_rank, chance_of_rise, delays_of, estimate_all, lower_bound, wilson
from yuanjiao.faults.rules.unseen import unseen_by_independence

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


HEPATITIS = {"PQE": 28, "PQ": 21, "PE": 17, "QE": 18, "P": 69, "Q": 55, "E": 63}
"""Hepatitis A in Taiwan, 1995: 271 students known from three sources (Chao, Tsay, Lin, Shau and Chao 2001, Statistics in Medicine 20)."""


def cells_of(told: dict[str, int]) -> dict[frozenset[str], int]:
    return {frozenset(lists): count for lists, count in told.items()}


def test_independent_lists_of_the_literature_are_fitted_as_published() -> None:
    """Published there: 388 by the log-linear model of independent sources; 336, 378 and 334 by Petersen from each pair of them."""
    whole = unseen_by_independence(cells_of(HEPATITIS), "EPQ", deepest=3)
    assert whole is not None
    assert round(271 + whole[0]) == 388
    for pair, published in (("PQ", 336), ("EP", 378), ("EQ", 334)):
        fitted = unseen_by_independence(cells_of(HEPATITIS), pair, deepest=2)
        assert fitted is not None
        known = sum(count for lists, count in HEPATITIS.items() if set(lists) & set(pair))
        assert round(known + fitted[0]) == published


def test_two_lists_are_lincolns_and_petersens_with_their_error() -> None:
    fitted = unseen_by_independence(cells_of({"A": 40, "B": 30, "AB": 20}), "AB", deepest=2)
    assert fitted is not None
    n1, n2, m = 60, 50, 20
    assert fitted[0] == pytest.approx(40 * 30 / 20)
    assert fitted[1] ** 2 == pytest.approx(n1 * n2 * (n1 - m) * (n2 - m) / m**3), "Seber 1982, page 60"


def test_the_lower_bound_of_equal_lists_is_chaos() -> None:
    """Chao 1987: singles² ÷ (2 · pairs), here of three lists with equal numbers: times two thirds."""
    bound = lower_bound(cells_of({"A": 60, "B": 60, "C": 60, "AB": 15, "AC": 15, "BC": 15, "ABC": 9}))
    assert bound is not None
    assert bound.unseen == pytest.approx(2 / 3 * 180**2 / (2 * 45))
    assert not bound.rough
    assert bound.low < bound.total < bound.high


def test_lists_of_unequal_reach_that_are_independent_are_told_exactly() -> None:
    """1,000 faults, seen by 80, 30, 10 and 5 in a hundred, each by itself."""
    reach = {"A": 0.8, "B": 0.3, "C": 0.1, "D": 0.05}
    cells: dict[frozenset[str], Any] = {}
    for size in range(1, 5):
        for group in combinations(reach, size):
            cells[frozenset(group)] = 1000 * prod(share if name in group else 1 - share for name, share in reach.items())
    bound = lower_bound(cells)
    assert bound is not None
    assert bound.total == pytest.approx(1000)


def test_what_is_seen_by_all_or_by_none_makes_the_bound_lower_never_higher() -> None:
    """Half of the faults are seen by each list in six of ten cases, the others in one: what is told is at least, not exactly."""
    cells: dict[frozenset[str], Any] = {}
    for size in range(1, 4):
        for group in combinations("ABC", size):
            cells[frozenset(group)] = sum(500 * share**size * (1 - share) ** (3 - size) for share in (0.6, 0.1))
    bound = lower_bound(cells)
    assert bound is not None
    known = sum(cells.values())
    assert known < bound.total < 1000


def test_fewer_than_three_lists_that_share_faults_tell_no_bound() -> None:
    assert lower_bound({}) is None
    assert lower_bound(cells_of({"A": 40, "B": 30, "AB": 20})) is None
    assert lower_bound(cells_of({"A": 40, "B": 30, "AB": 20, "C": 11})) is None
    rough = lower_bound(cells_of({"A": 4, "B": 3, "C": 2, "AB": 2, "BC": 1, "AC": 1, "D": 5}))
    assert rough is not None
    assert rough.rough
    assert rough.low >= 18, "never below what is known, also by a list that shares nothing"
