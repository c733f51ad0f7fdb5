"""Ranges: a table of RFC 9110's cases, and the property that any readable range gives exactly its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.flow.blobs.ranges import Span, Unsatisfiable, span_of

WHOLE = None
NOTHING = Unsatisfiable
CASES = {
    "bytes=0-0": (10, (0, 0)),
    "bytes=0-": (10, (0, 9)),
    "bytes=3-5": (10, (3, 5)),
    "bytes=3-99": (10, (3, 9)),
    "bytes=9-9": (10, (9, 9)),
    "bytes=-4": (10, (6, 9)),
    "bytes=-99": (10, (0, 9)),
    "Bytes = 1-2": (10, (1, 2)),
    "bytes=10-": (10, NOTHING),
    "bytes=99-100": (10, NOTHING),
    "bytes=-0": (10, NOTHING),
    "bytes=0-1": (0, NOTHING),
    "bytes=-5": (0, NOTHING),
    "bytes=5-3": (10, WHOLE),
    "bytes=-": (10, WHOLE),
    "bytes=": (10, WHOLE),
    "bytes=a-b": (10, WHOLE),
    "bytes=0-1,3-4": (10, WHOLE),
    "lines=0-1": (10, WHOLE),
    "bytes=٣-٥": (10, WHOLE),
    "bytes=0-9999999999999999999999": (10, WHOLE),
}


@pytest.mark.parametrize("header", CASES)
def test_a_range_header_means_what_the_rfc_says(header: str) -> None:
    size, expected = CASES[header]
    if expected is NOTHING:
        with pytest.raises(Unsatisfiable):
            span_of(header, size)
    else:
        assert span_of(header, size) == (expected and Span(*expected, size))


@given(content=st.binary(max_size=50), first=st.none() | st.integers(0, 60), last=st.none() | st.integers(0, 60))
def test_any_range_gives_the_bytes_a_slice_gives(content: bytes, first: int | None, last: int | None) -> None:
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None and last is not None:
        wanted = content[-last:] if last else b""
    else:
        wanted = content[first or 0 : None if last is None else last + 1]
    try:
        span = span_of(header, len(content))
    except Unsatisfiable:
        assert wanted == b""
        return
    backwards = first is not None and last is not None and last < first
    if span is None:
        assert backwards or (first is None and last is None)
        return
    assert content[span.first : span.last + 1] == wanted
    assert span.length == len(wanted)
    assert span.content_range == f"bytes {span.first}-{span.last}/{len(content)}"
