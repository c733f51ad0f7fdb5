"""A day in columns says the same, second by second, as the definition of the rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.test_rate_arithmetic import HORIZON, SMALL, cities
from yuanjiao.network.rules import SiteSpans, seconds_by_site
from yuanjiao.network.rules.days import day_of, seconds_between, seconds_of_day, segments_of_day
from yuanjiao.network.rules.rates import FOREVER

KEY = 7
"""Keys of sites are not places: they begin somewhere."""


def keyed(rows: SiteSpans) -> SiteSpans:
    """The same rows with keys for sites."""
    return SiteSpans(
        rows.site + KEY, rows.state, rows.at, rows.until, rows.heard, rows.test_site + KEY, rows.test_at, rows.test_ok,
        rows.served_from, rows.served_to, rows.suspended,
    )  # fmt: skip


def always_in_service(rows: SiteSpans) -> SiteSpans:
    count = len(rows.served_from)
    return SiteSpans(
        rows.site, rows.state, rows.at, rows.until, rows.heard, rows.test_site, rows.test_at, rows.test_ok,
        np.zeros(count, np.int64), np.full(count, FOREVER), np.zeros(count, np.int64),
    )  # fmt: skip


@pytest.mark.clause("NET05")
@settings(max_examples=300, deadline=None)
@given(rows=cities(), start=st.integers(0, HORIZON), length=st.integers(1, HORIZON))
def test_a_day_in_columns_has_the_seconds_of_the_rows(rows: SiteSpans, start: int, length: int) -> None:
    rows = always_in_service(rows)
    wanted = seconds_by_site(rows, start=start, end=start + length, rule=SMALL)
    up, down = seconds_of_day(day_of(keyed(rows), start=start, length=length), SMALL, KEY + len(rows.served_from))
    assert (up[KEY:] == wanted.up).all()
    assert (down[KEY:] == wanted.down).all()
    assert not up[:KEY].any()


@settings(max_examples=300, deadline=None)
@given(rows=cities(), start=st.integers(0, HORIZON), length=st.integers(2, HORIZON), data=st.data())
def test_any_part_of_a_day_has_the_seconds_of_the_rows(rows: SiteSpans, start: int, length: int, data: st.DataObject) -> None:
    rows = always_in_service(rows)
    count = len(rows.served_from)
    cuts = data.draw(st.lists(st.tuples(st.integers(0, length), st.integers(0, length)), min_size=count, max_size=count))
    first, last = (np.array(part, np.int64) for part in zip(*[sorted(cut) for cut in cuts], strict=True))
    segments = segments_of_day(day_of(keyed(rows), start=start, length=length), SMALL)
    up, down = seconds_between(segments, np.arange(count) + KEY, first, last)
    for site in range(count):
        wanted = seconds_by_site(rows, start=start + int(first[site]), end=start + int(last[site]), rule=SMALL)
        assert (up[site], down[site]) == (wanted.up[site], wanted.down[site])
