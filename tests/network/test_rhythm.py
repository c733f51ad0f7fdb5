"""How often one object is to beat: by whom it may be said, within which bounds, and that the listener follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from tests.network.listening import ALL, LIU, Night
from yuanjiao.lib.errors import Forbidden, Refused
from yuanjiao.network.commands import set_rhythm
from yuanjiao.network.models import Site, StateChange
from yuanjiao.people.models import AuditRow
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


def test_a_site_gets_its_own_period_on_its_page_and_loses_it_again(cast: Cast, log_in: Callable[[str], Client]) -> None:
    admin, address = log_in("shiguan"), f"/network/objects/{LIU[0]}/"
    assert "60 秒（全局）" in admin.get(address).content.decode()
    admin.post(f"{address}rhythm/", {"period_s": "300", "grace_s": ""})
    site = Site.objects.get(code=LIU[0])
    assert (site.period_s, site.grace_s) == (300, None)
    assert "300 秒（单独设定）" in admin.get(address).content.decode()
    wrong = admin.post(f"{address}rhythm/", {"period_s": "5", "grace_s": "10"})
    assert wrong.status_code == 400
    admin.post(f"{address}rhythm/", {"period_s": "", "grace_s": ""})
    assert Site.objects.get(code=LIU[0]).period_s is None
    assert AuditRow.objects.filter(action="改心跳周期", subject__contains=LIU[0]).count() == 2
    assert log_in("lingdao").post(f"{address}rhythm/", {"period_s": "300"}).status_code == 403
    assert "设定心跳周期" not in admin.get("/network/objects/L-990101100/").content.decode(), "a line does not beat"
