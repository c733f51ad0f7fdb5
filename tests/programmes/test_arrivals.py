"""A released item is followed to every machine below, and told by machine and by access mode."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.programmes.conftest import Publish
from tests.programmes.test_reach import edges, says
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column
from yuanjiao.flow.catalogue.publish import publish as sign
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.models import Liveness, Site
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.models import Arrival, CatalogueStep
from yuanjiao.simulation.cast import SINCE, Cast

__all__ = ["edges"]
LogIn = Callable[[str], Client]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def signed(at: datetime) -> int:
    version = sign(at)
    assert version is not None
    commands.watch_arrivals(at=at)
    return version


@pytest.mark.clause("DLV02")
def test_a_released_item_is_told_by_machine_and_how_long_each_access_mode_took(
    publish: Publish, edges: list[Node], cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    Site.objects.filter(code="S-990102100200").update(access_mode="mobile")
    before = signed(at - HOUR)
    says(edges[0], before, at - HOUR)
    item = publish("新课")
    commands.watch_arrivals(at=at)
    row = queries.arrival_of(item.uid, ["/"])
    assert not row.versions.exists(), "no catalogue with it is signed yet"
    assert [one.arrived_at for one in queries.picture_of(row, ["/"], at=at).machines] == [None, None]
    with_it = signed(at + MINUTE)
    says(edges[0], with_it, at + 3 * HOUR)
    says(edges[0], with_it + 5, at + 9 * HOUR)
    row = queries.arrival_of(item.uid, ["/"])
    picture = queries.picture_of(row, ["/"], at=at + 9 * HOUR)
    waiting, held = picture.machines
    assert (waiting.subject, waiting.arrived_at, waiting.version) == ("E-990102", None, 0)
    assert (held.subject, held.arrived_at, held.version) == ("E-990101", at + 3 * HOUR, with_it + 5), "the first one with it counts"
    assert (picture.held, picture.reachable, picture.share) == (1, 2, 0.5)
    assert [(one.mode, one.reached, one.sites, one.took) for one in picture.modes] == [
        ("宽带+机顶盒+电视", 4, 4, 3 * HOUR), ("手机", 0, 1, None),
    ]  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: at + 14 * HOUR)
    page = log_in("zhizuo").get(f"/programmes/arrivals/{item.uid}/").content.decode()
    assert "3.0 小时" in page
    assert "还没有报过" in page
    assert "state-red" in page
    assert "50% 可达机器已有" in log_in("shiguan").get("/programmes/arrivals/").content.decode()
    says(edges[1], with_it, at + 15 * HOUR)
    assert "100% 可达机器已有" in log_in("shiguan").get("/programmes/arrivals/").content.decode()
    assert [one.took for one in queries.picture_of(row, ["/"], at=at).modes] == [3 * HOUR, 15 * HOUR]


def test_a_machine_known_to_be_dark_is_named_and_not_counted_as_reachable(
    publish: Publish, edges: list[Node], cast: Cast, at: datetime
) -> None:
    item = publish("新课")
    says(edges[0], signed(at), at)
    Liveness.objects.update_or_create(
        object=cast.edges["E-990102"],
        defaults={"state": "down", "since": at - HOUR, "last_heard_at": at - HOUR, "observer": edges[0].uid, "seq": 1},
    )
    picture = queries.picture_of(queries.arrival_of(item.uid, ["/"]), ["/"], at=at)
    assert [(one.subject, one.dark, one.dark_since) for one in picture.machines] == [
        ("E-990102", True, at - HOUR), ("E-990101", False, None),
    ]  # fmt: skip
    assert (picture.held, picture.reachable, picture.share) == (1, 1, 1.0)


def test_what_a_county_shows_itself_is_due_at_its_own_machine_and_later_at_all_when_the_city_takes_it_over(
    publish: Publish, edges: list[Node], cast: Cast, at: datetime, column: Column
) -> None:
    county = edges[0].scope
    by = cast.actor("shiguan")
    own = courseware.open_column(title="本县", owner=cast.units["ZZ-990101"], audience=county, visible_from=SINCE, by=by, at=at)
    item = publish("县里的课", into=own)
    first = signed(at)
    says(edges[0], first, at)
    says(edges[1], first + 1, at)
    picture = queries.picture_of(queries.arrival_of(item.uid, ["/"]), ["/"], at=at)
    assert [one.subject for one in picture.machines] == ["E-990101"], "a neighbour that took up the same catalogue does not have it"
    assert [(one.reached, one.sites) for one in picture.modes] == [(4, 4)]
    (placement,) = item.placements.all()
    courseware.adopt_courseware(placement=placement, column=column, by=by, at=at)
    later = signed(at + HOUR)
    picture = queries.picture_of(queries.arrival_of(item.uid, ["/"]), ["/"], at=at)
    assert [(one.subject, one.arrived_at) for one in picture.machines] == [("E-990102", None), ("E-990101", at)]
    says(edges[1], later, at + HOUR)
    picture = queries.picture_of(queries.arrival_of(item.uid, ["/"]), ["/"], at=at)
    assert {one.subject: one.arrived_at for one in picture.machines} == {"E-990101": at, "E-990102": at + HOUR}


def test_a_county_sees_its_own_machines_and_nothing_its_neighbour_made(
    publish: Publish, edges: list[Node], cast: Cast, at: datetime, log_in: LogIn
) -> None:
    item = publish("新课")
    signed(at)
    page = log_in("xianguan").get(f"/programmes/arrivals/{item.uid}/").content.decode()
    assert "E-990101" in page
    assert "E-990102" not in page
    Arrival.objects.update(path=edges[0].scope)
    with pytest.raises(NotFound):
        queries.arrival_of(item.uid, [edges[1].scope])


def test_a_withdrawn_item_is_followed_no_more_and_a_second_release_begins_anew(publish: Publish, cast: Cast, at: datetime) -> None:
    item = publish("有误的课")
    signed(at)
    courseware.withdraw_courseware(courseware=item, reason="数据有误", by=cast.actor("shiguan"), at=at)
    commands.watch_arrivals(at=at)
    assert Arrival.objects.get().over
    assert commands.watch_arrivals(at=at) == 0


def test_a_version_told_twice_keeps_its_earlier_moment(edges: list[Node], at: datetime) -> None:
    for moment in (at, at + HOUR, at - HOUR):
        says(edges[0], 9, moment)
    assert CatalogueStep.objects.get().taken_at == at - HOUR
