"""Every query answers on the small city before anything was ever heard."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from yuanjiao.network import queries
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db


def test_a_city_that_was_never_heard_is_unknown_and_has_no_rate(cast: Cast, at: datetime) -> None:
    county = cast.divisions["990101000000"]
    counts = queries.site_counts(county.path, at=at)
    assert (counts.total, counts.up, counts.down, counts.unknown, counts.never) == (4, 0, 0, 4, 4)
    rate = queries.rate_at(county, at)
    assert (rate.value, rate.unknown, rate.population) == (None, 4, 4)
    month = queries.rate_over(county, at - timedelta(days=30), at)
    assert month.unknown == 4 * 30 * 86_400
    assert queries.open_outages([county.path]) == []
    assert queries.dark_sites([county.path], at=at) == []


def test_every_child_and_every_split_adds_up_to_the_whole(cast: Cast, at: datetime) -> None:
    city = cast.divisions["990100000000"]
    whole = queries.rate_at(city, at)
    assert sum(child.rate.population for child in queries.rates_by_child(city, at)) == whole.population == 5
    assert sum(part.rate.unknown for part in queries.rates_split(city.path, "site_kind", at)) == whole.unknown
    assert [row.code for row in queries.rates_by_site(city.path, at)] == sorted(cast.sites)
