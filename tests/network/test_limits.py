"""How often one sender may knock: wide for who proves itself, narrow for who does not, and nobody is silenced by somebody else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.asking import ask
from tests.network.listening import LIU, SHI
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.rsgi import Asked
from yuanjiao.network import intake
from yuanjiao.network.limits import PlaceLimits, SenderLimits, taken
from yuanjiao.network.live import LISTENER, Listener
from yuanjiao.simulation.cast import Cast


@given(some.lists(some.floats(0, 5), min_size=1, max_size=60), some.integers(1, 8))
def test_never_more_than_the_burst_and_what_refills(pauses: list[float], burst: int) -> None:
    limits, now, allowed = SenderLimits(every_s=1.0, burst=burst), 1000.0, list[float]()
    for pause in pauses:
        now += pause
        if not limits.take("one", now):
            allowed.append(now)
    for start in range(len(allowed)):
        for end in range(start, len(allowed)):
            assert end - start + 1 <= burst + (allowed[end] - allowed[start]) + 1e-6


@given(some.integers(1, 50))
def test_who_waits_as_long_as_told_is_let_in(knocks: int) -> None:
    limits, now = SenderLimits(every_s=2.0, burst=3), 1000.0
    for _ in range(knocks):
        if wait := limits.take("one", now):
            now += wait
            assert limits.take("one", now) == 0


def test_a_clock_that_was_set_back_blocks_nobody() -> None:
    assert taken(10_000.0, 5.0, cost_s=1.0, room_s=20.0) == (6.0, 0.0)


def test_the_table_of_strangers_is_bounded_and_forgets_who_is_full_again() -> None:
    limits = SenderLimits(every_s=1.0, burst=2, most=100)
    waits = [limits.take(number, 1000.0) for number in range(150)]
    assert len(limits) == 100
    assert waits[:100] == [0] * 100
    assert all(waits[100:])
    assert limits.take("later", 1010.0) == 0
    assert len(limits) == 1


def test_places_begin_anew_with_a_new_array() -> None:
    limits, first, second = PlaceLimits(every_s=1.0, burst=1), object(), object()
    assert limits.take(first, 3, 2, 1000.0) == 0
    assert limits.take(first, 3, 2, 1000.0) > 0
    assert limits.take(first, 3, 1, 1000.0) == 0, "each place has its own"
    assert limits.take(second, 3, 2, 1000.0) == 0


@pytest.fixture
def listener(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Listener:
    """A listener with limits of its own."""
    one = Listener()
    one.reload(own_node(), top=True, now=at.timestamp())
    monkeypatch.setattr(intake, "SITES", PlaceLimits(every_s=1.0, burst=20))
    monkeypatch.setattr(intake, "STRANGERS", SenderLimits(every_s=0.05, burst=30))
    return one


def send(listener: Listener, at: datetime, beat: dict[str, str], sender: str = "192.0.2.1") -> tuple[int, Any]:
    status, content, _ = intake.take_single(listener, json.dumps(beat).encode(), "", False, at.timestamp(), sender=lambda: sender)
    return status, json.loads(content)


@pytest.mark.django_db
def test_a_box_gone_mad_is_told_when_to_come_again_and_the_others_are_heard(listener: Listener, cast: Cast, at: datetime) -> None:
    mad = {"site": LIU[0], "key": cast.sites[LIU[0]].beat_key}
    statuses = [send(listener, at, mad)[0] for _ in range(40)]
    assert statuses == [200] * 20 + [429] * 20
    status, answer = send(listener, at, mad)
    assert (status, answer["retry_s"]) == (429, 1)
    assert "秒后再报" in answer["error"]
    assert send(listener, at, {"site": LIU[1], "key": cast.sites[LIU[1]].beat_key})[0] == 200
    assert send(listener, at + timedelta(seconds=1), mad)[0] == 200


@pytest.mark.django_db
def test_wrong_keys_from_one_address_cannot_silence_the_site_whose_code_they_use(listener: Listener, cast: Cast, at: datetime) -> None:
    statuses = [send(listener, at, {"site": LIU[0], "key": "geraten"})[0] for _ in range(100)]
    assert statuses[:30] == [403] * 30
    assert set(statuses[30:]) == {429}
    assert send(listener, at, {"site": "S-无", "key": ""})[0] == 429, "strangers from there as well"
    assert send(listener, at, {"site": LIU[0], "key": cast.sites[LIU[0]].beat_key})[0] == 200, "the site itself, even from there"
    assert send(listener, at, {"site": LIU[0], "key": "geraten"}, sender="192.0.2.2")[0] == 403


@pytest.mark.django_db
def test_the_door_says_when_to_come_again_in_its_header(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LISTENER, "loaded_at", at.timestamp())
    monkeypatch.setattr(intake, "STRANGERS", SenderLimits(every_s=7.0, burst=1))
    question = Asked("GET", "/beat", "site=x&key=y", client="192.0.2.9:1")
    first, second = ask(intake.door, question), ask(intake.door, question)
    assert [first.status, second.status] == [200, 429]
    assert second.headers["retry-after"] == "7"


@pytest.mark.django_db
def test_an_edge_speaks_for_its_sites_and_their_own_beats_only_bear_witness(cast: Cast, at: datetime) -> None:
    Node.objects.create(kind="edge", name="边缘", public_key=b"k" * 32, subject_code="E-990101", enrolled_at=at)
    listener = Listener()
    listener.reload(own_node(), top=True, now=at.timestamp())
    for code in (LIU[0], SHI[0]):
        assert send(listener, at, {"site": code, "key": cast.sites[code].beat_key})[0] == 200
    array = listener.array
    judged, witnessed = array.places[SHI[0]], array.places[LIU[0]]
    assert (array.last[judged], array.witness[judged]) == (at.timestamp(), 0)
    assert (array.last[witnessed], array.witness[witnessed]) == (0, at.timestamp())
    assert not [one for one in array.sweep(at.timestamp()) if one.code == LIU[0]], "no state comes of it here"
