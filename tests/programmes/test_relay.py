"""A live programme on a machine below: each list and segment is asked of the machine above once for all, and signed by it (DLV20)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.asking import ask
from tests.programmes.test_live import lay
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Tampered, Unavailable
from yuanjiao.lib.rsgi import Asked
from yuanjiao.programmes import api
from yuanjiao.programmes.models import LiveProgramme
from yuanjiao.programmes.packaging import onair, relayed
from yuanjiao.programmes.packaging.relayed import FRESH_S, MOST_BYTES, PATIENCE_S, SIGNED, STALE_S, Relay, signed_bytes
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{first}\n" + "{lines}"


class Above:
    """The machine above: what lies there, how often each was asked for, and whether the line to it is open."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.down = False
        self.open = threading.Event()
        self.open.set()

    def show(self, first: int, count: int = 3) -> None:
        names = [f"1/picture-{number:06d}.ts" for number in range(first, first + count)]
        lines = "".join(f"#EXTINF:2.000,\n{name}\n" for name in names)
        self.files["picture.m3u8"] = LIST.format(first=first, lines=lines).encode()
        self.files |= {name: name.encode() * 10 for name in names}

    def __call__(self, path: str) -> bytes:
        self.open.wait(20)
        self.asked[rest := path.split("/", 3)[3]] += 1
        if self.down:
            raise Unavailable("连不上上级节点")
        if rest not in self.files:
            raise NotFound("直播还没有开始，或信号还没有到")
        return self.files[rest]


@pytest.fixture
def programme(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """As it came down with the catalogue, and on now."""
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=1))
    span = {"starts_at": at, "ends_at": at + timedelta(hours=1)}
    return LiveProgramme.objects.create(title="同上一堂课", unit=cast.units["ZZ-9901"], audience="/", **span).uid


@pytest.fixture
def above() -> Above:
    made = Above()
    made.show(0)
    return made


@pytest.fixture
def clock_s() -> list[float]:
    return [100.0]


@pytest.fixture
def relay(above: Above, clock_s: list[float]) -> Iterator[Relay]:
    made = Relay(above, now=lambda: clock_s[0])
    yield made
    made.close()


def got(relay: Relay, uid: UUID, rest: str) -> bytes:
    return relay.wanted(uid, rest).result(20)


@pytest.mark.clause("DLV20")
def test_two_hundred_who_watch_are_one_question_above(relay: Relay, above: Above, programme: UUID) -> None:
    for rest in ("picture.m3u8", "1/picture-000001.ts"):
        above.open.clear()
        asked = [relay.wanted(programme, rest) for _ in range(200)]
        above.open.set()
        assert {one.result(20) for one in asked} == {above.files[rest]}
        assert got(relay, programme, rest) == above.files[rest], "who joins late"
    assert above.asked == {"picture.m3u8": 1, "1/picture-000001.ts": 1}


def test_a_list_counts_for_a_second_and_a_segment_for_good(relay: Relay, above: Above, programme: UUID, clock_s: list[float]) -> None:
    got(relay, programme, "picture.m3u8")
    got(relay, programme, "1/picture-000002.ts")
    above.show(1)
    clock_s[0] += FRESH_S
    assert b"000003" in got(relay, programme, "picture.m3u8")
    clock_s[0] += 3600
    got(relay, programme, "1/picture-000002.ts")
    assert above.asked["1/picture-000002.ts"] == 1


def test_only_what_a_list_named_is_asked_for(relay: Relay, above: Above, programme: UUID, clock_s: list[float]) -> None:
    with pytest.raises(NotFound):
        got(relay, programme, "1/picture-000000.ts")
    for first in (0, 1, 2, 9):
        above.show(first)
        clock_s[0] += FRESH_S
        got(relay, programme, "picture.m3u8")
    assert got(relay, programme, "1/picture-000003.ts"), "of the list before: players may be a list behind"
    for rest in ("1/picture-000001.ts", "1/picture-000077.ts", "../../secrets", "1/words.txt", "x.m3u8", "0/picture-000000.ts"):
        with pytest.raises(NotFound):
            got(relay, programme, rest)
    assert set(above.asked) == {"picture.m3u8", "1/picture-000003.ts"}


def test_a_programme_that_is_not_announced_here_is_not_asked_for(relay: Relay, above: Above, programme: UUID) -> None:
    LiveProgramme.objects.filter(uid=programme).update(cancelled_at=datetime.fromisoformat("2026-03-02T09:00+08:00"))
    for uid in (uuid4(), programme):
        with pytest.raises(NotFound):
            got(relay, uid, "picture.m3u8")
    assert not above.asked


def test_what_is_over_or_far_off_is_not_asked_for(relay: Relay, above: Above, programme: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    row = LiveProgramme.objects.get(uid=programme)
    for moment in (row.starts_at - timedelta(minutes=20), row.ends_at + timedelta(minutes=20)):
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        with pytest.raises(NotFound):
            got(relay, programme, "picture.m3u8")
    assert not above.asked
    assert not relay._kept, "who asks for what is not there fills no memory"


def test_a_line_that_says_nothing_holds_up_those_who_have_a_list_only_for_a_moment(
    relay: Relay, above: Above, programme: UUID, clock_s: list[float]
) -> None:
    before = got(relay, programme, "picture.m3u8")
    clock_s[0] += FRESH_S
    above.open.clear()
    waiting = relay.wanted(programme, "picture.m3u8")
    clock_s[0] += PATIENCE_S + 0.1
    assert got(relay, programme, "picture.m3u8") == before, "told the last list while the question is under way"
    assert not waiting.cancel(), "one who gives up does not call it off for the others"
    above.open.set()
    assert waiting.result(20) == before


def test_a_line_that_is_down_for_a_moment_stops_nobody(relay: Relay, above: Above, programme: UUID, clock_s: list[float]) -> None:
    before = got(relay, programme, "picture.m3u8")
    above.down = True
    for _ in range(int(STALE_S / FRESH_S) - 1):
        clock_s[0] += FRESH_S
        assert got(relay, programme, "picture.m3u8") == before
    clock_s[0] += 2 * FRESH_S
    for _ in range(50):
        with pytest.raises(Unavailable):
            got(relay, programme, "picture.m3u8")
    asked = above.asked["picture.m3u8"]
    assert asked <= STALE_S / FRESH_S + 2, "a dead line is asked once a second, however many watch"
    above.down = False
    clock_s[0] += FRESH_S
    assert got(relay, programme, "picture.m3u8") == before


def test_a_list_never_goes_back(relay: Relay, above: Above, programme: UUID, clock_s: list[float]) -> None:
    above.show(7)
    got(relay, programme, "picture.m3u8")
    above.show(3)
    clock_s[0] += FRESH_S
    with pytest.raises(Tampered):
        got(relay, programme, "picture.m3u8")


def test_old_segments_make_room_for_new_ones(relay: Relay, above: Above, programme: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relayed, "MOST_BYTES", 1000)
    assert MOST_BYTES > 20 * onair.LARGEST_SEGMENT / 8
    above.show(0, 9)
    got(relay, programme, "picture.m3u8")
    for number in range(9):
        got(relay, programme, f"1/picture-{number:06d}.ts")
    got(relay, programme, "1/picture-000008.ts")
    got(relay, programme, "1/picture-000000.ts")
    assert (above.asked["1/picture-000008.ts"], above.asked["1/picture-000000.ts"]) == (1, 2)


def test_who_waits_is_answered_also_when_the_code_is_at_fault(programme: UUID, caplog: pytest.LogCaptureFixture) -> None:
    def broken(path: str) -> bytes:
        raise ZeroDivisionError(path)

    relay = Relay(broken)
    with pytest.raises(Unavailable):
        got(relay, programme, "picture.m3u8")
    relay.close(wait=True)
    assert "passing on a live programme failed" in caplog.text


# -- what the machine above signs -------------------------------------------------------------------------------------------


@pytest.fixture
def parent(programme: UUID, settings: Any, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A parent behind the line: its answers come from the real door of this machine, and may be changed on the way."""
    settings.PARENT = "http://above.test"
    lay(programme, 1, range(3))
    onair.publish(programme, over=False)
    Node.objects.create(kind="centre", name="市中心", public_key=keys.own_public_key()[::-1], is_parent=True, enrolled_at=at)

    def answers(change: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]], key: bytes) -> None:
        Node.objects.filter(is_parent=True).update(public_key=key)

        def speak(request: httpx.Request) -> httpx.Response:
            told = ask(api.door, Asked("GET", request.url.path, headers=dict(request.headers)))
            headers, body = change(told.headers, told.body)
            return httpx.Response(told.status, headers=headers, stream=httpx.ByteStream(body))

        monkeypatch.setattr(relayed, "_line", lambda parent: Line(parent, transport=httpx.MockTransport(speak)))

    return answers


def spoken_by_the_parent() -> bytes:
    """The key this machine signs with, as if it were the parent's: `node_one_key` keeps the two rows apart."""
    Node.objects.filter(is_self=True).update(public_key=b"\1" * 32)
    return keys.own_public_key()


def test_what_comes_down_is_what_the_machine_above_signed(parent: Callable[..., None], programme: UUID) -> None:
    parent(lambda headers, body: (headers, body), spoken_by_the_parent())
    for rest in ("picture.m3u8", "1/picture-000001.ts"):
        shown = ask(api.door, Asked("GET", f"/onair/{programme}/{rest}"))
        assert relayed.ask_parent(relayed.address(programme, rest)) == shown.body
    with pytest.raises(NotFound):
        relayed.ask_parent(relayed.address(programme, "1/picture-000009.ts"))


@pytest.mark.parametrize("change", [
    lambda headers, body: (headers, body + b"x"),
    lambda headers, body: ({**headers, SIGNED: ""}, body),
    lambda headers, body: ({**headers, SIGNED: "not base64"}, body),
    lambda headers, body: ({name: value for name, value in headers.items() if name != SIGNED}, body),
    lambda headers, body: (headers, b"x" * (onair.LARGEST_SEGMENT + 1)),
])  # fmt: skip
def test_what_was_changed_on_the_way_is_not_shown(parent: Callable[..., None], programme: UUID, change: Any) -> None:
    parent(change, spoken_by_the_parent())
    with pytest.raises(Tampered):
        relayed.ask_parent(relayed.address(programme, "picture.m3u8"))


def test_one_thing_is_not_shown_for_another_nor_by_another_key(parent: Callable[..., None], programme: UUID) -> None:
    key = spoken_by_the_parent()
    other = relayed.signature(relayed.address(programme, "sound.m3u8"), b"")
    parent(lambda headers, body: ({**headers, SIGNED: other}, body), key)
    with pytest.raises(Tampered):
        relayed.ask_parent(relayed.address(programme, "picture.m3u8"))
    parent(lambda headers, body: (headers, body), b"\2" * 32)
    with pytest.raises(Tampered):
        relayed.ask_parent(relayed.address(programme, "picture.m3u8"))


def test_nobody_else_is_given_signatures(programme: UUID) -> None:
    lay(programme, 1, range(2))
    onair.publish(programme, over=False)
    path = relayed.address(programme, "1/picture-000001.ts")
    assert api.takes(path, "GET")
    assert SIGNED not in ask(api.door, Asked("GET", path.replace("relay", "onair"))).headers
    told = ask(api.door, Asked("GET", path))
    assert SIGNED in told.headers
    assert signed_bytes(path, told.body) != signed_bytes(path + "x", told.body)


def test_the_doors_below_say_when_the_machine_above_cannot_be_reached(
    programme: UUID, settings: Any, client: Any, monkeypatch: pytest.MonkeyPatch, above: Above
) -> None:
    relay = Relay(above)
    monkeypatch.setattr(api, "RELAY", relay)
    monkeypatch.setattr(relayed, "RELAY", relay)
    path = f"/onair/{programme}/picture.m3u8"
    assert ask(api.door, Asked("GET", path)).status == 404, "a machine without one above"
    settings.PARENT = "http://above.test"
    assert ask(api.door, Asked("GET", path)).body == client.get(path).content == above.files["picture.m3u8"]
    segment = f"/onair/{programme}/1/picture-000002.ts"
    assert ask(api.door, Asked("GET", segment)).body == client.get(segment).content == above.files["1/picture-000002.ts"]
    above.down = True
    other = f"/onair/{programme}/sound.m3u8"
    assert ask(api.door, Asked("GET", other)).status == client.get(other).status_code == 503
    relay.close()
