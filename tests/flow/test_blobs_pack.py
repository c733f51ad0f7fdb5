"""The form of a pack: what is whole and genuine comes through, whatever else the answer holds; nothing that was not asked for does."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.flow.blobs import pack
from yuanjiao.flow.blobs.pack import BadAsk, BrokenPack, Told
from yuanjiao.flow.blobs.store import BlobRef

CONTENTS = st.lists(st.binary(max_size=3000), min_size=1, max_size=12, unique=True)
Frame = tuple[int, int, bytes]


def ref_of(content: bytes) -> BlobRef:
    return BlobRef(hashlib.sha256(content).hexdigest(), len(content))


def answer(refs: list[BlobRef], contents: list[bytes]) -> bytes:
    held = {ref_of(content).sha256: content for content in contents}
    return b"".join(pack.packed(pack.asked_in(pack.ask_for(refs)), held.get))


def frames_of(answered: bytes) -> list[Frame]:
    """Place, length and content of each, the end mark too."""
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(answered)
    found, at = [], len(pack.MAGIC)
    while at < len(plain):
        place, length = pack.HEAD.unpack_from(plain, at)
        size = 0 if place == pack.END or length == pack.NOT_HERE else length
        found.append((place, length, plain[at + pack.HEAD.size : at + pack.HEAD.size + size]))
        at += pack.HEAD.size + size
    return found


def made_of(frames: list[Frame], behind: bytes = b"") -> bytes:
    plain = pack.MAGIC + b"".join(pack.HEAD.pack(place, length) + content for place, length, content in frames) + behind
    return zstandard.ZstdCompressor().compress(plain)


def in_pieces(content: bytes, size: int = 700) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def read(content: bytes, refs: list[BlobRef]) -> tuple[list[Told], bool]:
    """What was told, and whether the pack was whole."""
    found: list[Told] = []
    try:
        for told in pack.unpacked(in_pieces(content), refs):
            found.append(told)  # noqa: PERF402  (one by one: those before a break count)
    except BrokenPack:
        return found, False
    return found, True


@given(contents=CONTENTS, absent=st.sets(st.integers(0, 11)))
def test_what_is_asked_for_comes_and_what_is_not_there_is_named(contents: list[bytes], absent: set[int]) -> None:
    refs = [ref_of(content) for content in contents]
    told, whole = read(answer(refs, [one for place, one in enumerate(contents) if place not in absent]), refs)
    assert whole
    expected = [(ref, None if place in absent else content) for place, (ref, content) in enumerate(zip(refs, contents, strict=True))]
    assert [(one.ref, one.content) for one in told] == expected
    assert all(one.genuine for one in told if one.content is not None)


@given(contents=CONTENTS, cut=st.floats(0, 1, exclude_max=True))
def test_of_a_torn_pack_what_came_whole_is_good(contents: list[bytes], cut: float) -> None:
    refs = [ref_of(content) for content in contents]
    content = answer(refs, contents)
    told, whole = read(content[: int(len(content) * cut)], refs)
    assert not whole
    assert [one.content for one in told] == contents[: len(told)]
    assert all(one.genuine for one in told)


def test_a_torn_pack_loses_no_more_than_the_blob_it_was_torn_in() -> None:
    contents = [random.Random(number).randbytes(2000) for number in range(50)]
    refs = [ref_of(content) for content in contents]
    whole = answer(refs, contents)
    told, _ = read(whole[: len(whole) // 2], refs)
    assert len(told) >= 24


@given(contents=CONTENTS, place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_flipped_byte_never_passes_for_what_was_asked_for(contents: list[bytes], place: int, flip: int) -> None:
    refs = [ref_of(content) for content in contents]
    content = bytearray(answer(refs, contents))
    content[place % len(content)] ^= flip
    told, _ = read(bytes(content), refs)
    genuine = [one for one in told if one.genuine]
    assert all(one.content is not None and ref_of(one.content) == one.ref for one in genuine)
    assert len({one.ref for one in told}) == len(told)


@given(content=st.binary(max_size=2000), packed=st.booleans(), begun=st.booleans())
def test_noise_is_no_pack(content: bytes, packed: bool, begun: bool) -> None:
    content = pack.MAGIC * begun + content
    told, _ = read(zstandard.ZstdCompressor().compress(content) if packed else content, [ref_of(b"film")])
    assert not [one for one in told if one.genuine]


REFS = [ref_of(b"one"), ref_of(b"two"), ref_of(b"three")]
ONE, TWO, THREE = (0, 3, b"one"), (1, 3, b"two"), (2, 5, b"three")
BAD: dict[str, tuple[list[Frame], int]] = {
    "repeated": ([ONE, ONE, (pack.END, 2, b"")], 1),
    "not asked for": ([ONE, (3, 3, b"fou"), (pack.END, 2, b"")], 1),
    "too long": ([ONE, (1, pack.LARGEST + 1, bytes(pack.LARGEST + 1)), (pack.END, 2, b"")], 1),
    "no end": ([ONE, TWO], 2),
    "the end miscounts": ([ONE, TWO, (pack.END, 3, b"")], 2),
    "a length beyond the end": ([ONE, (1, 5000, b"two")], 1),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_pack_any_more_ends_it_and_what_came_before_stays(name: str) -> None:
    frames, good = BAD[name]
    told, whole = read(made_of(frames), REFS)
    assert not whole
    assert [one.genuine for one in told] == [True] * good


@pytest.mark.parametrize("content", [b"owt", b"tw", b"two!"], ids=["other bytes", "shorter", "longer"])
def test_wrong_bytes_count_against_their_own_blob_alone(content: bytes) -> None:
    told, whole = read(made_of([ONE, (1, len(content), content), THREE, (pack.END, 3, b"")]), REFS)
    assert whole
    assert [one.genuine for one in told] == [True, False, True]


def test_the_right_bytes_of_another_size_than_the_catalogue_says_are_not_genuine() -> None:
    told, _ = read(made_of([ONE, (pack.END, 1, b"")]), [BlobRef(REFS[0].sha256, 4)])
    assert [one.genuine for one in told] == [False]


ENDED = [ONE, (pack.END, 1, b"")]
BEHIND = {
    "in the frame": made_of(ENDED, b"x"),
    "behind the frame": made_of(ENDED) + b"x",
    "another frame": made_of(ENDED) + made_of([TWO]),
    "noise": made_of(ENDED) + bytes(5000),
}


@pytest.mark.parametrize("name", BEHIND)
def test_anything_behind_the_end_is_a_broken_pack_and_what_came_stays(name: str) -> None:
    told, whole = read(BEHIND[name], REFS)
    assert not whole
    assert [one.genuine for one in told] == [True]


@pytest.mark.parametrize("size", [1, 700, 100_000])
def test_a_pack_is_read_to_the_end_of_its_source(size: int) -> None:
    pieces = in_pieces(made_of(ENDED), size)
    assert [one.genuine for one in pack.unpacked(pieces, REFS)] == [True]
    assert next(pieces, b"read") == b"read"
    ended: list[bool] = []

    def source() -> Iterator[bytes]:
        yield from in_pieces(made_of(ENDED), size)
        ended.append(True)

    list(pack.unpacked(source(), REFS))
    assert ended == [True], "what follows the last piece is seen: the line may be used again, and the piece was counted"


def test_a_frame_that_wants_much_memory_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters.from_level(3, window_log=24)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    content = packer.compress(pack.MAGIC + pack.HEAD.pack(0, 3) + b"one" + pack.HEAD.pack(pack.END, 1)) + packer.flush()
    assert read(content, REFS) == ([], False)


def test_an_answer_ends_before_it_grows_too_large_and_says_nothing_of_the_rest() -> None:
    contents = [bytes([number]) * pack.LARGEST for number in range(70)]
    refs = [ref_of(content) for content in contents]
    told, whole = read(answer(refs, contents), refs)
    assert whole
    assert sum(len(one.content or b"") for one in told) == pack.MOST_BYTES
    assert [one.ref for one in told] == refs[: len(told)]


def test_small_files_that_do_not_compress_cost_little_more_than_themselves() -> None:
    contents = [random.Random(number).randbytes(2000) for number in range(1000)]
    refs = [ref_of(content) for content in contents]
    moved = len(pack.ask_for(refs)) + len(answer(refs, contents))
    assert moved < 1.03 * sum(map(len, contents))


def test_texts_that_resemble_each_other_are_packed_together() -> None:
    contents = [f"WEBVTT\n\n00:00.000 --> 00:05.000\n第 {number} 课：水稻病虫害防治\n".encode() * 20 for number in range(50)]
    refs = [ref_of(content) for content in contents]
    assert len(answer(refs, contents)) < 0.05 * sum(map(len, contents))


NO_ASK: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no name": lambda: pack.MAGIC,
    "half a name": lambda: pack.MAGIC + bytes(48),
    "another form": lambda: b"YJP2" + bytes(32),
    "a name twice": lambda: pack.MAGIC + bytes(64),
    "too many": lambda: pack.MAGIC + b"".join(number.to_bytes(32, "big") for number in range(pack.MOST + 1)),
}


@pytest.mark.parametrize("name", NO_ASK)
def test_what_is_no_ask_is_refused(name: str) -> None:
    with pytest.raises(BadAsk):
        pack.asked_in(NO_ASK[name]())
