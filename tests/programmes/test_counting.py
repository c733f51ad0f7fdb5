"""Plays on the television are counted too, mischief is bounded, and what is shown of the sums gives no small number away (FBK08)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some

from tests.programmes.conftest import Publish
from yuanjiao.lib import clock
from yuanjiao.programmes import queries
from yuanjiao.programmes.commands import use
from yuanjiao.programmes.limits import CountLimits
from yuanjiao.programmes.models import PlayCount, PlayTally
from yuanjiao.programmes.queries.use import ENOUGH, FEWEST, STEP, _use
from yuanjiao.simulation.cast import Cast

ON = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def own_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use, "COUNTS", CountLimits())


@pytest.mark.clause("FBK08")
def test_a_play_on_television_is_counted_without_script_and_its_end_where_one_runs(publish: Publish, client: Client) -> None:
    item = publish("养猪技术")
    address = f"/tv/play/{item.uid}/"
    page = client.get(address)
    assert page.status_code == 200
    assert "no-cache" not in page.headers.get("Cache-Control", ""), "a page that is kept in front would not be counted"
    client.head(address)
    row = PlayTally.objects.get()
    assert (row.started, row.finished) == (1, 0)
    told = f"/plays/{item.uid}/finished/"
    assert f'data-plays="{told}"' in page.content.decode()
    assert client.post(told).status_code == 204
    row.refresh_from_db()
    assert (row.started, row.finished) == (1, 1)


def test_who_plays_all_night_is_played_to_but_not_counted(publish: Publish, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    item = publish("养猪技术")
    monkeypatch.setattr(clock, "now", lambda: at)
    answers = [Client().post(f"/plays/{item.uid}/started/") for _ in range(70)]
    assert {one.status_code for one in answers} == {204, 429}
    counted = PlayTally.objects.get().started
    assert counted == sum(one.status_code == 204 for one in answers) == 60
    refused = next(one for one in answers if one.status_code == 429)
    page = Client().get(f"/tv/play/{item.uid}/")
    assert page.status_code == 200
    assert PlayTally.objects.get().started == counted
    assert Client(REMOTE_ADDR="10.9.8.7").post(f"/plays/{item.uid}/started/").status_code == 204, "nobody is silenced by somebody else"
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(seconds=int(refused.headers["Retry-After"])))
    assert Client().post(f"/plays/{item.uid}/started/").status_code == 204


def test_one_item_is_bounded_over_all_senders_and_one_sender_over_all_items(at: datetime) -> None:
    limits, now, item = CountLimits(), at.timestamp(), uuid4()
    assert sum(not limits.take(f"10.0.{n // 250}.{n % 250}", item, "5", now) for n in range(4000)) == 3000
    limits = CountLimits()
    assert sum(not limits.take("10.0.0.1", uuid4(), "5", now) for _ in range(500)) == 120


@given(some.integers(0, 400), some.integers(0, 400), some.lists(some.integers(0, 40), min_size=5, max_size=5))
def test_what_is_shown_is_rounded_and_rates_are_made_of_what_is_shown(started: int, finished: int, stars: list[int]) -> None:
    sums = {"started": started, "finished": finished, **{f"rated_{n}": count for n, count in enumerate(stars, 1)}}
    found = _use(uuid4(), "", sums)
    assert (found.started is None) == (started < FEWEST)
    assert (found.completion is None) == (started < ENOUGH)
    assert (found.ratings is None) == (found.mean_rating is None) == (sum(stars) < FEWEST)
    if found.started is not None:
        assert found.started % STEP == 0
        assert abs(found.started - started) < STEP
    if found.completion is not None:
        assert found.started
        assert found.completion in {min(ended / found.started, 1.0) for ended in range(0, 500, STEP)}
    if found.mean_rating is not None:
        assert found.mean_rating * 2 == int(found.mean_rating * 2)


@pytest.mark.clause("FBK08")
def test_a_hidden_county_cannot_be_reckoned_from_the_others(publish: Publish, cast: Cast) -> None:
    item = publish("养猪技术")
    counties = [cast.divisions[code] for code in ("990101000000", "990102000000")]
    shown = set()
    for hidden in range(1, FEWEST):
        PlayCount.objects.all().delete()
        for county, count in zip(counties, (hidden, 11), strict=True):
            PlayCount.objects.create(origin=uuid4(), path=county.path, started=count, item_uid=item.uid, day=ON)
        span = (ON, ON + timedelta(days=1))
        (city,) = queries.item_use(["/"], *span)
        shown.add((city.started, *(one.started for _name, one in queries.use_by_county(item.uid, counties, *span))))
    assert shown == {(10, None, 10), (15, None, 10)}
    assert len(shown) < FEWEST - 1
