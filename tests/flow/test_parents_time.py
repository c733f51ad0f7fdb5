"""What time it is at the parent: asked under its signature over a line that may lie, kept, shown to people, never told by facts."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from django.test import Client

from tests.simulator import Fate, Machine, World
from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import parent_node
from yuanjiao.flow.wire import parents_time
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.parents_time import ParentsTime, Told, ask, civil_ahead_s, keep, kept, tell, told_bytes
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused, Tampered, Unavailable

NONCE = "00" * 16


@pytest.fixture(autouse=True)
def nothing_was_looked_up() -> Iterator[None]:
    parents_time.forget_what_was_looked_up()
    yield
    parents_time.forget_what_was_looked_up()


class SlowLine(httpx.BaseTransport):
    """The simulated line, on which each way takes time: the true time passes, for both ends."""

    def __init__(self, world: World, inner: httpx.BaseTransport, trips: list[tuple[float, float]]) -> None:
        self.world, self.inner, self.trips = world, inner, trips

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        there, back = self.trips.pop(0)
        self.world.pass_time(there)
        answer = self.inner.handle_request(request)
        self.world.pass_time(back)
        return answer


@pytest.fixture
def edge(world: World) -> Machine:
    """An edge whose clock is three hours late, let in by a centre whose clock is right."""
    centre, edge = world.machine("centre", "centre"), world.machine("edge", "edge", skew_s=-3 * 3600.0)
    edge.join(centre, subject_code="E-990101", scope="/99/")
    return edge


def asked(edge: Machine, transport: httpx.BaseTransport) -> ParentsTime:
    with edge.here():
        parent = parent_node()
        assert parent is not None
        line = Line("http://parent.test", transport=transport, now=lambda: edge.now)
        return ask(line, parent, now_s=lambda: edge.now.timestamp(), steady_s=lambda: edge.world.now.timestamp())


def test_the_difference_is_known_to_half_of_the_quickest_round_trip(edge: Machine) -> None:
    assert edge.line is not None
    trips = [(2.0, 0.1), (0.05, 0.03), (0.3, 4.0), (0.04, 0.9), (1.0, 1.0)]
    found = asked(edge, SlowLine(edge.world, edge.line, trips))
    assert abs(found.ahead_s - 3 * 3600.0) <= found.within_s + 1e-3
    assert found.within_s <= 0.041


def test_a_dead_line_and_a_parent_of_before_are_said(edge: Machine) -> None:
    assert edge.line is not None
    edge.line.fates.append(Fate.LOST)
    with pytest.raises(Unavailable):
        asked(edge, edge.line)
    with pytest.raises(Unavailable, match="软件较旧"):
        asked(edge, httpx.MockTransport(lambda request: httpx.Response(404)))
    with pytest.raises(Unavailable, match="规矩"):
        asked(edge, httpx.MockTransport(lambda request: httpx.Response(200, content=b"<html>")))


def lying(edge: Machine, change: Callable[[Told], Told]) -> httpx.BaseTransport:
    """Somebody on the line who answers in the place of the parent, or changes what it said."""

    class Lying(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            assert edge.line is not None
            answer = edge.line.handle_request(request)
            content = msgspec.json.encode(change(msgspec.json.decode(answer.read(), type=Told)))
            return httpx.Response(200, content=content, headers=dict(answer.headers))

    return Lying()


@pytest.mark.parametrize("by_us", [1, -(10**9), 86_400_000_000])
def test_a_time_that_somebody_on_the_line_has_changed_is_not_believed(edge: Machine, by_us: int) -> None:
    with pytest.raises(Tampered, match="冒充"):
        asked(edge, lying(edge, lambda told: Told(told.time_us + by_us, told.signature)))


def test_nor_an_answer_that_was_given_before_nor_one_of_another_key(edge: Machine) -> None:
    first: list[Told] = []
    with pytest.raises(Tampered):
        asked(edge, lying(edge, lambda told: first.append(told) or first[0]))  # type: ignore[func-returns-value]
    stranger = edge.world.machine("stranger", "centre")

    def other(told: Told) -> Told:
        with stranger.here():
            return Told(told.time_us, base64.b64encode(keys.sign(told_bytes(bytes(16), told.time_us))).decode())

    with pytest.raises(Tampered):
        asked(edge, lying(edge, other))


def test_an_answer_during_which_our_own_clock_was_set_says_nothing(edge: Machine) -> None:
    assert edge.line is not None
    line, moved = edge.line, iter([0.0, 900.0, 900.0, 900.0, 900.0])

    class Setting(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            edge.skew_s = -3 * 3600.0 + next(moved)
            return line.handle_request(request)

    found = asked(edge, Setting())
    assert found.ahead_s == pytest.approx(3 * 3600.0 - 900.0, abs=0.01), "the jump between question and answer is not half believed"


def test_facts_keep_the_clock_of_the_machine_and_people_see_the_parents(edge: Machine, happenings_wired: None) -> None:
    from tests.flow.happenings import Happened
    from yuanjiao.flow.journal.record import record

    assert edge.line is not None
    found = asked(edge, edge.line)
    with edge.here():
        keep(msgspec.structs.replace(found, steady_s=clock.steady_s(), clock_s=clock.seconds(), boot=clock.boot_id()))
        assert civil_ahead_s() == pytest.approx(3 * 3600.0, abs=1.0)
        assert clock.civil(edge.now) - edge.now == pytest.approx(timedelta(hours=3), abs=timedelta(seconds=1))
        record(Happened(text="x"), at=clock.now())
        assert Entry.objects.get(kind="tests.happened/1").at == edge.now, "the journal tells what our own clock read"


# -- how it goes on ------------------------------------------------------------------------------------------------------------------


KEPT = ParentsTime(parent="x", ahead_s=100.0, within_s=0.1, clock_s=1_000_000.0, steady_s=50.0, boot="first")


@pytest.mark.parametrize(
    ("clock_s", "steady_s", "boot", "truth"),
    [
        (1_000_060.0, 110.0, "first", 1_000_160.0),  # a minute later
        (1_000_160.0, 110.0, "first", 1_000_160.0),  # the clock was put right meanwhile
        (900_000.0, 110.0, "first", 1_000_160.0),  # or set back by a day
        (1_009_000.0, 20.0, "second", 1_009_100.0),  # off and on: what the own clock did is believed
        (10.0, 20.0, "second", 1_000_100.0),  # an empty battery: never earlier than what was told
        (1_000_060.0, 110.0, "", 1_000_160.0),  # a system that does not tell its runs apart
    ],
)
def test_the_parents_time_goes_on_whatever_is_done_to_our_clock(clock_s: float, steady_s: float, boot: str, truth: float) -> None:
    assert clock_s + KEPT.ahead_now(clock_s=clock_s, steady_s=steady_s, boot=boot) == pytest.approx(truth)


def test_what_is_kept_cannot_stop_a_machine_and_little_is_nothing(settings: Any, tmp_path: Path) -> None:
    assert (kept(), civil_ahead_s()) == (None, 0.0)
    (tmp_path / "parents-time.json").write_bytes(b"{")
    parents_time.forget_what_was_looked_up()
    assert (kept(), civil_ahead_s()) == (None, 0.0)
    now = {"clock_s": clock.seconds(), "steady_s": clock.steady_s(), "boot": clock.boot_id()}
    keep(msgspec.structs.replace(KEPT, ahead_s=1.5, **now))
    assert civil_ahead_s() == 0.0
    keep(msgspec.structs.replace(KEPT, ahead_s=-86_400.0, **now))
    assert civil_ahead_s() == pytest.approx(-86_400.0, abs=5)
    assert clock.today() == clock.local_day(clock.now() - timedelta(days=1))


# -- the door -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_door_signs_the_moment_for_the_nonce_of_who_asks(at: datetime) -> None:
    from yuanjiao.flow.nodes.commands import ensure_self

    ensure_self(at=at)
    response = Client().get("/time", {"nonce": NONCE})
    told = msgspec.json.decode(response.content, type=Told)
    assert abs(told.time_us / 1e6 - clock.seconds()) < 60
    key = bytes(Node.objects.get(is_self=True).public_key)
    assert keys.verifies(key, base64.b64decode(told.signature), told_bytes(bytes(16), told.time_us))
    assert "no-store" in response["Cache-Control"], "an answer that somebody kept would be refused, and asked for in vain"
    for wrong in ("", "00", "zz" * 16, "00" * 17):
        assert Client().get("/time", {"nonce": wrong}).status_code == 400


def test_a_nonce_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="32"):
        tell("é" * 32, now_s=0.0)


def test_what_is_signed_never_changes() -> None:
    signed = told_bytes(bytes.fromhex("00112233445566778899aabbccddeeff"), 1_800_000_000_000_000)
    assert signed.hex() == "594a543100112233445566778899aabbccddeeff0006651728988000", "docs/flow.md says so too"
