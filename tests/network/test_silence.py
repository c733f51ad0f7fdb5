"""Silence, return, deafness: what the live array and the sweep make of beats."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.network.listening import ALL, LIU, Night
from yuanjiao.lib import clock
from yuanjiao.network import commands, queries
from yuanjiao.network.models import ListeningGap, Outage, StateChange
from yuanjiao.people.rules import SYSTEM
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db


def states(night: Night) -> dict[str, str]:
    found = queries.state_now([site.pk for site in night.cast.sites.values()], at=night.now)
    return {code: found[site.pk].state for code, site in night.cast.sites.items()}


def test_a_site_that_beats_is_up_from_its_first_beat(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(2)
    assert set(states(night).values()) == {"up"}
    assert StateChange.objects.count() == 5
    assert StateChange.objects.order_by("at").first().at == at  # type: ignore[union-attr]


def test_a_silent_site_is_down_from_its_last_beat_not_from_detection(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    silent = LIU[0]
    last = at + timedelta(minutes=2)
    night.passes(3, beating=set(ALL) - {silent})
    assert states(night) == {code: "down" if code == silent else "up" for code in ALL}
    row = StateChange.objects.get(object=cast.sites[silent], state="down")
    assert (row.at, row.last_heard_at, row.latest_at) == (last, last, last + timedelta(seconds=60))
    dark = queries.dark_sites([cast.divisions["990101000000"].path], at=night.now)
    assert [site.code for site in dark] == [silent]


def test_a_beat_brings_a_site_back_at_its_own_second(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(2)
    night.passes(3, beating=set(ALL) - {LIU[1]})
    back = night.now + timedelta(seconds=5)
    night.passes(1)
    row = StateChange.objects.get(object=cast.sites[LIU[1]], until=None)
    assert (row.state, row.at) == ("up", back)
    assert Outage.objects.get(object=cast.sites[LIU[1]]).ended_at == back


def test_time_in_which_the_machine_was_off_is_unknown_for_all_it_hears_and_never_down(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    night.restarts(after_minutes=120)
    gap = ListeningGap.objects.get()
    assert gap.end - gap.start >= timedelta(minutes=119)
    assert set(states(night).values()) == {"unknown"}
    night.passes(3)
    assert set(states(night).values()) == {"up"}
    assert not StateChange.objects.filter(state="down").exists()
    assert not Outage.objects.exists()
    rate = queries.rate_over(cast.divisions["990101000000"], gap.start, gap.end)
    assert rate.unknown == 4 * (gap.end - gap.start).total_seconds()


def test_a_site_that_stayed_dark_through_our_deafness_is_one_outage_with_an_honest_story(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(2)
    rest = set(ALL) - {LIU[0]}
    night.passes(4, beating=rest)
    night.restarts(after_minutes=30)
    night.passes(4, beating=rest)
    story = list(StateChange.objects.filter(object=cast.sites[LIU[0]]).order_by("at", "id").values_list("state", flat=True))
    assert story == ["up", "down", "unknown", "down"]
    assert Outage.objects.filter(object=cast.sites[LIU[0]]).count() == 1


def test_a_site_never_heard_is_unknown_not_down(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(5, beating=set(ALL) - {LIU[3]})
    assert states(night)[LIU[3]] == "unknown"
    assert not Outage.objects.exists()


def test_a_paused_process_owns_up_to_its_pause(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(2)
    night.now += timedelta(minutes=10)
    night.turn()
    assert set(states(night).values()) == {"unknown"}
    assert not Outage.objects.exists()


def test_a_suspended_site_is_heard_but_not_accused(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(2)
    day = clock.local_day(night.now)
    commands.suspend_object(subject=cast.sites[LIU[0]], document="青组〔2026〕3号", by=SYSTEM, on=day, at=night.now)
    night.passes(1.5)
    night.passes(4, beating=set(ALL) - {LIU[0]})
    assert not Outage.objects.exists()
    counts = queries.site_counts(cast.divisions["990101000000"].path, at=night.now)
    assert (counts.total, counts.suspended) == (3, 1)
