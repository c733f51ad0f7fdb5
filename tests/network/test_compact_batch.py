"""The compact form of a batch says what the long form says; what does not fit falls back to the long form."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as some

from tests.network.listening import LIU, SHI
from yuanjiao.flow.nodes.commands import ensure_self, trust_parent
from yuanjiao.flow.nodes.keys import own_public_key, shared_key
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.sealing import SEALED, is_genuine, read_sealed, sealed_bytes
from yuanjiao.flow.wire.signing import SERVER_TIME, Claim, request_bytes, to_headers
from yuanjiao.lib.rsgi import Asked
from yuanjiao.network import intake
from yuanjiao.network.inputs import RosterUnknown, hear_compact, hear_edge, read_edge_beat
from yuanjiao.network.jobs import beat_parent
from yuanjiao.network.live import Listener
from yuanjiao.network.rules.batch import (
    COMPACT,
    COMPACT_FORM,
    LONG_FORM,
    LONGEST_S,
    NOT_HEARD,
    Compact,
    pack,
    roster_digest,
    tenths_of,
    unpack,
)
from yuanjiao.simulation.cast import Cast

EDGE = "E-990101"


@given(
    some.uuids(),
    some.integers(0, 2**62),
    some.integers(0, 2**62),
    some.integers(0, 2**40),
    some.lists(some.integers(0, 65535), max_size=50),
)
def test_what_is_packed_is_read_back(node: UUID, sent: int, through: int, seq: int, tenths: list[int]) -> None:
    batch = Compact(node, b"r" * 16, sent, 0, through, seq, np.array(tenths, np.uint16))
    again = unpack(pack(batch))
    assert again is not None
    assert (again.node, again.roster, again.sent_us, again.through_us, again.seq) == (node, b"r" * 16, sent, through, seq)
    assert again.tenths.tolist() == tenths


@given(some.binary(max_size=200))
def test_what_is_not_of_the_form_is_nothing(body: bytes) -> None:
    assert unpack(body) is None


@given(some.lists(some.floats(-5, 9000, allow_nan=False)))
def test_ages_are_told_to_a_tenth_or_not_at_all(ages: list[float]) -> None:
    for age, told in zip(ages, tenths_of(np.array(ages)).tolist(), strict=True):
        assert told == NOT_HEARD if age > LONGEST_S else told / 10 == pytest.approx(max(age, 0.0), abs=0.0501)


@pytest.fixture
def listener(cast: Cast, at: datetime) -> Listener:
    one = Listener()
    one.reload(own_node(), top=True, now=at.timestamp())
    return one


def long_form(node: UUID, at: datetime, beats: list[list[Any]], roster: list[str]) -> Any:
    body = {"node": str(node), "sent_at": at.isoformat(), "observed_through": at.isoformat(), "beats": beats, "roster": roster}
    return read_edge_beat(json.dumps(body).encode())


@pytest.mark.django_db
def test_both_forms_say_the_same(listener: Listener, at: datetime) -> None:
    node, second = uuid4(), at.timestamp()
    heard = hear_edge(listener, EDGE, long_form(node, at, [[LIU[0], 3.5], [LIU[1], 4]], list(LIU)), second, 1.5)
    assert bytes.fromhex(heard.roster) == roster_digest(LIU)
    before = listener.array.last.copy()
    later = second + 60
    ages = tenths_of(np.array([3.5, np.inf, 0.2, np.inf]))
    us = round(later * 1e6)
    answer = hear_compact(listener, EDGE, Compact(node, roster_digest(LIU), us, 0, us, 9, ages), later, 1.5)
    places = listener.array.places
    assert answer.accepted == 3
    assert listener.array.last[places[EDGE]] == later
    assert listener.array.last[places[LIU[0]]] == pytest.approx(later - 3.5)
    assert listener.array.last[places[LIU[2]]] == pytest.approx(later - 0.2)
    assert listener.array.last[places[LIU[1]]] == before[places[LIU[1]]], "not heard lately is not heard"
    assert listener.words[node].seq == 9


@pytest.mark.django_db
def test_a_roster_with_what_is_not_below_the_node_is_not_agreed(listener: Listener, at: datetime) -> None:
    node = uuid4()
    for strange in (SHI[0], "S-无"):
        heard = hear_edge(listener, EDGE, long_form(node, at, [], [*LIU, strange]), at.timestamp(), 0.0)
        assert heard.roster == ""
    with pytest.raises(RosterUnknown):
        hear_compact(listener, EDGE, Compact(node, roster_digest(LIU), 0, 0, 0, 0, tenths_of(np.zeros(4))), at.timestamp(), 0.0)


@pytest.mark.django_db
def test_what_has_moved_to_another_edge_is_no_longer_heard_through_the_old_one(listener: Listener, cast: Cast, at: datetime) -> None:
    node, second = uuid4(), at.timestamp()
    hear_edge(listener, EDGE, long_form(node, at, [], list(LIU)), second, 0.0)
    site = cast.sites[LIU[0]]
    site.depends_on = cast.sites[SHI[0]].depends_on
    site.save(update_fields=["depends_on"])
    listener.reload(own_node(), top=True, now=second)
    answer = hear_compact(listener, EDGE, Compact(node, roster_digest(LIU), 0, 0, 0, 0, tenths_of(np.ones(4))), second + 5, 0.0)
    assert answer.accepted == 4, "the edge and three of four"
    assert listener.array.last[listener.array.places[LIU[0]]] == 0


@pytest.mark.django_db
def test_the_door_takes_a_compact_batch_by_its_signature(listener: Listener, at: datetime) -> None:
    key = Ed25519PrivateKey.generate()
    node = Node.objects.create(kind="edge", name="边缘", public_key=key.public_key().public_bytes_raw(), subject_code=EDGE, enrolled_at=at)

    def send(moment: datetime) -> tuple[int, Any]:
        now = micros(moment)
        body = pack(Compact(node.uid, roster_digest(LIU), now, 0, now, 0, tenths_of(np.ones(4))))
        claim = Claim(
            node.uid, now, now, key.sign(request_bytes(method="POST", target="/beat", node=node.uid, time_us=now, clock_us=now, body=body))
        )
        headers = {"content-type": COMPACT, **to_headers(claim)}
        status, content = intake.take_batch(Asked("POST", "/beat", headers=headers), body, moment, listener)
        return status, json.loads(content)

    assert send(at)[0] == 409, "nobody has told the roster yet"
    hear_edge(listener, EDGE, long_form(node.uid, at, [], list(LIU)), at.timestamp(), 0.0)
    status, answer = send(at + timedelta(seconds=1))
    assert (status, answer["accepted"], answer["roster"]) == (200, 5, roster_digest(LIU).hex())


@pytest.mark.django_db
@pytest.mark.parametrize("packed", [False, True])
def test_the_door_takes_both_forms_under_a_seal_and_once(listener: Listener, at: datetime, packed: bool) -> None:
    key = Ed25519PrivateKey.generate()
    node = Node.objects.create(kind="edge", name="边缘", public_key=key.public_key().public_bytes_raw(), subject_code=EDGE, enrolled_at=at)
    shared, places = shared_key(key.private_bytes_raw(), own_public_key(), they_send=False), listener.array.places

    def send(moment: datetime, form: int, content: bytes, uid: UUID = node.uid) -> tuple[int, Any, bytes]:
        now, told = micros(moment), zstandard.compress(content) if packed else content
        body = sealed_bytes(node=uid, time_us=now, clock_us=now - 2_000_000, form=form, packed=packed, content=told, key=shared)
        status, answer = intake._refuse(lambda: intake.take_sealed(Asked("POST", "/beat"), body, moment, listener))
        return status, json.loads(answer), body

    long = {"node": str(node.uid), "sent_at": "", "beats": [[LIU[0], 3.5], ["S-无", 1]], "roster": list(LIU)}
    status, answer, body = send(at, LONG_FORM, json.dumps(long).encode())
    assert (status, answer["accepted"], answer["unknown"], answer["seals"]) == (200, 2, ["S-无"], True)
    assert listener.array.last[places[LIU[0]]] == at.timestamp() - 3.5
    assert listener.array.offset[places[EDGE]] == 2.0
    assert intake.take_sealed(Asked("POST", "/beat"), body, at, listener)[0] == 401, "a seal is believed once"

    later, ages = at + timedelta(seconds=1), tenths_of(np.ones(4))
    compact = pack(Compact(node.uid, roster_digest(LIU), 0, 0, 0, 0, ages))
    status, answer, _ = send(later, COMPACT_FORM, compact)
    assert (status, answer["accepted"]) == (200, 5)
    other = pack(Compact(uuid4(), roster_digest(LIU), 0, 0, 0, 0, ages))
    assert send(later + timedelta(seconds=1), COMPACT_FORM, other)[0] == 403, "a node speaks for itself only"
    assert send(later, COMPACT_FORM, compact, uuid4())[0] == 401, "a stranger"
    for broken in (b"", b"{}", compact[:-1]):
        later += timedelta(seconds=1)
        assert send(later, COMPACT_FORM, broken)[0] == 400
        assert send(later, LONG_FORM, broken)[0] == 400


@pytest.mark.django_db
def test_the_long_form_is_looked_up_anew_when_another_list_is_told_or_the_register_has_changed(
    listener: Listener, cast: Cast, at: datetime
) -> None:
    node, second = uuid4(), at.timestamp()

    def tell(codes: list[str], moment: float, on: Listener = listener) -> list[str]:
        return hear_edge(on, EDGE, long_form(node, at, [[code, 0.0] for code in codes], []), moment, 0.0).unknown

    def last(code: str) -> float:
        return float(listener.array.last[listener.array.places[code]])

    assert tell([LIU[0], LIU[1]], second) == tell([LIU[0], LIU[1]], second + 1) == []
    assert (last(LIU[0]), last(LIU[1])) == (second + 1, second + 1)
    assert tell([LIU[1], LIU[2]], second + 2) == []
    assert (last(LIU[0]), last(LIU[1]), last(LIU[2])) == (second + 1, second + 2, second + 2)
    assert tell([LIU[1], SHI[0]], second + 3) == tell([LIU[1], SHI[0]], second + 3) == [SHI[0]]
    assert tell([LIU[1], LIU[2]], second + 4) == []
    site = cast.sites[LIU[2]]
    site.depends_on = cast.sites[SHI[0]].depends_on
    site.save(update_fields=["depends_on"])
    listener.reload(own_node(), top=True, now=second)
    assert tell([LIU[1], LIU[2]], second + 5) == [LIU[2]]
    assert (last(LIU[1]), last(LIU[2])) == (second + 5, second + 4)


class Parent:
    """The node above as a line sees it: it remembers what form came under which proof, and may have been started anew."""

    def __init__(self, *, seals: bool = False) -> None:
        self.forms: list[str] = []
        self.knows, self.seals = b"", seals
        self.key = Ed25519PrivateKey.generate()
        self.public_key = self.key.public_key().public_bytes_raw()
        self.at: datetime | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = zstandard.decompress(request.content) if "content-encoding" in request.headers else request.content
        sealed = request.headers["content-type"] == SEALED
        if sealed:
            shared = shared_key(self.key.private_bytes_raw(), own_public_key(), they_send=True)
            told = read_sealed(body)
            if not self.seals or told is None or not is_genuine(body, shared):
                self.forms.append("refused")
                return httpx.Response(400 if told is None or not self.seals else 401, json={"error": "not_believed"})
            if self.at is not None and abs(told.time_us - micros(self.at)) > 300e6:
                self.forms.append("wrong time")
                headers = {SERVER_TIME: str(micros(self.at))}
                return httpx.Response(401, json={"error": "wrong_time"}, headers=headers)
            body = zstandard.decompress(told.content) if told.packed else told.content
        compact = unpack(body)
        self.forms.append(("sealed " if sealed else "") + ("compact" if compact else "long"))
        if compact is not None and compact.roster != self.knows:
            return httpx.Response(409, json={"error": ""})
        self.knows = compact.roster if compact is not None else roster_digest(json.loads(body)["roster"])
        more = {"seals": True} if self.seals else {}
        return httpx.Response(200, json={"accepted": 3, "roster": self.knows.hex(), **more})


def below(parent: Parent, at: datetime) -> Listener:
    """An edge that has swept once and knows this parent."""
    ensure_self(at=at)
    trust_parent(uid=uuid4(), kind="centre", name="上级", public_key=parent.public_key, subject_code=EDGE, scope="", own_name="边缘", at=at)
    listener = Listener()
    listener.reload(own_node(), top=False, now=at.timestamp())
    listener.swept_at = at.timestamp()
    return listener


@pytest.mark.django_db
def test_an_edge_seals_for_a_parent_that_takes_seals_and_signs_when_it_does_not_any_more(cast: Cast, at: datetime) -> None:
    parent = Parent(seals=True)
    listener, line = below(parent, at), Line("http://parent", transport=httpx.MockTransport(parent))
    for _ in range(3):
        assert beat_parent(at, listener=listener, line=line) == 3
    assert parent.forms == ["long", "sealed compact", "sealed compact"]
    parent.knows = b""
    beat_parent(at, listener=listener, line=line)
    assert parent.forms[3:] == ["sealed compact", "sealed long"]
    parent.seals = False
    for _ in range(2):
        assert beat_parent(at, listener=listener, line=line) == 3
    assert parent.forms[5:] == ["refused", "compact", "compact"], "an older programme above is told the same signed"


@pytest.mark.django_db
def test_a_box_whose_clock_is_years_wrong_seals_again_with_the_time_it_is_told(cast: Cast, at: datetime) -> None:
    parent = Parent(seals=True)
    parent.at = at
    listener = below(parent, at)
    line = Line("http://parent", transport=httpx.MockTransport(parent), now=lambda: at - timedelta(days=20_000))
    listener.parent_seals = True
    assert beat_parent(at, listener=listener, line=line) == 3
    assert parent.forms == ["wrong time", "sealed long"]


@pytest.mark.django_db
def test_an_edge_changes_to_the_compact_form_and_back_when_the_parent_has_forgotten(cast: Cast, at: datetime) -> None:
    parent = Parent()
    listener, line = below(parent, at), Line("http://parent", transport=httpx.MockTransport(parent))
    for _ in range(3):
        assert beat_parent(at, listener=listener, line=line) == 3
    parent.knows = b""
    beat_parent(at, listener=listener, line=line)
    assert parent.forms == ["long", "compact", "compact", "compact", "long"]
