"""docs/flow.md says what the code does: offsets, limits, reasons and statuses, and a segment that must open for ever."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yuanjiao.flow.blobs import inviting, neighbours, pack, sharing, sources_door, ticket
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue import bundle, parts
from yuanjiao.flow.catalogue.shards import laid_out, unwrap
from yuanjiao.flow.catalogue.shelf import Offer
from yuanjiao.flow.journal import record, segment, ship
from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.door import STATUS
from yuanjiao.flow.nodes.keys import shared_key, verifies
from yuanjiao.flow.wire.auth import WINDOW_S
from yuanjiao.flow.wire.sealing import is_genuine, read_sealed
from yuanjiao.network.rules.batch import NOT_HEARD, roster_digest, unpack

PAGE = (Path(__file__).parents[2] / "docs" / "flow.md").read_text()
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def vector() -> bytes:
    found = re.search(r"```segment\n([0-9a-f\n]+)```", PAGE)
    assert found is not None
    return bytes.fromhex(found[1].replace("\n", ""))


def test_the_segment_in_the_document_opens() -> None:
    data = vector()
    header = segment.read_header(data)
    segment.check_signature(data, lambda signature, message: verifies(KEY.public_key().public_bytes_raw(), signature, message))
    entries = segment.read_entries(data, header)
    rows = re.findall(r"^\| (\d+) \| (\S+) \| (\S+) \| `(.+)` \| `([0-9a-f]{64})` \|$", PAGE, re.MULTILINE)
    assert [(str(e.seq), e.at.isoformat(), e.kind, e.payload.decode(), e.entry_hash.hex()) for e in entries] == rows
    assert f"`{header.origin}`" in PAGE
    assert header.sealed_at.isoformat() in PAGE


def test_sealing_the_same_entries_gives_the_same_head_and_chain() -> None:
    data = vector()
    header = segment.read_header(data)
    written = [segment.Written(e.at, e.kind, e.payload) for e in segment.read_entries(data, header)]
    again = segment.seal(origin=header.origin, first_seq=1, previous=GENESIS, sealed_at=header.sealed_at, entries=written, sign=KEY.sign)
    assert again[:116] == data[:116]


def test_the_sealed_message_in_the_document_opens_with_the_key_that_stands_there() -> None:
    found = re.search(r"```sealed\n([0-9a-f\n]+)```", PAGE)
    assert found is not None
    body, receiver = bytes.fromhex(found[1].replace("\n", "")), Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
    key = shared_key(receiver.private_bytes_raw(), KEY.public_key().public_bytes_raw(), they_send=True)
    assert f"`{key.hex()}`" in PAGE
    told = read_sealed(body)
    assert told is not None
    assert is_genuine(body, key)
    assert f"`{told.node}`" in PAGE
    assert datetime.fromtimestamp(told.time_us / 1e6, UTC).isoformat() in PAGE
    batch = unpack(told.content)
    assert batch is not None
    assert batch.roster == roster_digest(["S-990101100200", "S-990101100201", "S-990101101200"])
    assert batch.tenths.tolist() == [4, 599, NOT_HEARD]


def test_the_pack_in_the_document_opens_and_its_limits_stand_there() -> None:
    found = re.search(r"```pack\n([0-9a-f\n]+)```", PAGE)
    assert found is not None
    refs = [BlobRef(sha256(content).hexdigest(), len(content)) for content in (b"one", b"two", b"three")]
    told = list(pack.unpacked(iter([bytes.fromhex(found[1].replace("\n", ""))]), refs))
    assert [(one.content, one.genuine) for one in told] == [(b"one", True), (None, False), (b"three", True)]
    said = PAGE.split("### Packs")[1].split("###")[0]
    for number in (pack.MOST, pack.LARGEST, pack.MOST_BYTES):
        assert f"{number:,}" in said


def test_the_ticket_in_the_document_is_believed_and_its_limits_stand_there() -> None:
    said = PAGE.split("### Several sources")[1].split("###")[0]
    text = re.search(r"```ticket\n([A-Za-z0-9+/=\n]+)```", said)[1].replace("\n", "")  # type: ignore[index]
    blob, key = sha256(b"one").hexdigest(), KEY.public_key().public_bytes_raw()
    found, body, signature = ticket.read(text)
    assert verifies(key, signature, body)
    assert (found.blob, f"`{found.asker}`" in said, f"`{found.holder}`" in said) == (blob, True, True)
    assert datetime.fromtimestamp(found.expires_us / 1e6, UTC).isoformat() in said
    assert ticket.signed(found, KEY.sign) == text
    assert UUID(bytes=body[36:52]) == found.asker
    for number in (neighbours.SMALLEST, neighbours.LEAST_RATE, inviting.MOST_BLOBS, sharing.MOST_AT_ONCE, neighbours.MOST_WAITS):
        assert f"{number:,} " in said
    assert f"{sources_door.LONGEST_ASK:,} bytes" in PAGE
    for seconds in (inviting.AT_IT_S, neighbours.LEAST_RATE_WINDOW_S, neighbours.LONGEST_WAIT_S):
        assert f"{seconds:.0f} s" in said


def test_the_offsets_in_the_table_are_the_headers() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+|n) \| .+ \|$", PAGE, re.MULTILINE)
    place = 0
    for offset, size in rows:
        assert int(offset) == place
        place += int(size) if size != "n" else 0
    assert place == segment.HEADER.size


def test_every_reason_stands_in_the_document_with_its_status() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \| .+ \|$", PAGE, re.MULTILINE))
    assert rows == {str(reason): str(status) for reason, status in STATUS.items()}
    assert set(STATUS) == set(segment.Reason)


@pytest.mark.parametrize(
    "said",
    [
        f"{segment.MAX_SEGMENT_BYTES:,} bytes",
        f"{segment.MAX_RAW_BYTES:,} bytes",
        f"{segment.MAX_ENTRIES:,} entries",
        f"{ship.SEAL_ENTRIES:,} entries",
        f"about {ship.SEAL_BYTES // 1024} KiB",
        f"at most {record.MAX_PAYLOAD_BYTES // 1024} KiB",
        f"within {WINDOW_S} s",
    ],
)
def test_the_limits_in_the_document_are_the_codes(said: str) -> None:
    assert said in PAGE


class TestParts:
    """Form 2 of a document, as it stands in the page."""

    shards = tuple(said.encode() for said in re.findall(r"```shard\n(.+)\n```", PAGE))
    part = re.search(r"```part\n(.+\n.+)\n```", PAGE)[1].encode()  # type: ignore[index]

    def test_the_part_is_the_one_its_target_file_names_and_opens(self) -> None:
        (named,) = parts.named(self.shards[0])
        assert parts.is_part(self.part, named)
        shard = unwrap(self.shards[0], shelf="courseware", scope="all", part=lambda part: self.part)
        assert {blob.size for blob in shard.blobs} == {1, 2}
        assert "果树冬剪" in bytes(shard.document).decode()

    def test_the_same_rows_are_written_the_same(self) -> None:
        blobs, document = self.part.split(b"\n")
        refs = (BlobRef(hashlib.sha256(b"0").hexdigest(), 1, "video/mp4"), BlobRef("f" * 64, 2))
        assert refs[0].sha256.encode() in blobs
        assert parts.divide("courseware", "all", Offer(document, refs)) == (
            self.shards[0],
            {parts.named(self.shards[0])[0].sha256: self.part},
        )

    def test_the_bundle_opens(self) -> None:
        old, new = self.shards
        body = bytes.fromhex(re.search(r"```bundle\n([0-9a-f\n]+)```", PAGE)[1].replace("\n", ""))  # type: ignore[index]
        assert b"".join(bundle.shard_in(body, old)) == new
        ((part, content),) = bundle.parts_in(body, old, new, lambda part: self.part)
        assert content == self.part.replace("冬".encode(), "夏".encode())
        assert parts.named(new) == (part,)

    def test_the_list_of_numbers_is_cut_where_the_page_says(self) -> None:
        rows = ",".join(f'{{"n":"{hashlib.sha256(str(number).encode()).hexdigest()}"}}' for number in range(4000))
        document, ends, at = f"[{rows}]".encode(), [], 0
        for piece in parts.cut(document):
            at += len(piece)
            ends.append(at)
        assert f"({len(document):,} bytes) is cut behind byte {', '.join(map(str, ends))}." in PAGE

    def test_the_limits_in_the_document_are_the_codes(self) -> None:
        for said in (parts.WHOLE, parts.LEAST, parts.MOST, parts.LARGEST, bundle.MOST):
            assert f"{said:,}" in PAGE
        assert f"divisible by {parts.ONE_IN} " in PAGE
        small, large = (laid_out("notices", "all", Offer(b'"' + b"x" * (parts.WHOLE + more) + b'"')) for more in (-2, -1))
        assert (parts.form_of(small[0]), parts.form_of(large[0])) == (1, 2)
