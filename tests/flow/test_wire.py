"""The wire: requests are believed once, near their time and only from enrolled nodes; a dead line is Unavailable; bytes are budgeted."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpcore
import httpx
import msgspec
import pytest

from tests.asking import ask
from yuanjiao.flow.journal import door
from yuanjiao.flow.journal.segment import MAX_SEGMENT_BYTES
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import read_node
from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, signed_headers, verified_node
from yuanjiao.flow.wire.budget import TokenBucket
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.pace import Pace, PacedStream
from yuanjiao.flow.wire.signing import NODE, SIGNATURE, TIME
from yuanjiao.lib.errors import Unavailable
from yuanjiao.lib.rsgi import Asked, target_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def node(at: datetime) -> Node:
    """This machine plays both ends: it knows its own key."""
    return ensure_self(at=at)


def headers(node: Node, at: datetime, body: bytes = b"x", target: str = "/journal?a=1") -> dict[str, str]:
    return signed_headers(method="POST", target=target, body=body, node=node, at=at)


def believe(given: dict[str, str], at: datetime, body: bytes = b"x", target: str = "/journal?a=1", method: str = "POST") -> Node:
    return verified_node(method=method, target=target, headers=given, body=body, at=at)[0]


def test_a_signed_request_is_believed_once(node: Node, at: datetime) -> None:
    given = headers(node, at)
    assert believe(given, at) == node
    with pytest.raises(NotBelieved, match="重复"):
        believe(given, at + timedelta(seconds=200))
    with pytest.raises(WrongTime):
        believe(given, at + timedelta(seconds=700))


CHANGES: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
    "another body": lambda given: {"given": given, "body": b"y"},
    "another path": lambda given: {"given": given, "target": "/journal?a=2"},
    "another method": lambda given: {"given": given, "method": "PUT"},
    "another time": lambda given: {"given": given | {TIME: str(int(given[TIME]) + 1)}},
    "another node": lambda given: {"given": given | {NODE: "00000000-0000-7000-8000-000000000000"}},
    "no signature": lambda given: {"given": {key: value for key, value in given.items() if key != SIGNATURE}},
    "a signature that is no base64": lambda given: {"given": given | {SIGNATURE: "签名"}},
    "a time that is no number": lambda given: {"given": given | {TIME: "yesterday"}},
    "no headers": lambda given: {"given": {}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_is_changed_is_not_believed(node: Node, at: datetime, change: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(NotBelieved):
        believe(at=at, **change(headers(node, at)))


def test_a_revoked_node_is_not_believed(node: Node, at: datetime) -> None:
    Node.objects.update(revoked_at=at, revoked_reason="被盗")
    with pytest.raises(NotBelieved, match="吊销"):
        believe(headers(node, at), at)


def test_a_request_is_verified_with_its_query() -> None:
    assert target_of(Asked("POST", "/journal", "a=1")) == "/journal?a=1"
    assert target_of(Asked("POST", "/journal")) == "/journal"


def test_a_clock_that_is_years_wrong_is_believed_at_the_second_try(node: Node, at: datetime) -> None:
    far_end: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        status, content = door.take_in(request.url.raw_path.decode(), dict(request.headers), request.read(), at)
        far_end.append(status)
        return httpx.Response(status, content=content, headers={"yuanjiao-server-time": str(round(at.timestamp() * 1e6))})

    line = Line("http://parent.test", transport=httpx.MockTransport(answer), now=lambda: at - timedelta(days=20_000))
    assert line.post("/journal", b"no segment").status_code == 400
    assert far_end == [401, 400]
    line.post("/journal", b"no segment either")
    assert far_end == [401, 400, 400]


@pytest.mark.parametrize(
    "failure", [httpx.ConnectTimeout("slow"), httpx.ReadTimeout("slow"), httpx.ConnectError("gone"), httpx.ReadError("cut")]
)
def test_a_dead_line_is_unavailable(failure: Exception) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure

    line = Line("http://parent.test", transport=httpx.MockTransport(fail))
    with pytest.raises(Unavailable):
        line.get("/catalogue/timestamp.json")
    with pytest.raises(Unavailable), line.stream("/blobs/x"):
        pass


def test_a_parent_in_trouble_is_unavailable_for_as_long_as_it_says() -> None:
    line = Line("http://parent.test", transport=httpx.MockTransport(lambda request: httpx.Response(503, headers={"Retry-After": "17"})))
    with pytest.raises(Unavailable) as trouble:
        line.get("/")
    assert trouble.value.retry_s == 17


class Watch:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_no_more_bytes_pass_than_the_budget_allows() -> None:
    watch = Watch()
    bucket = TokenBucket(1_000, clock=lambda: watch.now, sleep=watch.sleep)
    for _ in range(40):
        bucket.take(500)
    assert watch.now == pytest.approx((40 * 500 - 1_000) / 1_000)


def test_a_budget_of_nought_is_no_limit() -> None:
    watch = Watch()
    TokenBucket(0, clock=lambda: watch.now, sleep=watch.sleep).take(1 << 40)
    assert watch.now == 0.0


def test_streamed_pieces_keep_to_the_budget() -> None:
    watch = Watch()
    bucket = TokenBucket(10_000, clock=lambda: watch.now, sleep=watch.sleep)
    body = bytes(100_000)
    streaming = httpx.MockTransport(lambda request: httpx.Response(200, content=iter([body])))
    line = Line("http://parent.test", transport=streaming, budget=bucket)
    with line.stream("/blobs/x") as response:
        assert b"".join(line.pieces(response)) == body
    assert watch.now == pytest.approx(9.0)


def ask_door(method: str, *pieces: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    """Through the door itself, without a socket."""
    told = ask(door.door, Asked(method, "/journal", headers=headers), *pieces)
    return told.status, msgspec.json.decode(told.body)


def test_the_door_stops_reading_a_body_that_is_too_large(node: Node, at: datetime) -> None:
    claim = headers(node, at, target="/journal")
    assert read_node(node.uid, now_s=time.monotonic()) is not None  # the door remembers it: its thread has no look at this transaction
    status, answer = ask_door("POST", bytes(MAX_SEGMENT_BYTES), b"x", b"never read", **claim)
    assert (status, answer["reason"]) == (413, "too_large")


def test_the_door_takes_no_other_methods() -> None:
    assert ask_door("PUT")[0] == 405
    assert ask_door("GET")[0] == 401


@pytest.mark.parametrize(
    ("given", "kind"), [((200, b"YJS1"), "application/octet-stream"), ((204, b""), None), ((401, b"{}"), "application/json")]
)
def test_what_the_door_hands_back_says_what_it_is(
    node: Node, at: datetime, monkeypatch: pytest.MonkeyPatch, given: tuple[int, bytes], kind: str | None
) -> None:
    assert read_node(node.uid, now_s=time.monotonic()) is not None
    monkeypatch.setattr(door, "_hand_back", lambda target, headers: given)
    told = ask(door.door, Asked("GET", "/journal", "after=0", headers=signed_headers(method="GET", target="", body=b"", node=node, at=at)))
    assert (told.status, told.body) == given
    assert told.headers.get("content-type") == kind


def test_patience_with_a_silent_connection_is_of_one_answer() -> None:
    limits: list[float | None] = []

    class Silent(httpcore.NetworkStream):
        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            limits.append(timeout)
            return b"x"

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            return

    stream = PacedStream(Silent(), Pace(0), lambda: 0.0)
    stream.read(1, 30.0)
    stream.be_patient_for(5.0)
    stream.read(1, 30.0)
    stream.read(1, 2.0)
    stream.read(1, None)
    stream.write(b"the next question", 30.0)
    stream.read(1, 30.0)
    assert limits == [30.0, 5.0, 2.0, 5.0, 30.0]
