"""A beat that was listened to on the line and is told again makes no dead node look alive, at whichever intake of the machine."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yuanjiao.flow.nodes.keys import own_public_key, shared_key
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.wire import auth
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.sealing import sealed_bytes
from yuanjiao.flow.wire.signing import Claim, request_bytes, to_headers
from yuanjiao.lib.rsgi import Asked
from yuanjiao.network import intake
from yuanjiao.network.leases import Leases
from yuanjiao.network.live import Listener
from yuanjiao.network.rules.batch import LONG_FORM
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
EDGE = "E-990101"
SECOND = timedelta(seconds=1)


class Process:
    """One intake process: what it remembers of proofs and of nodes is its own."""

    def __init__(self, name: str, at: datetime) -> None:
        self.listener = Listener()
        self.listener.reload(own_node(), top=True, now=at.timestamp())
        self.listener.started_at = at.timestamp()
        self.leases = Leases(self.listener, f"http://{name}")
        self.leases.news()
        self.seen, self.newest = auth._Seen(), dict[UUID, tuple[int, int]]()

    def take(self, message: Message, at: datetime, monkeypatch: pytest.MonkeyPatch) -> int:
        for name, value in (("_seen", self.seen), ("_newest", self.newest), ("_last_word", self.listener.last_word)):
            monkeypatch.setattr(auth, name, value)
        take = intake.take_batch if message.signed else intake.take_sealed
        return take(Asked("POST", "/beat", headers=message.headers), message.body, at, self.listener)[0]

    @property
    def heard(self) -> float:
        return float(self.listener.array.last[self.listener.array.places[EDGE]])


class Message:
    """One batch as it goes over the line. `behind_s`: the sender takes our clock to be so much behind what it is."""

    def __init__(self, node: Node, key: Ed25519PrivateKey, at: datetime, *, signed: bool, behind_s: float = 0.0) -> None:
        self.signed, self.headers, now = signed, dict[str, str](), micros(at) - round(behind_s * 1e6)
        self.body = json.dumps({"node": str(node.uid), "sent_at": "", "beats": []}).encode()
        if signed:
            told = request_bytes(method="POST", target="/beat", node=node.uid, time_us=now, clock_us=now, body=self.body)
            self.headers = to_headers(Claim(node.uid, now, now, key.sign(told)))
        else:
            shared = shared_key(key.private_bytes_raw(), own_public_key(), they_send=False)
            self.body = sealed_bytes(node=node.uid, time_us=now, clock_us=now, form=LONG_FORM, packed=False, content=self.body, key=shared)


@pytest.fixture(params=[True, False], ids=["signed", "sealed"])
def signed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def node(cast: Cast, key: Ed25519PrivateKey, at: datetime) -> Node:
    own_node()
    public = key.public_key().public_bytes_raw()
    return Node.objects.create(kind="edge", name="边缘", public_key=public, subject_code=EDGE, enrolled_at=at)


@pytest.mark.clause("NET08")
def test_a_beat_told_again_to_another_intake_is_not_believed(
    node: Node, key: Ed25519PrivateKey, at: datetime, signed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one intake heard the other knows within a second, and takes nothing of that node which was made before."""
    first, second = Process("a", at), Process("b", at)
    sent = at + 10 * SECOND
    message = Message(node, key, sent, signed=signed)
    assert first.take(message, sent + SECOND / 20, monkeypatch) == 200
    news = first.leases.news()
    assert news is not None
    second.leases.hear_told(news)
    heard = second.heard
    for later in (1, 60, 250):
        assert second.take(message, sent + later * SECOND, monkeypatch) == 401
    assert second.heard == heard == first.heard, "the node is as dead as it is"
    fresh = sent + 30 * SECOND
    assert second.take(Message(node, key, fresh, signed=signed), fresh + SECOND / 20, monkeypatch) == 200
    assert second.heard > heard


def test_a_beat_of_before_the_start_of_a_process_is_not_believed(
    node: Node, key: Ed25519PrivateKey, at: datetime, signed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has forgotten which proofs it saw."""
    message = Message(node, key, at - SECOND, signed=signed)
    again = Process("a", at)
    assert again.take(message, at + 60 * SECOND, monkeypatch) == 401
    assert again.heard == 0


def test_a_beat_made_for_a_time_to_come_is_not_believed(
    node: Node, key: Ed25519PrivateKey, at: datetime, signed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that is wrong about our clock by minutes is asked to make it again: told again later, it would look fresh."""
    one, ahead = Process("a", at), Message(node, key, at + SECOND, signed=signed, behind_s=-200)
    assert one.take(ahead, at + SECOND, monkeypatch) == 401


def test_who_was_wrong_about_our_clock_is_believed_when_it_makes_the_beat_again(
    node: Node, key: Ed25519PrivateKey, at: datetime, signed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, sent = Process("a", at), at + 10 * SECOND
    assert one.take(Message(node, key, sent, signed=signed), sent, monkeypatch) == 200
    later = sent + 30 * SECOND
    assert one.take(Message(node, key, later, signed=signed, behind_s=45), later, monkeypatch) == 401
    assert one.take(Message(node, key, later, signed=signed), later, monkeypatch) == 200


def test_our_own_clock_set_back_shuts_nobody_out(
    node: Node, key: Ed25519PrivateKey, at: datetime, signed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the next sweep the last word is of the future."""
    one, sent = Process("a", at), at + 10 * SECOND
    assert one.take(Message(node, key, sent, signed=signed), sent, monkeypatch) == 200
    back = sent - timedelta(hours=1)
    assert one.take(Message(node, key, back, signed=signed), back, monkeypatch) == 200
