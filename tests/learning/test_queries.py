"""Use per place and month, the zero-use list, and plans going down to an edge."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from tests.learning.stage import CITY, COUNTY, LI_SITE, hold, make_plan
from yuanjiao.flow.catalogue.shelf import ALL, Shelf
from yuanjiao.learning import queries, shelf
from yuanjiao.learning.commands import SessionRecord
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.models import StudyDayPlan
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import Lifecycle
from yuanjiao.simulation.cast import Cast

MARCH = (date(2026, 3, 1), date(2026, 4, 1))


@pytest.mark.clause("LRN03", "LRN15")
def test_use_is_counted_per_site_town_and_county_with_the_counters_apart(cast: Cast, at: datetime) -> None:
    hold(cast, at, 23)
    hold(cast, at, held=SessionRecord(held_at=at - timedelta(hours=3), heads_onsite=0, heads_online=8, minutes=30))
    hold(cast, at, 11, site="S-990101101200")
    hold(cast, at, 40, site="S-990102100200")
    hold(cast, at, 99, ago=timedelta(days=10))  # February
    town = COUNTY + "990101100000/"
    by_place = queries.use_by_division([CITY], [CITY, COUNTY, town], *MARCH)
    assert (by_place[town].sessions, by_place[town].onsite, by_place[town].online, by_place[town].persons_at_least) == (2, 23, 8, 23)
    assert (by_place[COUNTY].sessions, by_place[COUNTY].hours, by_place[COUNTY].sites) == (3, 2.5, 2)
    assert by_place[CITY].onsite == 74
    assert queries.use_by_site([COUNTY], *MARCH)[LI_SITE].sessions == 2
    assert queries.use_of(COUNTY, *MARCH) == by_place[COUNTY]


@pytest.mark.clause("LRN03")
def test_the_zero_use_list_names_sites_in_service_without_a_session_and_only_them(cast: Cast, at: datetime) -> None:
    hold(cast, at)
    hold(cast, at, 11, site="S-990101101200", ago=timedelta(days=10))
    late, suspended = cast.sites["S-990101100201"], cast.sites["S-990101101201"]
    late.in_service_on = date(2026, 4, 1)
    late.save()
    assert [site.code for site in queries.zero_use([COUNTY], *MARCH)] == ["S-990101101200", "S-990101101201"]
    suspended.lifecycle, suspended.suspension_document = Lifecycle.SUSPENDED, "柳组〔2026〕3号"
    suspended.save()
    assert [site.code for site in queries.zero_use([COUNTY], *MARCH)] == ["S-990101101200"]
    assert queries.sites_asked([COUNTY], MARCH[1]).count() == 2


def test_two_places_asked_for_at_once_are_not_counted_twice(cast: Cast, at: datetime) -> None:
    hold(cast, at)
    assert queries.counted_sessions([COUNTY, COUNTY + "990101100000/"], *MARCH).count() == 1
    assert queries.sessions([]).count() == 0


@pytest.mark.clause("LRN02")
def test_plans_go_down_and_a_dropped_or_changed_plan_follows(cast: Cast, at: datetime) -> None:
    one_shelf: Shelf = shelf
    items = [ItemShown(uid=new_uid(), title="养猪技术"), ItemShown(uid=new_uid(), title="果树剪枝")]
    kept = make_plan(cast, at, items=items)
    gone = make_plan(cast, at, title="只办一次", days_of_month=(), single_on=date(2026, 3, 5))
    above, days = one_shelf.offer(ALL), kept.recurrence
    assert one_shelf.offer(ALL) == above
    assert one_shelf.offer(COUNTY).document == b""
    StudyDayPlan.objects.all().delete()
    one_shelf.accept(above.document)
    here = StudyDayPlan.objects.get(uid=kept.uid)
    assert here.recurrence == days
    assert [item.title for item in here.items.all()] == ["养猪技术", "果树剪枝"]
    assert one_shelf.offer(ALL) == above
    StudyDayPlan.objects.filter(uid=gone.uid).delete()
    here.days.filter(day=26).delete()
    changed = one_shelf.offer(ALL)
    one_shelf.accept(above.document)
    one_shelf.accept(changed.document)
    assert [plan.uid for plan in StudyDayPlan.objects.all()] == [kept.uid]
    assert StudyDayPlan.objects.get().recurrence.days_of_month == {2, 16}
