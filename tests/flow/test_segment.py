"""Segments as bytes: what is sealed opens again, and every hostile form is refused for its own reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.flow.journal import segment
from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.segment import BadSegment, Reason, Written

ORIGIN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
AT = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)
ENTRIES = [Written(AT + timedelta(seconds=n), "tests.happened/1", b'{"n":%d}' % n) for n in range(5)]


def sealed(entries: list[Written] | None = None, **changes: object) -> bytes:
    values: dict[str, object] = {
        "origin": ORIGIN, "first_seq": 1, "previous": GENESIS, "sealed_at": AT, "entries": entries or ENTRIES, "sign": KEY.sign,
    }  # fmt: skip
    return segment.seal(**(values | changes))  # type: ignore[arg-type]


def verifies(signature: bytes, message: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, message)
    except InvalidSignature:
        return False
    return True


def opened(data: bytes) -> list[segment.Chained]:
    header = segment.read_header(data)
    segment.check_signature(data, verifies)
    return segment.read_entries(data, header)


def resigned(data: bytes, change: Callable[[bytearray], None]) -> bytes:
    """What a node that cheats can do: change bytes and sign again."""
    body = bytearray(data[:-64])
    change(body)
    return bytes(body) + KEY.sign(bytes(body))


def with_body(raw: bytes, *, claimed: int | None = None, packed: bytes | None = None, count: int = 5) -> bytes:
    """A signed segment around any body."""
    body = zstandard.ZstdCompressor().compress(raw) if packed is None else packed
    tail = segment.read_header(sealed()).tail
    size = len(raw) if claimed is None else claimed
    head = segment.HEADER.pack(segment.MAGIC, ORIGIN.bytes, 1, count, count, 0, GENESIS, tail, size, len(body))
    return head + body + KEY.sign(head + body)


def test_what_is_sealed_opens_to_the_same_entries() -> None:
    assert [(e.seq, e.at, e.kind, e.payload) for e in opened(sealed())] == [(n + 1, *entry) for n, entry in enumerate(ENTRIES)]


times = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.lists(st.builds(Written, times, st.text(min_size=1, max_size=60), st.binary(max_size=300)), min_size=1, max_size=30))
def test_any_entries_survive_sealing(entries: list[Written]) -> None:
    assert [Written(e.at, e.kind, e.payload) for e in opened(sealed(entries))] == entries


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_single_changed_byte_is_believed(place: int, flip: int) -> None:
    data = bytearray(sealed())
    data[place % len(data)] ^= flip
    with pytest.raises(BadSegment):
        opened(bytes(data))


@given(st.binary(max_size=400))
def test_noise_is_refused_and_never_breaks_the_reader(noise: bytes) -> None:
    for data in (noise, segment.MAGIC + noise, sealed()[:120] + noise):
        with pytest.raises(BadSegment):
            opened(data)


@given(st.binary(max_size=300))
def test_a_signed_body_of_noise_is_refused_and_never_breaks_the_reader(noise: bytes) -> None:
    for data in (with_body(noise), with_body(noise, claimed=90, packed=noise), with_body(noise * 5)):
        with pytest.raises(BadSegment):
            opened(data)


def set_bytes(place: int, value: bytes) -> Callable[[bytearray], None]:
    def change(body: bytearray) -> None:
        body[place : place + len(value)] = value

    return change


HOSTILE: dict[str, tuple[bytes, Reason]] = {
    "nothing": (b"", Reason.CUT),
    "a web page": (b"<html>" + bytes(300), Reason.CUT),
    "cut in the head": (sealed()[:100], Reason.CUT),
    "cut in the middle": (sealed()[: len(sealed()) // 2], Reason.CUT),
    "cut by one byte": (sealed()[:-1], Reason.CUT),
    "bytes behind the end": (sealed() + b"\0", Reason.CUT),
    "larger than a door reads": (sealed() + bytes(segment.MAX_SEGMENT_BYTES), Reason.TOO_LARGE),
    "another form": (b"YJS2" + sealed()[4:], Reason.CUT),
    "numbers that do not count": (resigned(sealed(), set_bytes(28, (9).to_bytes(8, "big"))), Reason.CUT),
    "entry number nought": (
        resigned(sealed(), set_bytes(20, (0).to_bytes(8, "big") + (4).to_bytes(8, "big"))),
        Reason.CUT,
    ),
    "numbers beyond the database": (
        resigned(sealed(), set_bytes(20, ((1 << 63) - 2).to_bytes(8, "big") + ((1 << 63) + 2).to_bytes(8, "big"))),
        Reason.CUT,
    ),
    "a million entries": (
        resigned(sealed(), set_bytes(28, (1_000_000).to_bytes(8, "big") + (1_000_000).to_bytes(4, "big"))),
        Reason.CUT,
    ),
    "a head that promises a bomb": (with_body(b"", claimed=segment.MAX_RAW_BYTES + 1, packed=b"x"), Reason.TOO_LARGE),
    "a frame that is a bomb": (
        with_body(b"", claimed=200, packed=zstandard.ZstdCompressor().compress(bytes(64 * 1024 * 1024))),
        Reason.TOO_LARGE,
    ),
    "a frame without its size": (
        with_body(
            b"", claimed=200, packed=zstandard.ZstdCompressor(write_content_size=False).compress(bytes(200))
        ),
        Reason.TOO_LARGE,
    ),
    "a signature of nobody": (sealed()[:-64] + bytes(64), Reason.FORGED),
    "signed by another key": (sealed(sign=Ed25519PrivateKey.generate().sign), Reason.FORGED),
    "one changed payload": (sealed()[:150] + bytes([sealed()[150] ^ 1]) + sealed()[151:], Reason.FORGED),
    "an earlier entry exchanged": (
        resigned(sealed(), set_bytes(48, b"\1" * 32)),
        Reason.BROKEN_CHAIN,
    ),
    "renumbered": (
        resigned(sealed(), set_bytes(20, (2).to_bytes(8, "big") + (6).to_bytes(8, "big"))),
        Reason.BROKEN_CHAIN,
    ),
    "under another name": (resigned(sealed(), set_bytes(4, bytes(16))), Reason.BROKEN_CHAIN),
    "entries that end too early": (with_body(segment.ENTRY.pack(0, 4, 500) + b"kind" + bytes(100)), Reason.CUT),
    "a time no calendar holds": (
        with_body((segment.ENTRY.pack((1 << 63) - 1, 1, 0) + b"k") * 5),
        Reason.CUT,
    ),
    "a kind that is no text": (with_body((segment.ENTRY.pack(0, 2, 0) + b"\xff\xfe") * 5), Reason.CUT),
}  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_segment_is_refused_for_its_own_reason(data: bytes, reason: Reason) -> None:
    with pytest.raises(BadSegment) as refusal:
        opened(data)
    assert refusal.value.reason == reason
    assert refusal.value.message


def test_sealing_too_much_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="10,000"):
        sealed([ENTRIES[0]] * 10_001)
