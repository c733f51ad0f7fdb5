"""Sealed messages: believed by the one they are for, once and near their time; by nobody else and from nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as some

from yuanjiao.flow.nodes.commands import ensure_self, revoke_node
from yuanjiao.flow.nodes.keys import key_from, key_to, own_key, shared_key
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, micros, verified_seal
from yuanjiao.flow.wire.sealing import SEAL_BYTES, claimed_sender, is_genuine, read_sealed, sealed_bytes
from yuanjiao.lib.errors import Tampered

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


@pytest.fixture
def child(db: None, at: datetime) -> Node:
    """A node below this machine, whose key the test has."""
    ensure_self(at=at)
    return Node.objects.create(kind="edge", name="边缘", public_key=public(KEY), subject_code="E", enrolled_at=at)


def sealed(node: Node, at: datetime, *, key: Ed25519PrivateKey = KEY, to: bytes = b"", form: int = 2) -> bytes:
    """What the owner of `key` seals as `node` for the owner of the public key `to` (this machine)."""
    shared = shared_key(key.private_bytes_raw(), to or public(own_key()), they_send=False)
    now = micros(at)
    return sealed_bytes(node=node.uid, time_us=now, clock_us=now - 1_500_000, form=form, packed=False, content=b"beats", key=shared)


def test_both_ends_compute_one_key_for_each_direction_and_nobody_else_does() -> None:
    other, third = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    there = shared_key(KEY.private_bytes_raw(), public(other), they_send=False)
    assert there == shared_key(other.private_bytes_raw(), public(KEY), they_send=True)
    back = shared_key(other.private_bytes_raw(), public(KEY), they_send=False)
    assert back == shared_key(KEY.private_bytes_raw(), public(other), they_send=True)
    assert len({there, back, shared_key(third.private_bytes_raw(), public(KEY), they_send=True)}) == 3


@pytest.mark.parametrize("theirs", [b"", bytes(32), bytes(31), b"\xff" * 32, b"\x01" + bytes(31)])
def test_what_is_no_key_is_shared_with_nobody(theirs: bytes) -> None:
    with pytest.raises(Tampered):
        shared_key(bytes(range(32)), theirs, they_send=True)


def test_this_machine_keeps_apart_what_it_sends_and_what_it_is_sent(child: Node, tmp_path: Path, settings: Any) -> None:
    here = key_to(public(KEY))
    assert here != key_from(public(KEY))
    settings.HOME = tmp_path / "another"
    assert key_to(public(KEY)) != here, "another machine has another key"


def test_a_sealed_message_is_believed_once_and_near_its_time(child: Node, at: datetime) -> None:
    body = sealed(child, at)
    told, node, offset_s = verified_seal(body, at=at)
    assert (node, told.content, told.form, told.packed, offset_s) == (child, b"beats", 2, False, 1.5)
    with pytest.raises(NotBelieved, match="重复"):
        verified_seal(body, at=at + timedelta(seconds=200))
    with pytest.raises(WrongTime):
        verified_seal(body, at=at + timedelta(seconds=700))
    with pytest.raises(WrongTime):
        verified_seal(sealed(child, at + timedelta(seconds=301)), at=at)


def test_every_byte_of_a_message_counts(child: Node, at: datetime) -> None:
    body = sealed(child, at)
    for place in range(len(body)):
        forged = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(NotBelieved):
            verified_seal(forged, at=at)
    for end in range(len(body)):
        with pytest.raises(NotBelieved):
            verified_seal(body[:end], at=at)
    with pytest.raises(NotBelieved):
        verified_seal(body + b"\0", at=at)
    assert verified_seal(body, at=at)[1] == child, "none of the tries used it up"


def test_a_message_for_another_centre_or_of_another_node_is_not_believed(child: Node, at: datetime) -> None:
    stranger = Ed25519PrivateKey.generate()
    sister = Node.objects.create(kind="edge", name="邻居", public_key=public(stranger), subject_code="E2", enrolled_at=at)
    wrong = (
        sealed(child, at, to=public(stranger)),
        sealed(child, at, key=stranger),
        sealed(sister, at, key=KEY),
        sealed_bytes(node=child.uid, time_us=micros(at), clock_us=0, form=2, packed=False, content=b"", key=key_to(public(KEY))),
        sealed_bytes(node=child.uid, time_us=micros(at), clock_us=0, form=2, packed=False, content=b"", key=bytes(32)),
    )
    for body in wrong:
        with pytest.raises(NotBelieved):
            verified_seal(body, at=at)


@pytest.mark.django_db(transaction=True)
def test_revocation_and_a_new_key_take_effect_at_the_next_message(at: datetime) -> None:
    ensure_self(at=at)
    child = Node.objects.create(kind="edge", name="边缘", public_key=public(KEY), subject_code="E", enrolled_at=at)
    assert verified_seal(sealed(child, at), at=at)[1] == child
    fresh = Ed25519PrivateKey.generate()
    Node.objects.filter(pk=child.pk).update(public_key=public(fresh))
    with pytest.raises(NotBelieved):
        verified_seal(sealed(child, at, form=1), at=at)
    assert verified_seal(sealed(child, at, key=fresh), at=at)[1] == child
    revoke_node(node=child, reason="被盗", at=at)
    with pytest.raises(NotBelieved, match="吊销"):
        verified_seal(sealed(child, at, key=fresh, form=1), at=at)


@given(some.binary(max_size=200))
def test_what_is_not_of_the_form_is_nothing(body: bytes) -> None:
    assert read_sealed(body) is None
    assert claimed_sender(body) is None or len(body) >= 20


@given(
    some.uuids(),
    some.integers(-(2**63), 2**63 - 1),
    some.integers(0, 2**62),
    some.integers(0, 255),
    some.booleans(),
    some.binary(max_size=99),
)
def test_what_is_sealed_is_read_back(node: Any, time_us: int, clock_us: int, form: int, packed: bool, content: bytes) -> None:
    body = sealed_bytes(node=node, time_us=time_us, clock_us=clock_us, form=form, packed=packed, content=content, key=b"k" * 32)
    told = read_sealed(body)
    assert told is not None
    assert (told.node, told.time_us, told.clock_us, told.form, told.packed, told.content) == (
        node,
        time_us,
        clock_us,
        form,
        packed,
        content,
    )
    assert claimed_sender(body) == node
    assert len(told.seal) == SEAL_BYTES
    assert is_genuine(body, b"k" * 32)
    assert not is_genuine(body, b"K" * 32)
