"""The made-up city: the size asked for, the same from the same seed, and a truth that adds up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuanjiao.places.rules import Level, is_code, level_of
from yuanjiao.simulation.behaviour import condition_at, objects_of, true_faults
from yuanjiao.simulation.city import Plan, make_city

START = datetime(2026, 3, 1, tzinfo=UTC)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(0, 40), st.integers(0, 300), st.integers(0, 10**6))
def test_a_city_has_the_size_asked_for_and_every_code_is_a_code(counties: int, more_towns: int, more_sites: int, seed: int) -> None:
    plan = Plan(counties, counties + more_towns, counties + more_towns + more_sites, seed)
    city = make_city(plan)
    sites = list(city.sites())
    assert (len(city.counties), len(list(city.towns())), len(sites)) == (plan.counties, plan.towns, plan.sites)
    assert all(is_code(site.village_code) and level_of(site.village_code) is Level.VILLAGE for site in sites)
    assert len({site.code for site in sites}) == len(sites)
    assert len({code for code, _ in objects_of(city)}) == 2 * plan.counties + plan.towns + plan.sites
    assert make_city(plan).counties == city.counties


def test_a_city_without_enough_sites_is_refused() -> None:
    with pytest.raises(ValueError, match="站点数"):
        Plan(3, 5, 4)


def test_a_longer_time_adds_faults_and_changes_none_that_were_there() -> None:
    city = make_city(Plan(2, 6, 60, seed=3))
    week = true_faults(city, start=START, end=START + timedelta(days=7))
    month = true_faults(city, start=START, end=START + timedelta(days=30))
    assert 0 < len(week) < len(month)
    assert set(week) <= set(month)
    assert all(fault.start < fault.end and (fault.reported_at is None or fault.start < fault.reported_at < fault.end) for fault in month)


def test_a_cut_line_silences_its_sites_and_an_edge_cut_off_from_the_centre_still_lives() -> None:
    city = make_city(Plan(1, 2, 8, seed=5))
    faults = true_faults(city, start=START, end=START + timedelta(days=400))
    cut = next(fault for fault in faults if fault.object_kind == "line")
    now = condition_at(faults, cut.start)
    assert all(not now.site_works(site.code, site.line) for site in city.sites() if site.line == cut.object_code)
    uplink = next(fault for fault in faults if fault.object_kind == "uplink")
    then = condition_at([uplink], uplink.start)
    assert then.edge_lives(city.counties[0].edge)
    assert not then.edge_reaches_centre(city.counties[0].edge, uplink.object_code)
