"""Worst and best units: above the threshold, sorted, with the maximum; unknown units are ranked nowhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.network.test_comparison import state
from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.network import commands, queries
from yuanjiao.network.models import ListeningMark, MaintenanceWindow, PlayTest, Site, StateChange
from yuanjiao.network.queries import ChildRate, rank_units
from yuanjiao.network.queries.states import own_observer
from yuanjiao.network.rules import RULE, Rate
from yuanjiao.network.rules.rates import Target
from yuanjiao.places.models import Division
from yuanjiao.simulation.cast import Cast

AT = datetime(2026, 3, 2, tzinfo=UTC)


def unit(code: str, up: int, down: int, unknown: int = 0, target: float | None = None) -> ChildRate:
    rate = Rate(up, down, unknown, 0, up + down + unknown, 0, RULE, AT)
    goal = None if target is None else Target(target, "青组〔2026〕1号", "青禾市")
    return ChildRate(Division(code=code, name=code, path=f"/{code}/"), replace(rate, target=goal))


@pytest.mark.clause("OPS12")
def test_units_above_the_threshold_are_listed_worst_first_with_the_maximum() -> None:
    found = rank_units([unit("a", 95, 5), unit("b", 80, 20), unit("c", 96, 4), unit("d", 90, 10), unit("e", 180, 20)], threshold=0.05)
    assert [(row.place, row.division.code) for row in found.worst] == [(1, "b"), (2, "d"), (2, "e"), (4, "a")]
    assert found.highest == pytest.approx(0.2)


@pytest.mark.clause("OPS13")
def test_the_best_units_reach_their_target_or_the_common_mark() -> None:
    rows = [unit("a", 100, 0), unit("b", 99, 1), unit("c", 97, 3), unit("d", 96, 4, target=0.95), unit("e", 985, 15, target=0.99)]
    found = rank_units(rows, threshold=0.05)
    assert [row.division.code for row in found.best] == ["a", "b", "d"]
    assert [row.division.code for row in found.worst] == []
    assert found.highest is None


@pytest.mark.clause("OPS12")
def test_a_unit_of_which_too_little_is_known_is_ranked_nowhere_and_named() -> None:
    found = rank_units([unit("a", 10, 10, 80), unit("b", 0, 0, 0)])
    assert (list(found.worst), list(found.best)) == ([], [])
    assert [row.division.code for row in found.unranked] == ["a", "b"]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 10)), max_size=12), st.floats(0.0, 0.5))
def test_no_unit_is_both_and_none_is_lost(rows: list[tuple[int, int, int]], threshold: float) -> None:
    units = [unit(f"u{number:02}", *row) for number, row in enumerate(rows)]
    found = rank_units(units, threshold=threshold)
    worst, best = {row.division.code for row in found.worst}, {row.division.code for row in found.best}
    assert not worst & best
    assert not (worst | best) & {row.division.code for row in found.unranked}
    shares = [row.fault_share for row in found.worst]
    assert shares == sorted(shares, reverse=True)  # type: ignore[type-var]  # none is None here


@pytest.mark.django_db
def test_a_series_is_the_rate_of_each_of_its_steps(cast: Cast, at: datetime) -> None:
    hour, city, county = timedelta(hours=1), cast.divisions["990100000000"], cast.divisions["990101000000"]
    ListeningMark.objects.update_or_create(observer=own_observer(), defaults={"at": at + 3 * hour})
    for number, code in enumerate(sorted(cast.sites)[:3]):
        PlayTest.objects.create(site=cast.sites[code], at=at - hour, ok=True, observer=own_observer())
        state(cast, code, "up", at - hour, at + hour * (number + 1) / 2)
        state(cast, code, "down", at + hour * (number + 1) / 2, at + 2 * hour)
    _lasting(cast.sites["S-990102100200"], at - 3 * hour, at + hour / 3)
    _lasting(cast.sites["S-990101101201"], at - 9 * hour, at - 8 * hour)
    moved, town, day = cast.sites["S-990101100200"], cast.divisions["990101101000"], local_day(at) + timedelta(days=1)
    commands.move_object(subject=moved, division=cast.divisions["990101101200"], by=cast.actor("shiguan"), on=day, at=day_start(day))
    MaintenanceWindow.objects.create(
        object=cast.lines["L-990101100"], start_at=at + hour / 4, end_at=at + hour / 2, document="青信〔2026〕2号", announced_at=at
    )
    nights = day_start(day) - 2 * hour
    for division, start in ((city, at), (county, at), (county, nights), (town, nights)):
        _same(division, start, hour)


def _lasting(site: Site, start: datetime, turn: datetime) -> None:
    """Up, then silent, and still so."""
    PlayTest.objects.create(site=site, at=start, ok=True, observer=own_observer())
    told = {"object_id": site.pk, "observer": own_observer()}
    StateChange.objects.create(**told, state="up", at=start, until=turn, last_heard_at=start, seq=site.pk)
    StateChange.objects.create(**told, state="down", at=turn, last_heard_at=turn + timedelta(minutes=9), seq=site.pk)


def _same(division: Division, start: datetime, step: timedelta) -> None:
    series = queries.rate_series(division, start, step, 4)
    for number, one in enumerate(series):
        single = queries.rate_over(division, start + number * step, start + (number + 1) * step)
        assert one == replace(single, target=None)
    assert any(one.up or one.down or one.unknown for one in series)
