"""What makes a storm quick must not change what it says: parts made beside one another, codes told as JSON, ends indexed by their hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection

from tests.network.listening import ALL, LIU, Night
from yuanjiao.flow.journal.event import Fact
from yuanjiao.network.events import Change, StateChanged, apply_state_changed
from yuanjiao.network.models import Liveness, ManagedObject, StateChange, ends_after
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ENDS = (-3601, -3600, -1, 0, 1, 1799, 3599, 3600, 3601)
"""Seconds from noon."""


def test_a_storm_in_many_parts_is_written_whole_and_each_part_with_its_own_times(
    cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yuanjiao.network.jobs.sweeping.AT_ONCE", 2)
    night = Night(cast, at)
    for second, code in enumerate(ALL):
        night.now = at + timedelta(seconds=second)
        night.beat(code)
    night.now = at + timedelta(seconds=10)
    night.turn()
    told = StateChange.objects.filter(state="up").order_by("pk").values_list("object__code", "at", "seq")
    assert {code: begun for code, begun, _ in told} == {code: at + timedelta(seconds=second) for second, code in enumerate(ALL)}
    assert len({seq for _, _, seq in told}) == 3, "five sites by two"
    assert list(night.listener.array.state[[night.listener.array.places[code] for code in ALL]]) == [1] * len(ALL)


def test_a_code_is_told_as_it_is_whatever_it_is_made_of(cast: Cast) -> None:
    codes = ['站"一"', "a\\b", "a\nb", "'; --", "100%s"]
    for old, code in zip(ALL, codes, strict=True):
        ManagedObject.objects.filter(code=old).update(code=code)
    changes = [Change(code=code, state="up", at=NOON, reason=f"{number}%") for number, code in enumerate(codes)]
    apply_state_changed(StateChanged(changes=changes), Fact(origin=uuid4(), seq=1, at=NOON))
    assert list(StateChange.objects.order_by("pk").values_list("object__code", "reason")) == [
        (code, f"{number}%") for number, code in enumerate(codes)
    ]
    assert set(Liveness.objects.values_list("object__code", flat=True)) == set(codes)


def test_what_ended_after_a_moment_is_told_to_the_second_at_every_side_of_an_hour(cast: Cast) -> None:
    origin = uuid4()
    for seq, second in enumerate((-9000, *ENDS), 1):
        change = Change(code=LIU[0], state="up" if seq % 2 else "down", at=NOON + timedelta(seconds=second))
        apply_state_changed(StateChanged(changes=[change]), Fact(origin=origin, seq=seq, at=NOON))
    for second in ENDS:
        moment = NOON + timedelta(seconds=second)
        found = StateChange.objects.filter(ends_after(moment)).values_list("until", flat=True)
        assert sorted(found) == [NOON + timedelta(seconds=end) for end in ENDS if end > second]  # type: ignore[type-var]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="an embedded database says its plan the same way every time")
def test_what_ended_after_a_moment_is_looked_up_in_the_index(cast: Cast) -> None:
    plan = StateChange.objects.filter(ends_after(NOON), at__lt=NOON).explain()
    assert "state_overlap (<expr>>?)" in plan
