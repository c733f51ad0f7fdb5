"""A target of 100 % is not reached by rounding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from yuanjiao.lib.shares import per_cent
from yuanjiao.reports.rules import Measure, shown
from yuanjiao.ui.templatetags.zh import share


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "100.00%"), (0.999_999, "99.99%"), (0.98534, "98.53%"), (0.000_001, "0.01%"), (0.0, "0.00%"), (2 / 3, "66.67%")],
)
def test_a_share_is_all_or_nothing_only_when_it_is(value: float, text: str) -> None:
    assert per_cent(value) == share(value) == shown(Measure.RATE, value) == text


@given(some.integers(1, 10**9), some.integers(0, 10**9))
def test_whatever_is_missing_shows(whole: int, part: int) -> None:
    value = min(part, whole) / whole
    assert (per_cent(value) == "100.00%") == (value == 1)
    assert (per_cent(value) == "0.00%") == (value == 0)
    assert abs(float(per_cent(value).rstrip("%")) - value * 100) <= 0.01
