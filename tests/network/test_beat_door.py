"""The door /beat: what it takes, what it refuses, and that nothing makes it fall over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.asking import Told, ask
from tests.network.listening import LIU
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.sealing import SEALED
from yuanjiao.flow.wire.signing import Claim, request_bytes, to_headers
from yuanjiao.lib import clock
from yuanjiao.lib.rsgi import Asked
from yuanjiao.network import intake, queries
from yuanjiao.network.inputs import MAX_BODY_BYTES
from yuanjiao.network.live import LISTENER, LiveArray
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def listening(cast: Cast) -> Iterator[Cast]:
    """The listener of this process, loaded, and emptied again afterwards."""
    LISTENER.reload(own_node(), top=True, now=clock.now().timestamp())
    yield cast
    LISTENER.array, LISTENER.loaded_at, LISTENER.words = LiveArray(), 0.0, {}


def knock(method: str, body: bytes = b"", *, query: str = "", headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """One request to the door as the server makes it; status and decoded JSON."""
    named = {"content-length": str(len(body)), **{name.lower(): value for name, value in (headers or {}).items()}}
    told = ask(intake.door, Asked(method, "/beat", query, named), body)
    return told.status, json.loads(told.body)


def beat_of(cast: Cast, code: str, **more: Any) -> bytes:
    return json.dumps({"site": code, "key": cast.sites[code].beat_key, **more}).encode()


def last(code: str) -> float:
    return float(LISTENER.array.last[LISTENER.array.places[code]])


def test_a_beat_with_the_right_key_is_taken_at_the_moment_of_receipt(listening: Cast) -> None:
    before = clock.now().timestamp()
    status, answer = knock("POST", beat_of(listening, LIU[0], sent_at="2001-01-01T00:00:00Z"))
    assert (status, answer["accepted"], answer["unknown"]) == (200, 1, [])
    assert last(LIU[0]) >= before


def test_a_beat_from_the_future_counts_from_now_and_only_measures_the_clock(listening: Cast) -> None:
    ahead = clock.now() + timedelta(hours=5)
    knock("POST", beat_of(listening, LIU[0], sent_at=ahead.isoformat()))
    assert last(LIU[0]) <= clock.now().timestamp()
    assert LISTENER.array.offset[LISTENER.array.places[LIU[0]]] == pytest.approx(-5 * 3600, abs=5)


def test_a_wrong_key_is_refused_and_not_heard(listening: Cast) -> None:
    status, answer = knock("POST", json.dumps({"site": LIU[0], "key": "猜的"}).encode())
    assert (status, last(LIU[0])) == (403, 0.0)
    assert "密钥" in answer["error"]


@pytest.mark.parametrize("code", ["S-没有", "E-990101", "L-990101100", ""])
def test_what_is_no_site_of_the_register_is_named_in_the_answer(listening: Cast, code: str) -> None:
    status, answer = knock("POST", json.dumps({"site": code, "key": ""}).encode())
    assert (status, answer["accepted"], answer["unknown"]) == (200, 0, [code])


def test_a_tiny_box_may_ask_by_get_or_by_form(listening: Cast) -> None:
    query = f"site={LIU[1]}&key={listening.sites[LIU[1]].beat_key}"
    assert knock("GET", query=query)[1]["accepted"] == 1
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert knock("POST", beat_of(listening, LIU[1]), headers=form)[1]["accepted"] == 1, "JSON sent by a tool that calls it a form"
    status, answer = knock("POST", query.encode(), headers=form)
    assert (status, answer["accepted"]) == (200, 1)


@pytest.mark.parametrize(
    ("body", "headers", "wanted"),
    [
        (b"", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[1,2]", {}, 400),
        (b'{"site": 5}', {}, 400),
        (b'{"site": "S", "play": {"ok": "yes"}}', {}, 400),
        (b"\xff=\xff", {"content-type": "application/x-www-form-urlencoded"}, 400),
        (b"site=S&" * 50, {"content-type": "application/x-www-form-urlencoded"}, 400),
        (b"not zstd", {"content-encoding": "zstd"}, 400),
        (b"x", {"content-encoding": "br"}, 400),
        (b"x" * (1 << 20) + b"x", {}, 413),
        (zstandard.compress(bytes(20 << 20)), {"content-encoding": "zstd"}, 413),
    ],
)
def test_malformed_bodies_are_refused_in_words(listening: Cast, body: bytes, headers: dict[str, str], wanted: int) -> None:
    status, answer = knock("POST", body, headers=headers)
    assert status == wanted
    assert answer["error"]


def test_a_body_of_unknown_length_is_read_to_its_end_and_no_further_than_allowed(listening: Cast) -> None:
    body, question = beat_of(listening, LIU[0]), Asked("POST", "/beat")
    assert ask(intake.door, question, body[:9], body[9:20], body[20:]).status == 200
    assert ask(intake.door, question, bytes(MAX_BODY_BYTES), b"x", b"never read").status == 413
    assert ask(intake.door, Asked("POST", "/beat", headers={"content-length": str(MAX_BODY_BYTES + 1)}), b"never read").status == 413


def test_who_hangs_up_in_the_middle_is_heard_of_no_more(listening: Cast) -> None:
    told = Told(broken=True)
    asyncio.run(intake.door(Asked("POST", "/beat", headers={"content-length": "90"}), told))  # type: ignore[arg-type]
    assert (told.status, last(LIU[0])) == (400, 0.0)


def test_what_is_no_sealed_batch_is_not_believed(listening: Cast) -> None:
    for body in (b"", b"YJM1", b"YJM1" + bytes(60), b"YJM1" + bytes(80)):
        status, content = intake.take_sealed(Asked("POST", "/beat"), body, clock.now())
        assert (status, json.loads(content)["error"]) == (401, "not_believed")
    assert knock("POST", b"YJM1", headers={"content-type": SEALED})[0] == 401


def test_other_methods_are_refused_and_a_machine_that_is_starting_says_so(listening: Cast) -> None:
    assert knock("DELETE")[0] == 405
    LISTENER.loaded_at = 0.0
    assert knock("POST", beat_of(listening, LIU[0]))[0] == 503


@pytest.mark.clause("NET07")
def test_the_box_own_try_to_play_is_kept_with_the_step_that_failed_and_told_twice_is_one(listening: Cast, at: datetime) -> None:
    body = beat_of(listening, LIU[0], sent_at="2026-03-02T07:59:00Z", play={"ok": False, "step": "catalogue", "item": "村级党建"})
    for _ in range(2):
        status, content, beat = intake.take_single(LISTENER, body, "", False, at.timestamp(), sender=str)
        assert beat is not None
        assert intake.take_play(beat, at, content) == (status, content)
    (test,) = queries.play_tests(listening.sites[LIU[0]])
    assert (test.ok, test.step, test.item, test.at) == (False, "catalogue", "村级党建", at)
    assert queries.passed_play_test_after(listening.sites[LIU[0]], at) is None


def signed(raw: bytes, at: datetime) -> tuple[bytes, Asked]:
    """The body and a question as an enrolled edge with a key of its own sends them; NODE becomes its uid."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    node = Node.objects.create(kind="edge", name="边缘", public_key=public, subject_code="E-990101", enrolled_at=at)
    body, now = raw.replace(b"NODE", str(node.uid).encode()), micros(at)
    message = request_bytes(method="POST", target="/beat", node=node.uid, time_us=now, clock_us=now, body=body)
    return body, Asked("POST", "/beat", headers=to_headers(Claim(node.uid, now, now, key.sign(message))))


def test_a_signed_batch_is_one_request_for_the_edge_and_its_sites(listening: Cast, at: datetime) -> None:
    raw = json.dumps({"node": "NODE", "sent_at": at.isoformat(), "beats": [[LIU[0], 3.5], ["S-无", 1]]}).encode()
    body, scope = signed(raw, at)
    status, content = intake.take_batch(scope, body, at)
    assert (status, json.loads(content)["accepted"], json.loads(content)["unknown"]) == (200, 2, ["S-无"])
    assert last("E-990101") == at.timestamp()
    assert last(LIU[0]) == at.timestamp() - 3.5
    again, content = intake.take_batch(scope, body, at)
    assert (again, json.loads(content)["error"]) == (401, "not_believed")


def test_a_node_that_another_process_revoked_is_refused_from_the_next_look_for_a_new_register_on(listening: Cast, at: datetime) -> None:
    raw = json.dumps({"node": "NODE", "sent_at": at.isoformat(), "beats": []}).encode()
    body, scope = signed(raw, at)
    assert intake.take_batch(scope, body, at)[0] == 200
    Node.objects.filter(kind="edge").update(revoked_at=at, revoked_reason="被盗")
    LISTENER.wants_reload(clock.now().timestamp())
    status, content = intake.take_batch(scope, body, at)
    assert status == 401
    assert "吊销" in json.loads(content)["message"]


def test_all_nodes_are_remembered_with_the_register(listening: Cast, at: datetime, django_assert_num_queries: Any) -> None:
    body, scope = signed(json.dumps({"node": "NODE", "sent_at": "", "beats": []}).encode(), at)
    LISTENER.reload(own_node(), top=True, now=clock.now().timestamp())
    with django_assert_num_queries(0):
        assert intake.take_batch(scope, body, at)[0] == 200


def test_a_batch_changed_on_the_way_is_not_believed(listening: Cast, at: datetime) -> None:
    raw = json.dumps({"node": "NODE", "sent_at": at.isoformat(), "beats": []}).encode()
    body, scope = signed(raw, at)
    assert intake.take_batch(scope, body.replace(b"[]", b'[["S-1", 1]]'), at)[0] == 401
    assert last("E-990101") == 0.0
