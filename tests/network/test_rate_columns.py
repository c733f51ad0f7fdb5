"""Rates in columns are, one by one, the rates they would be as single values."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.network.queries import fault_share
from yuanjiao.network.rules import RULE, RateRule
from yuanjiao.network.rules.rate_columns import RateColumns
from yuanjiao.network.rules.rates import Target

AT = datetime(2026, 3, 2, tzinfo=UTC)
LOOSE = RateRule(version=2, heartbeat_min=5, play_days=30, min_coverage=0.5)
seconds = st.one_of(st.integers(0, 20), st.integers(0, 700_000 * 2_678_400))


def columns(rows: list[tuple[int, int, int]], rules: tuple[RateRule, ...]) -> RateColumns:
    up, down, unknown = (np.array([row[place] for row in rows], np.int64) for place in range(3))
    count = np.arange(len(rows))
    return RateColumns(up, down, unknown, count * 3, count * 5, count * 7, count * 2, rules, AT, None)


@pytest.mark.clause("NET05")
@given(st.lists(st.tuples(seconds, seconds, seconds), max_size=8), st.sampled_from([(RULE,), (LOOSE,), (RULE, LOOSE)]))
def test_every_rate_of_a_table_is_the_rate_of_its_row_to_the_bit(rows: list[tuple[int, int, int]], rules: tuple[RateRule, ...]) -> None:
    table = columns(rows, rules)
    for number, (up, down, unknown) in enumerate(rows):
        rate = table.rate(number)
        assert (rate.up, rate.down, rate.unknown, rate.known) == (up, down, unknown, table.known[number])
        assert rate.value == (None if math.isnan(table.value[number]) else table.value[number])
        assert fault_share(rate) == (None if math.isnan(table.fault_share[number]) else table.fault_share[number])


def test_a_row_of_a_table_has_every_number_of_its_columns() -> None:
    target = Target(0.98, "青组〔2026〕1号", "青禾市")
    rate = columns([(1, 0, 0), (90, 8, 2)], (LOOSE, RULE)).rate(1, target)
    assert (rate.excluded, rate.maintenance, rate.population, rate.suspended) == (3, 5, 7, 2)
    assert (rate.rule, rate.earlier, rate.start, rate.end, rate.target) == (RULE, (LOOSE,), AT, None, target)
