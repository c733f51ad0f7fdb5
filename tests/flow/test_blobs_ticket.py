"""Tickets: good for one blob at one holder while they last, and nothing a stranger sends breaks who reads them."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.flow.blobs import sharing, store, ticket
from yuanjiao.flow.blobs.ticket import BadTicket, Ticket
from yuanjiao.flow.models import Node
from yuanjiao.flow.nodes.commands import ensure_self, trust_parent
from yuanjiao.flow.nodes.keys import verifies
from yuanjiao.flow.wire.auth import micros
from yuanjiao.lib import clock

PARENT = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = PARENT.public_key().public_bytes_raw()
ASKER, HOLDER = UUID("01890a5d-ac96-774b-bcce-b302099a8057"), UUID("01890a5d-ac96-774b-bcce-b302099a8058")
BLOB = "ab" * 32
NOW = 1_772_409_600_000_000
GOOD = Ticket(BLOB, ASKER, HOLDER, NOW + 3_600_000_000)


def believed(text: str, *, blob: str = BLOB, holder: UUID = HOLDER, now_us: int = NOW) -> Ticket:
    return ticket.believed(text, blob=blob, holder=holder, now_us=now_us, verifies=lambda signature, body: verifies(KEY, signature, body))


def test_a_ticket_is_believed_where_and_while_it_is_good() -> None:
    text = ticket.signed(GOOD, PARENT.sign)
    assert believed(text) == GOOD
    assert believed(text, now_us=NOW + 3_599_999_999) == GOOD


WRONG: dict[str, dict[str, Any]] = {
    "old": {"now_us": NOW + 3_600_000_000},
    "for ever": {"now_us": NOW - 4_000_000_000},
    "for another blob": {"blob": "cd" * 32},
    "for another holder": {"holder": ASKER},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_ticket_is_good_for_nothing_else(name: str) -> None:
    with pytest.raises(BadTicket):
        believed(ticket.signed(GOOD, PARENT.sign), **WRONG[name])


def test_a_ticket_of_another_signer_is_forged() -> None:
    with pytest.raises(BadTicket, match="不是上级节点签的"):
        believed(ticket.signed(GOOD, Ed25519PrivateKey.generate().sign))


@given(place=st.integers(0, ticket.LENGTH - 1), bit=st.integers(0, 7))
def test_no_changed_bit_is_believed(place: int, bit: int) -> None:
    data = bytearray(base64.b64decode(ticket.signed(GOOD, PARENT.sign)))
    data[place] ^= 1 << bit
    with pytest.raises(BadTicket):
        believed(base64.b64encode(data).decode())


@given(st.one_of(st.text(max_size=300), st.binary(max_size=200).map(lambda data: base64.b64encode(data).decode())))
def test_noise_is_no_ticket(text: str) -> None:
    with pytest.raises(BadTicket):
        believed(text)


@given(st.binary(min_size=ticket.LENGTH - 4, max_size=ticket.LENGTH - 4))
def test_what_is_a_ticket_by_its_form_reads_as_what_it_says_and_is_not_believed(body: bytes) -> None:
    text = base64.b64encode(ticket.MAGIC + body).decode()
    found, signed, signature = ticket.read(text)
    assert (bytes.fromhex(found.blob), found.asker.bytes, found.holder.bytes) == (body[:32], body[32:48], body[48:64])
    assert signed + signature == ticket.MAGIC + body
    with pytest.raises(BadTicket):
        believed(text, blob=found.blob, holder=found.holder, now_us=found.expires_us - 1)


@pytest.fixture
def holder(db: None, tmp_path: Path, settings: Any, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Node:
    """This machine is an edge below the parent of these tests."""
    settings.HOME = tmp_path / "holder"
    monkeypatch.setattr(clock, "now", lambda: at)
    own = ensure_self(at=at)
    trust_parent(uid=ASKER, kind="centre", name="中心", public_key=KEY, subject_code="E-1", scope="/1/", own_name="柳溪县边缘", at=at)
    return own


FILM = b"film" * 1000


class Asking:
    """GET a film with a ticket of the parent, made out as said."""

    def __init__(self, holder: Node, at: datetime) -> None:
        self.ref, self.holder, self.at = store.put(FILM, media_type="video/mp4"), holder.uid, at

    def text(self, *, late: timedelta = timedelta(), sign: Any = PARENT.sign, **other: Any) -> str:
        said = {"blob": self.ref.sha256, "asker": ASKER, "holder": self.holder, "expires_us": micros(self.at + timedelta(hours=1) - late)}
        return ticket.signed(Ticket(**{**said, **other}), sign)

    def __call__(self, text: str) -> tuple[int, bytes]:
        found = Client().get(f"/blobs/{self.ref.sha256}", headers={ticket.HEADER: text} if text else {})
        return found.status_code, b"".join(found.streaming_content) if found.streaming else b""  # type: ignore[attr-defined]


def test_a_holder_serves_who_has_a_ticket_and_any_viewer(holder: Node, at: datetime) -> None:
    ask = Asking(holder, at)
    assert ask(ask.text()) == (200, FILM)
    assert ask("") == (200, FILM), "a viewer has none"


REFUSED: dict[str, dict[str, Any]] = {
    "forged": {"sign": Ed25519PrivateKey.generate().sign},
    "old": {"late": timedelta(hours=1)},
    "of another holder": {"holder": ASKER},
    "of another blob": {"blob": BLOB},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_holder_refuses_a_wrong_ticket(holder: Node, at: datetime, name: str) -> None:
    ask = Asking(holder, at)
    assert ask(ask.text(**REFUSED[name])) == (403, b"")
    assert ask("no ticket at all") == (403, b"")


def test_the_parents_clock_counts(holder: Node, at: datetime) -> None:
    ask = Asking(holder, at)
    Node.objects.filter(is_parent=True).update(clock_offset_s=-7200.0)  # the parent is two hours ahead
    assert ask(ask.text())[0] == 403
    assert ask(ask.text(late=timedelta(hours=-2)))[0] == 200


def test_a_machine_without_a_parent_knows_no_ticket(holder: Node, at: datetime) -> None:
    ask = Asking(holder, at)
    Node.objects.filter(is_parent=True).update(is_parent=False)
    assert ask(ask.text()) == (403, b"")


@contextmanager
def served(*askers: UUID) -> Iterator[None]:
    """These are being served meanwhile."""
    sharing._served.update(askers)
    try:
        yield
    finally:
        sharing._served.difference_update(askers)


def test_an_asker_has_one_place_and_all_together_have_so_many(holder: Node, at: datetime) -> None:
    ask = Asking(holder, at)
    with served(ASKER):
        assert ask(ask.text())[0] == 429
        assert ask(ask.text(asker=HOLDER)) == (200, FILM)
    with served(*(UUID(int=number) for number in range(sharing.MOST_AT_ONCE))):
        assert ask(ask.text())[0] == 429
        assert ask("") == (200, FILM), "viewers are not in this crowd"
    assert ask(ask.text()) == (200, FILM), "its place is free again"


def test_siblings_are_served_at_a_pace_and_nginx_is_told_it(
    holder: Node, at: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, slept = Asking(holder, at), list[float]()
    settings.SERVE_BYTES = 1000
    monkeypatch.setattr(sharing.time, "sleep", slept.append)
    assert ask(ask.text()) == (200, FILM)
    assert sum(slept) > 2.5, "4,000 bytes at 1,000 a second, the first second's worth saved up"
    slept.clear()
    assert ask("") == (200, FILM)
    assert slept == []
    settings.ACCEL_PREFIX = "/kept-blobs/"
    found = Client().get(f"/blobs/{ask.ref.sha256}", headers={ticket.HEADER: ask.text()})
    assert (found["X-Accel-Limit-Rate"], found.content) == ("1000", b"")


def test_siblings_are_paced_in_small_pieces(holder: Node, at: datetime, settings: Any) -> None:
    """With all places taken at a slow pace, who waits for its next piece must not take the holder for dead."""
    settings.SERVE_BYTES = 0
    ask, large = Asking(holder, at), store.put(os.urandom(100_000), media_type="video/mp4")
    found = Client().get(f"/blobs/{large.sha256}", headers={ticket.HEADER: ask.text(blob=large.sha256)})
    pieces = list(found.streaming_content)  # type: ignore[attr-defined]
    assert b"".join(pieces) == store.path(large.sha256).read_bytes()
    assert max(map(len, pieces)) <= 16_384
