"""`yuanjiao rates verify`: a published figure is recomputed from the journal; a row that is not what was told is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.network.listening import ALL, LIU, Night
from yuanjiao.network.commands import record_play_test
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.models import DayRollup, StateChange
from yuanjiao.network.queries import rate_and_children, rates_by_site
from yuanjiao.reports.commands import draft_county_month
from yuanjiao.reports.models import FrozenRow
from yuanjiao.simulation.cast import Cast


@pytest.fixture
def idle() -> Iterator[None]:
    COUNTERS.forget()
    yield
    COUNTERS.forget()


@pytest.fixture
def told(cast: Cast, at: datetime, idle: None) -> Night:
    """An evening over midnight: tests, a silent site, a pause of the machine."""
    night = Night(cast, at.replace(hour=15, minute=40))  # 23:40 in China
    for number, code in enumerate(ALL):
        record_play_test(site=code, ok=number != 2, step="video", item="", sent_at="", at=night.now + timedelta(minutes=3 * number))
    night.passes(6)
    night.passes(6, beating=[code for code in ALL if code != LIU[0]])
    night.restarts(after_minutes=5)
    night.passes(7)
    return night


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("rates", "verify", *arguments, stdout=out)
    return out.getvalue()


PERIOD = ("--from", "2026-03-02", "--to", "2026-03-04")


@pytest.mark.clause("NET06")
def test_what_is_published_is_what_the_journal_says(told: Night) -> None:
    said = verify(*PERIOD)
    assert said.count("与日志一致") == 2
    assert "逐站核对，全部一致" in said
    county = rates_by_site(told.cast.divisions["990101000000"], told.now - timedelta(hours=1), told.now)
    assert [one.rate.down > 0 for one in county].count(True) == 2  # the silent one, and the one whose film did not play
    assert sum(one.rate.unknown for one in county) > 300


def test_a_row_that_nobody_told_is_found(told: Night) -> None:
    row = StateChange.objects.filter(object__code=LIU[1], state="up").earliest("at")
    StateChange.objects.filter(pk=row.pk).update(state="down", last_heard_at=None)
    with pytest.raises(CommandError, match="不一致"):
        verify(*PERIOD)
    told.cast.divisions["990102000000"].refresh_from_db()
    assert "全部一致" in verify(*PERIOD, "--division", "990102000000")


def test_the_frozen_seconds_of_a_report_are_proved_as_of_their_cut_off(told: Night) -> None:
    county, officer = told.cast.divisions["990101000000"], told.cast.actor("xianguan")
    document = draft_county_month(county=county, month=date(2026, 3, 1), by=officer, at=told.now)
    told.passes(3)  # what comes later is no part of it
    assert "逐站核对，全部一致" in verify("--report", "990101000000/2026-03")
    FrozenRow.objects.filter(document=document, table="sites", code=LIU[1]).update(first=1)
    with pytest.raises(CommandError, match="不一致"):
        verify("--report", "990101000000/2026-03")


def test_days_are_summed_again_and_still_prove_themselves(told: Night) -> None:
    COUNTERS.keep(told.now + timedelta(hours=1), lambda _: rate_and_children(told.cast.divisions["990100000000"], told.now)[0].rule)
    assert list(DayRollup.objects.values_list("day", flat=True)) == [date(2026, 3, 2)]
    assert "全部一致" in verify(*PERIOD)
    out = StringIO()
    call_command("rates", "rebuild", stdout=out)
    assert "原有 1 天" in out.getvalue()
    assert DayRollup.objects.filter(day="2026-03-02").exists()


@pytest.mark.clause("NET05")
def test_a_moment_reads_the_same_from_the_counters(told: Night) -> None:
    city, at = told.cast.divisions["990100000000"], told.now - timedelta(seconds=7)
    from_rows = rate_and_children(city, at)
    COUNTERS.keep(told.now, lambda _: from_rows[0].rule)
    assert COUNTERS.active
    assert rate_and_children(city, at) == from_rows
    assert from_rows[0].up + from_rows[0].down == len(ALL)
