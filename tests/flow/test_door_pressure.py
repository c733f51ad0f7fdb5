"""When more comes than can be taken in: the journal's door says "later" before it reads, and senders come again when they were told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from tests.asking import Told
from tests.flow.happenings import Happened, told
from tests.simulator import Machine, World
from yuanjiao.flow.journal import door
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.journal.segment import MAX_SEGMENT_BYTES
from yuanjiao.flow.journal.ship import Backoff
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import forget_nodes, read_node
from yuanjiao.flow.wire.auth import signed_headers
from yuanjiao.lib.rsgi import Asked

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024


@pytest.fixture
def own(at: datetime) -> Iterator[Node]:
    """A node the door remembers: its threads have no look at this test's transaction."""
    forget_nodes()
    node = ensure_self(at=at)
    assert read_node(node.uid, now_s=time.monotonic()) is not None
    yield node
    forget_nodes()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> door.Waiting:
    """Room for two of the largest bodies, and nobody is taken in before `door._take_in` says so."""
    waiting = door.Waiting(2 * MAX_SEGMENT_BYTES)
    monkeypatch.setattr(door, "_waiting", waiting)
    monkeypatch.setattr(door, "_take_in", lambda target, headers, body: (200, str(len(body)).encode()))
    return waiting


class Slow(Told):
    """A sender whose body does not come before `go` is set."""

    go: asyncio.Event
    read = False

    async def __call__(self) -> bytes:
        self.read = True
        await self.go.wait()
        return b"".join(self.pieces)


def asked(own: Node, length: int | None, at: datetime) -> Asked:
    claim = signed_headers(method="POST", target="/journal", body=b"", node=own, at=at)
    return Asked("POST", "/journal", headers=claim | ({} if length is None else {"content-length": str(length)}))


async def crowd(own: Node, at: datetime, *lengths: int) -> list[Slow]:
    """All ask at once; the bodies come only when every one of them was heard."""
    go, slow = asyncio.Event(), [Slow([b"x"]) for _ in lengths]
    for one in slow:
        one.go = go
    asking = [asyncio.ensure_future(door.door(asked(own, length, at), one)) for length, one in zip(lengths, slow, strict=True)]
    for _ in range(20):
        await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*asking)
    return slow


def test_who_finds_no_room_is_told_to_come_again_and_is_not_read(own: Node, at: datetime, small: door.Waiting) -> None:
    slow = asyncio.run(crowd(own, at, 4 * MIB, 3 * MIB, 2 * MIB, 1 * MIB))
    assert [one.status for one in slow] == [200, 200, 503, 200], "the third is too large for what is left, the fourth is not"
    assert [one.read for one in slow] == [True, True, False, True]
    assert small.held == 0, "room is given back"


def test_a_body_of_unknown_length_counts_as_the_largest(own: Node, at: datetime, small: door.Waiting) -> None:
    small.held = MAX_SEGMENT_BYTES + 1
    told = Slow([b"x"])
    asyncio.run(door.door(asked(own, None, at), told))
    assert told.status == 503
    assert told.pieces == [b"x"]


def test_those_turned_away_do_not_all_come_back_at_once(own: Node, at: datetime, small: door.Waiting) -> None:
    small.held = small.most
    waits = set()
    for _ in range(60):
        told = Slow()
        asyncio.run(door.door(asked(own, 1, at), told))
        waits.add(int(told.headers["retry-after"]))
    assert len(waits) > 3
    assert min(waits) >= door.RETRY_S
    assert max(waits) <= 3 * door.RETRY_S


def test_one_name_does_not_take_the_room_of_all(own: Node, at: datetime, small: door.Waiting) -> None:
    slow = asyncio.run(crowd(own, at, *[1000] * (door.PLACES_OF_A_NODE + 1)))
    assert [one.status for one in slow] == [200] * door.PLACES_OF_A_NODE + [503]
    assert small.held == 0
    assert [one.status for one in asyncio.run(crowd(own, at, 1000))] == [200], "places are given back"


def test_a_stranger_gets_no_place(own: Node, at: datetime, small: door.Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_is_known", lambda claim, now_s: False)
    small.most = 0
    without, stranger = Slow(), Slow()
    asyncio.run(door.door(Asked("POST", "/journal", headers={"content-length": "9"}), without))
    question = asked(own, 9, at)
    forget_nodes()
    asyncio.run(door.door(question, stranger))
    assert [without.status, stranger.status] == [401, 401]
    assert not without.read
    assert not stranger.read


def test_a_sender_that_sends_nothing_loses_its_place(own: Node, at: datetime, small: door.Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "BODY_S", 0.01)
    silent = Slow()

    async def say_nothing() -> None:
        silent.go = asyncio.Event()
        await door.door(asked(own, 4 * MIB, at), silent)

    asyncio.run(say_nothing())
    assert silent.status == 408
    assert small.held == 0


def test_a_larger_body_than_any_segment_is_refused_by_its_header(own: Node, at: datetime) -> None:
    large = Slow()
    asyncio.run(door.door(asked(own, MAX_SEGMENT_BYTES + 1, at), large))
    assert large.status == 413
    assert not large.read


def test_nobody_waits_less_than_he_was_asked_to(at: datetime) -> None:
    backoff = Backoff(base_s=5, cap_s=300)
    backoff.fail(at, 0.0, least_s=40)
    assert backoff.until == at + timedelta(seconds=40)
    backoff.fail(at, 1.0, least_s=40)
    assert backoff.until == at + timedelta(seconds=80), "and not all at the same moment after"


def test_a_parent_cannot_silence_us_by_a_far_day(at: datetime) -> None:
    backoff = Backoff(base_s=5, cap_s=300)
    backoff.fail(at, 1.0, least_s=1e9)
    assert backoff.until == at + timedelta(seconds=300)


@pytest.mark.usefixtures("happenings_wired")
def test_the_shipper_comes_again_when_the_busy_parent_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    centre, edge = world.machine("centre", "centre"), world.machine("edge", "edge")
    edge.join(centre)
    with edge.here():
        record(Happened(text="一"), at=edge.now)
    honest = Machine.answer
    monkeypatch.setattr(Machine, "answer", lambda self, request, body: httpx.Response(503, headers={"Retry-After": "90"}))
    edge.ship()
    monkeypatch.setattr(Machine, "answer", honest)
    world.pass_time(89)
    assert edge.ship() == 0
    world.pass_time(60)
    assert edge.ship() == 1
    with centre.here():
        assert told() == ["一"]
