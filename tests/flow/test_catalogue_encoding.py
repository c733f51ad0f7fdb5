"""Small differences (RFC 9842): what is packed comes out the same, and nothing else does."""

from __future__ import annotations

import base64
import hashlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.flow.catalogue import encoding
from yuanjiao.lib.errors import Tampered


@given(content=st.binary(max_size=3000), base=st.binary(max_size=3000) | st.none())
def test_what_is_packed_comes_out_the_same(content: bytes, base: bytes | None) -> None:
    name, body = encoding.pack(content, base)
    assert b"".join(encoding.unpack(name, iter([body[:7], body[7:]]), base)) == content


def test_a_small_change_to_a_large_document_is_small() -> None:
    base = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(40_000))
    name, body = encoding.pack(base[:600_000] + b"changed" + base[600_000:], base)
    assert name == "dcz"
    assert len(body) < 200


def test_the_header_is_the_one_of_the_rfc() -> None:
    _, body = encoding.pack(b"content", b"base")
    assert body[:8] == b"\x5e\x2a\x4d\x18\x20\x00\x00\x00"
    assert body[8:40] == hashlib.sha256(b"base").digest()
    assert encoding.dictionary_header(b"base") == f":{base64.b64encode(hashlib.sha256(b'base').digest()).decode()}:"


@pytest.mark.parametrize("header", ["", ":", ":x:", ":!!!!:", ":" + "A" * 44 + ":", "é"])
def test_a_dictionary_header_that_is_none_names_nothing(header: str) -> None:
    assert encoding.wanted_digest(header) == ""


def test_a_good_header_names_its_digest() -> None:
    assert encoding.wanted_digest(encoding.dictionary_header(b"base")) == hashlib.sha256(b"base").hexdigest()


BAD = {
    "another encoding": ("br", b"x", None),
    "no zstd": ("zstd", b"not packed at all", None),
    "a difference to something else": ("dcz", encoding.pack(b"content" * 50, b"other")[1], b"mine"),
    "a difference nobody can have": ("dcz", encoding.pack(b"content" * 50, b"base")[1], None),
    "a bomb": ("zstd", zstandard.ZstdCompressor().compress(bytes(encoding.LARGEST + 1)), None),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_unpacked_is_an_alarm(name: str) -> None:
    kind, body, base = BAD[name]
    with pytest.raises(Tampered):
        b"".join(encoding.unpack(kind, iter([body]), base))
