"""How often one object is to beat: by whom it may be said, within which bounds, and that the listener follows."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.network.listening import ALL, LIU, Night
from yuanjiao.lib.errors import Forbidden, Refused
from yuanjiao.network.commands import set_rhythm
from yuanjiao.network.models import StateChange
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db


def test_a_site_with_a_longer_period_is_not_called_silent_after_the_usual_time(cast: Cast, at: datetime) -> None:
    slow = cast.sites[LIU[0]]
    set_rhythm(subject=slow, period_s=300, grace_s=60, by=cast.actor("shiguan"), at=at)
    night = Night(cast, at)
    night.passes(2)
    night.passes(5, beating=set(ALL) - {LIU[0], LIU[1]})
    silent = set(StateChange.objects.filter(state="down").values_list("object__code", flat=True))
    assert silent == {LIU[1]}
    night.passes(2, beating=set(ALL) - {LIU[0], LIU[1]})
    assert StateChange.objects.filter(state="down", object=slow).exists()


@pytest.mark.parametrize(("period", "grace"), [(9, 30), (3601, 30), (60, -1), (60, 3601)])
def test_a_rhythm_has_bounds(cast: Cast, at: datetime, period: int, grace: int) -> None:
    with pytest.raises(Refused):
        set_rhythm(subject=cast.sites[LIU[0]], period_s=period, grace_s=grace, by=cast.actor("shiguan"), at=at)


def test_lines_do_not_beat_and_outsiders_change_nothing(cast: Cast, at: datetime) -> None:
    with pytest.raises(Refused, match="线路"):
        set_rhythm(subject=cast.lines["L-990101100"], period_s=60, grace_s=30, by=cast.actor("shiguan"), at=at)
    with pytest.raises(Forbidden):
        set_rhythm(subject=cast.sites[LIU[0]], period_s=60, grace_s=30, by=cast.actor("zhanguan"), at=at)
