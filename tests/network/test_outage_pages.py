"""The pages of outages: what is held back is shown as such, what comes and goes is shown as one matter, a return is watched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from yuanjiao.lib import clock
from yuanjiao.network import queries
from yuanjiao.network.models import Instability, Outage, OutageVerdict
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
Enter = Callable[[str], Client]


def outage(cast: Cast, *, ended_s: float | None = None, held_for: str = "") -> Outage:
    """One outage of a site that began an hour ago; `ended_s`: so many seconds ago it was back."""
    start, site = clock.now() - timedelta(hours=1), cast.sites["S-990101100200"]
    row = Outage.objects.create(
        object=site,
        started_at=start,
        started_lo=start,
        started_hi=start,
        detected_at=start,
        ended_at=None if ended_s is None else clock.now() - timedelta(seconds=ended_s),
        held=bool(held_for),
        held_for=held_for,
        fault_class="equipment",
    )
    OutageVerdict.objects.create(outage=row, at=start, fault_class="equipment", rule="site_alone", evidence="无心跳", confidence=0.7)
    return row


def test_an_outage_in_announced_work_is_listed_as_such_and_is_no_open_root(cast: Cast, log_in: Enter) -> None:
    row = outage(cast, held_for="maintenance")
    officer = log_in("xianguan")
    assert "检修期内" in officer.get("/network/outages/").content.decode()
    assert "不单独告知，也不自动开单" in officer.get(f"/network/outages/{row.uid}/").content.decode()
    assert "李村站点" in officer.get("/network/outages/?hold=maintenance").content.decode()
    assert queries.open_outages(["/"]) == []


def test_a_page_names_the_rule_in_words_and_the_spans_of_coming_and_going(cast: Cast, log_in: Enter) -> None:
    row = outage(cast)
    Instability.objects.create(object=row.object, started_at=row.started_at, drops=7)
    page = log_in("xianguan").get(f"/network/outages/{row.uid}/").content.decode()
    assert "单个站点无心跳" in page
    assert "时断时续" in page
    assert "仍不稳定" in page


@pytest.mark.parametrize(("ended_s", "shown"), [(20, "刚恢复"), (600, "已恢复")])
def test_a_return_counts_as_one_after_three_beats(ended_s: float, shown: str, cast: Cast, log_in: Enter) -> None:
    page = log_in("xianguan").get(f"/network/outages/{outage(cast, ended_s=ended_s).uid}/").content.decode()
    assert f"<strong>{shown}</strong>" in page
