"""A withdrawn item is followed to every machine below; plays are told in sums of days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from tests.programmes.conftest import Publish
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Courseware
from yuanjiao.flow.catalogue.models import CurrentCatalogue
from yuanjiao.flow.catalogue.publish import publish as sign
from yuanjiao.flow.journal.event import Fact
from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.journal.record import apply_entry
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.events import CatalogueAccepted, apply_catalogue_accepted
from yuanjiao.programmes.models import CatalogueStep, CatalogueTaken, Departure, DepartureConfirmed, PlayCount, PlayTally
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
ON = date(2026, 3, 2)


@pytest.fixture
def edges(cast: Cast, at: datetime) -> list[Node]:
    """The machines of the two counties' edges."""
    return [
        Node.objects.create(
            kind="edge", name=edge.name, public_key=code.encode().ljust(32), subject_code=code, scope=edge.division.path, enrolled_at=at
        )
        for code, edge in sorted(cast.edges.items())
    ]


def says(node: Node, version: int, at: datetime) -> None:
    """The fact of a machine below, as the journal applies it."""
    event = CatalogueAccepted(subject=node.subject_code, path=node.scope, version=version)
    apply_catalogue_accepted(event, Fact(origin=node.uid, seq=version, at=at))


@pytest.mark.clause("CW13")
def test_a_withdrawn_item_is_gone_where_a_catalogue_without_it_was_taken_up_and_the_page_says_where_not(
    publish: Publish, edges: list[Node], cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, kept = publish("有误的课"), publish("好课")
    held = sign(at)
    assert held is not None
    by = cast.actor("shiguan")
    courseware.withdraw_courseware(courseware=item, reason="数据有误", by=by, at=at + timedelta(minutes=1))
    commands.watch_departures(at=at + timedelta(minutes=1))
    row = Departure.objects.get()
    assert (row.item_uid, row.reason, row.gone_version) == (item.uid, "数据有误", None), "no catalogue without it is signed yet"
    says(edges[0], held, at)
    gone = sign(at + timedelta(minutes=2))
    assert gone is not None
    assert commands.watch_departures(at=at + timedelta(minutes=3)) == 0
    row.refresh_from_db()
    assert row.gone_version == gone
    says(edges[0], gone, at + timedelta(minutes=4))
    assert commands.watch_departures(at=at + timedelta(minutes=5)) == 1
    waiting, proved = queries.gone_from(row, edges)
    assert (waiting.subject, waiting.waiting_since, waiting.version) == ("E-990102", row.withdrawn_at, 0)
    assert (proved.subject, proved.confirmed_at) == ("E-990101", at + timedelta(minutes=4))
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=2))
    client = log_in("shiguan")
    assert "还有 1 处未确认" in client.get("/programmes/departures/").content.decode()
    county = log_in("xianguan")
    assert "各处已撤净" in county.get("/programmes/departures/").content.decode(), "a county follows its own machines"
    assert "E-990102" not in county.get(f"/programmes/departures/{row.pk}/").content.decode()
    client = log_in("shiguan")
    page = client.get(f"/programmes/departures/{row.pk}/").content.decode()
    assert "还没有报过" in page
    assert "state-red" in page
    says(edges[1], gone + 7, at + timedelta(days=1))
    commands.watch_departures(at=at + timedelta(days=1))
    assert "各处已撤净" in client.get("/programmes/departures/").content.decode()
    assert Courseware.objects.get(pk=kept.pk).state == "released"


def test_an_older_version_that_comes_late_proves_nothing_and_a_strangers_word_about_another_county_is_refused(
    edges: list[Node], at: datetime
) -> None:
    says(edges[0], 9, at)
    says(edges[0], 5, at + timedelta(hours=1))
    assert CatalogueTaken.objects.get().version == 9
    with pytest.raises(Refused):
        says(Node(uid=edges[0].uid, subject_code="E", scope=edges[1].scope), 11, at)


def test_what_one_county_made_for_itself_is_followed_by_it_and_by_those_above_but_not_by_its_neighbour(
    edges: list[Node], at: datetime
) -> None:
    row = Departure.objects.create(item_uid=new_uid(), title="本县的课", path=edges[0].scope, withdrawn_at=at)
    assert queries.departure_for(row.pk, ["/"]) == queries.departure_for(row.pk, [edges[0].scope]) == row
    with pytest.raises(NotFound):
        queries.departure_for(row.pk, [edges[1].scope])


def test_an_item_that_is_released_again_is_no_departure_any_more(publish: Publish, cast: Cast, at: datetime) -> None:
    item = publish("修好的课")
    courseware.withdraw_courseware(courseware=item, reason="改错字", by=cast.actor("shiguan"), at=at)
    commands.watch_departures(at=at)
    Courseware.objects.filter(pk=item.pk).update(state="released")
    commands.watch_departures(at=at)
    assert Departure.objects.get().over
    assert not DepartureConfirmed.objects.exists()


def test_a_revised_item_is_gone_only_where_the_newer_version_has_come(publish: Publish, cast: Cast, at: datetime) -> None:
    item, machine = publish("第一版"), new_uid()
    Courseware.objects.filter(pk=item.pk).update(state="revised")
    departure = Departure.objects.create(item_uid=item.uid, withdrawn_at=at, title="第一版", path="/", reason="改版", gone_version=7)
    CatalogueTaken.objects.create(origin=machine, version=9, taken_at=at)
    assert commands.watch_departures(at=at) == 0
    for version in (8, 9):
        CatalogueStep.objects.create(origin=machine, version=version, taken_at=at)
    assert commands.watch_departures(at=at) == 1
    assert departure.confirmed.get().version == 8


def test_a_machine_tells_a_catalogue_once_and_the_top_tells_none(cast: Cast, at: datetime) -> None:
    CurrentCatalogue.objects.create(version=42, whole_version=42)
    assert commands.tell_catalogue(at=at) is False, "nobody is above"
    Node.objects.create(kind="centre", name="上级", public_key=b"p" * 32, is_parent=True, enrolled_at=at)
    assert commands.tell_catalogue(at=at) is True
    assert commands.tell_catalogue(at=at) is False
    CurrentCatalogue.objects.update(version=43, whole_version=43)
    assert commands.tell_catalogue(at=at) is True
    assert Entry.objects.filter(kind="programmes.catalogue_accepted/1").count() == 2
    assert not Entry.objects.filter(kind="programmes.catalogue_followed/1").exists()


def test_a_catalogue_in_force_is_told_before_its_files_are_here_and_counts_for_withdrawals_alone(cast: Cast, at: datetime) -> None:
    Node.objects.create(kind="centre", name="上级", public_key=b"p" * 32, is_parent=True, enrolled_at=at)
    CurrentCatalogue.objects.create(version=42, whole_version=40)
    assert commands.tell_catalogue(at=at) is True
    assert commands.tell_catalogue(at=at) is False
    assert CatalogueTaken.objects.get().version == 42
    assert CatalogueStep.objects.get().version == 40
    CurrentCatalogue.objects.update(whole_version=42)
    assert commands.tell_catalogue(at=at) is True
    assert list(CatalogueStep.objects.order_by("version").values_list("version", flat=True)) == [40, 42]


@pytest.mark.clause("FBK08")
def test_plays_and_stars_are_counted_without_a_person_and_told_once_when_the_day_is_over(
    publish: Publish, cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch, log_in: LogIn
) -> None:
    item = publish("养猪技术")
    monkeypatch.setattr(clock, "now", lambda: at)
    for what in ["started"] * 24 + ["finished"] * 16 + ["5", "5", "5", "4", "1"]:
        assert Client().post(f"/plays/{item.uid}/{what}/").status_code == 204
    for wrong in (f"/plays/{item.uid}/6/", f"/plays/{item.uid}/stolen/", "/plays/018f0000-0000-7000-8000-000000000000/started/"):
        assert Client().post(wrong).status_code == 404
    assert Client().get(f"/plays/{item.uid}/started/").status_code == 405
    assert commands.tell_plays(at=at) == 0, "the day is not over"
    assert commands.tell_plays(at=at + timedelta(days=1)) == 1
    assert commands.tell_plays(at=at + timedelta(days=1)) == 0
    assert not PlayTally.objects.exists()
    (found,) = queries.item_use(["/"], ON, ON + timedelta(days=1))
    assert (found.title, found.started, found.completion, found.ratings, found.mean_rating) == ("养猪技术", 25, 0.6, 5, 4.0)
    entry = Entry.objects.get(kind="programmes.plays_counted/1")
    apply_entry(entry)
    assert PlayCount.objects.get().started == 24
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=1))
    assert "60%" in log_in("shiguan").get("/programmes/use/").content.decode()


@pytest.mark.clause("FBK08")
def test_small_numbers_are_not_shown_and_counties_see_their_own(publish: Publish, edges: list[Node], cast: Cast, at: datetime) -> None:
    item = publish("养猪技术")
    names = {"item_uid": item.uid, "day": ON}
    PlayCount.objects.create(origin=edges[0].uid, path=edges[0].scope, started=4, finished=4, rated_5=4, **names)
    PlayCount.objects.create(origin=edges[1].uid, path=edges[1].scope, started=6, finished=3, **names)
    span = (ON, ON + timedelta(days=1))
    (own,) = queries.item_use([edges[0].scope], *span)
    assert (own.started, own.completion, own.ratings, own.mean_rating) == (None, None, None, None)
    (both,) = queries.item_use(["/"], *span)
    assert (both.started, both.completion, both.ratings) == (10, None, None)
    rows = queries.use_by_county(item.uid, [cast.divisions["990101000000"], cast.divisions["990102000000"]], *span)
    assert [(name, one.started) for name, one in rows] == [("柳溪县", None), ("石岭县", 5)]


def test_a_withdrawn_item_is_not_counted(publish: Publish, cast: Cast, at: datetime) -> None:
    item = publish("养猪技术")
    courseware.withdraw_courseware(courseware=item, reason="旧", by=cast.actor("shiguan"), at=at)
    with pytest.raises(NotFound):
        commands.note_play(item=item.uid, finished=False, on=ON)
    with pytest.raises(Refused):
        commands.note_rating(item=item.uid, stars=0, on=ON)
