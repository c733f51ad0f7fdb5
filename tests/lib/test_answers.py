"""Kept answers: compressed once per encoding, named by their content, the oldest leaving first."""

from __future__ import annotations

import gzip

import brotli
import pytest
import zstandard

from yuanjiao.lib.answers import BETTER, Answer, Kept, compressed, wanted_encoding

PAGE = ("<p>春季仔猪保温与防疫</p>" * 200).encode()
HTML = [(b"content-type", b"text/html; charset=utf-8")]


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        (b"gzip, deflate", b"gzip"),
        (b"gzip, deflate, br, zstd", b"br"),
        (b"GZIP;q=0.5", b"gzip"),
        (b"br;q=0, gzip", b"gzip"),
        (b"identity", b""),
        (b"", b""),
    ],
)
def test_the_best_encoding_the_asker_allows_is_taken(accepted: bytes, wanted: bytes) -> None:
    assert wanted_encoding(accepted) == wanted


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip", b""])
def test_every_form_unpacks_to_the_page_and_says_its_length(encoding: bytes) -> None:
    status, headers, body = Answer(HTML, PAGE).for_asker(encoding, b"")
    told = dict(headers)
    unpack = {b"br": brotli.decompress, b"zstd": zstandard.decompress, b"gzip": gzip.decompress, b"": bytes}[encoding]
    assert (status, unpack(body)) == (200, PAGE)
    assert told[b"content-length"] == str(len(body)).encode()
    assert told.get(b"content-encoding", b"") == encoding
    assert not encoding or len(body) < len(PAGE) / 5


def test_what_lasts_is_packed_quickly_for_the_first_asker_and_better_for_those_after() -> None:
    words = "".join(f"function n{number}(a) {{ return a * {number * 7919 % 977}; }}\n" for number in range(2000)).encode()
    script = Answer([(b"content-type", b"text/javascript")], words, lasting=True)
    first = script.for_asker(b"br", b"")[2]
    assert first == compressed(words, b"br"), "nobody waits for the best form"
    BETTER.submit(lambda: None).result(60)
    later = script.for_asker(b"br", b"")[2]
    assert len(later) < len(first)
    assert brotli.decompress(later) == words


def test_pictures_are_not_packed_again() -> None:
    _, headers, body = Answer([(b"content-type", b"image/jpeg")], PAGE).for_asker(b"gzip", b"")
    assert body == PAGE
    assert b"content-encoding" not in dict(headers)


def test_who_has_it_gets_no_bytes_and_who_has_another_gets_all() -> None:
    old, new = Answer(HTML, PAGE), Answer(HTML, PAGE + b"!")
    assert old.for_asker(b"gzip", old.etag)[0::2] == (304, b"")
    assert new.for_asker(b"gzip", old.etag)[0] == 200


def test_the_store_holds_its_bytes_and_lets_the_longest_unasked_go() -> None:
    kept = Kept(limit=6 * len(PAGE))
    for name in "abc":
        kept.put(name, Answer(HTML, PAGE))
    kept.get("a")
    kept.put("d", Answer(HTML, PAGE))
    assert [name for name in "abcd" if kept.get(name)] == ["a", "c", "d"]
    kept.put("huge", Answer(HTML, PAGE * 10))
    assert kept.get("huge") is None, "what does not fit pushes nothing out"
    assert len(kept) == 3
