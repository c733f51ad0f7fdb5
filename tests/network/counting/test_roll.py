"""What pages read from the roll and the counters of their process is what the rows say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from tests.network.listening import ALL, LIU, Night
from yuanjiao.lib.clock import local_day
from yuanjiao.network import commands, queries
from yuanjiao.network.commands import record_play_test
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.models import Edge, Liveness, Site, Watermark
from yuanjiao.network.queries import spans
from yuanjiao.network.queries.rates import SPLITS
from yuanjiao.network.queries.states import counts_from_rows, own_observer
from yuanjiao.network.rules import RULE
from yuanjiao.people.rules import SYSTEM
from yuanjiao.places.commands import rename_division
from yuanjiao.simulation.cast import Cast

PLACES = ("990100000000", "990101000000", "990101100000", "990102000000", "990101100200")


@pytest.fixture
def night(cast: Cast, at: datetime) -> Iterator[Night]:
    """A city in which one site is dark, one was never heard, one is suspended, and a village has a new name."""
    COUNTERS.forget()
    night = Night(cast, at)
    for number, code in enumerate(ALL):
        record_play_test(site=code, ok=number != 2, step="video", item="", sent_at="", at=night.now)
    Site.objects.filter(pk=cast.sites[LIU[1]].pk).update(site_kind="township")
    night.passes(3, beating=[code for code in ALL if code != LIU[3]])
    night.passes(5, beating=[code for code in ALL if code not in LIU[2:4]])
    commands.suspend_object(subject=cast.sites[LIU[1]], document="停字1号", by=SYSTEM, on=local_day(at), at=at)
    rename_division(division=cast.divisions["990101100200"], name="新李村", on=local_day(at))
    yield night
    COUNTERS.forget()


def told(cast: Cast, at: datetime) -> list[Any]:
    """Everything that pages show of these places."""
    on = local_day(at)
    answers: list[Any] = []
    for code in PLACES:
        division = cast.divisions[code]
        hours = (at - timedelta(minutes=7), at)
        answers += [queries.site_counts(division.path, at=at), queries.rate_and_children(division, at)]
        answers += [queries.rate_and_children(division, *hours), queries.rank_units(queries.rates_by_child(division, *hours))]
        answers += [queries.rates_split(division, by, *hours) for by in SPLITS]
        answers += [queries.rate_series(division, at - timedelta(minutes=2 * count), timedelta(minutes=2), count) for count in (3, 7)]
        answers += queries.working_sites([division.path], at=at).under([division.path]).tolist()
        answers += [queries.coverage_of_villages(division, on=on), queries.coverage_by_child(division, on=on)]
        answers += [queries.uncovered_villages(division.path, on=on, limit=limit) for limit in (1, 50)]
    return answers


@pytest.mark.clause("NET02", "NET03", "NET05")
def test_pages_say_the_same_with_and_without_the_roll(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "FEW", 0)  # the sites of a series are many
    at = night.now - timedelta(seconds=7)
    from_rows = told(night.cast, at)
    COUNTERS.keep(night.now, lambda _: RULE)
    assert COUNTERS.present() is not None
    assert told(night.cast, at) == from_rows
    counts = queries.site_counts("/", at=at)
    assert (counts.total, counts.up, counts.down, counts.suspended) == (4, 2, 1, 1)
    assert counts.unknown == counts.never == 1


def test_sites_behind_an_edge_that_says_nothing_are_unknown_at_once(night: Night) -> None:
    COUNTERS.keep(night.now, lambda _: RULE)
    before = queries.site_counts("/", at=night.now)
    Watermark.objects.create(observer=own_observer(), edge=Edge.objects.earliest("pk"), held_through=None, held_at=None)
    COUNTERS.look()
    assert COUNTERS.present() is not None
    after = queries.site_counts("/", at=night.now)
    assert after == counts_from_rows("/", at=night.now)
    assert (before.up, after.up, after.unknown, after.never) == (2, 0, 4, 1)


def test_a_state_that_is_new_is_counted_at_the_next_look(night: Night) -> None:
    COUNTERS.keep(night.now, lambda _: RULE)
    night.passes(6, beating=[])
    COUNTERS.look()
    assert COUNTERS.present() is not None
    assert Liveness.objects.filter(state="down").count() > 1
    assert queries.site_counts("/", at=night.now) == counts_from_rows("/", at=night.now)
    with transaction.atomic():
        Liveness.objects.all().delete()
        assert queries.site_counts("/", at=night.now).down == 3, "the copies are not asked"
        transaction.set_rollback(True)


def test_a_register_of_which_nothing_was_ever_heard_is_unknown(cast: Cast, at: datetime) -> None:
    COUNTERS.forget()
    COUNTERS.keep(at, lambda _: RULE)
    assert COUNTERS.present() is not None
    assert queries.site_counts("/", at=at) == counts_from_rows("/", at=at)
    assert queries.site_counts("/", at=at).never == len(ALL)
    assert queries.working_sites(["/"], at=at).under(["/"]).tolist() == [0]
    COUNTERS.forget()
