"""The form of a pack: many small blobs asked for at once, and the answer that brings them (docs/flow.md, byte for byte). Pure.

1. The ask names blobs by their digests; the answer speaks of each at most once, by its place in the ask.
2. The answer is one zstd frame, flushed behind each blob: what arrived before a line broke is whole and can be proved.
3. Nothing is believed: each blob is proved by its digest and its size as it comes, and a wrong one counts against itself alone.
4. What cannot be read as a pack ends it (BrokenPack). A window of 128 KiB and blobs of 64 KiB bound what an answer can take of memory.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import zstandard

from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.lib.errors import Unavailable

MAGIC = b"YJP1"
LARGEST = 65_536
"""Bytes of the largest blob that travels in a pack."""
MOST = 1000
"""So many blobs one ask may name."""
MOST_BYTES = 4 * 1024 * 1024
"""An answer ends before a blob that would make its content larger than this; what is left is asked for again."""
OVERHEAD = 64
"""Bytes of an answer that a blob costs beside its own, at the most."""
LONGEST_ASK = len(MAGIC) + 32 * MOST
HEAD = struct.Struct(">HI")
NOT_HERE = 0xFFFFFFFF
"""In place of a length: the answering machine has no such blob, or it is too large for a pack."""
END = 0xFFFF
"""In place of a place: the answer is over; its length is the number of blobs spoken of."""
PIECE = 16_384
LEVEL, WINDOW = 3, 1 << 17


class BadAsk(ValueError):
    """No ask of this form."""


class BrokenPack(Unavailable):
    """What came is no pack, or ends before its end mark: the blobs that came before are good all the same."""


@dataclass(frozen=True)
class Told:
    """What a pack says of one blob. `content` None: the other side has not got it. `genuine`: the bytes are those that were named."""

    ref: BlobRef
    content: bytes | None
    genuine: bool


def ask_for(refs: Sequence[BlobRef]) -> bytes:
    """The body of a question for these blobs."""
    return MAGIC + b"".join(bytes.fromhex(ref.sha256) for ref in refs)


def asked_in(body: bytes) -> list[str]:
    """The names in a question, in its order. BadAsk for another form, no name, too many, or one named twice."""
    names = body[len(MAGIC) :]
    if not body.startswith(MAGIC) or not names or len(names) % 32 or len(names) // 32 > MOST:
        raise BadAsk("不是成包取文件的请求")
    found = [names[start : start + 32].hex() for start in range(0, len(names), 32)]
    if len(set(found)) != len(found):
        raise BadAsk("同一个文件要了两次")
    return found


def packed(names: Sequence[str], content_of: Callable[[str], bytes | None]) -> Iterator[bytes]:
    """The answer in pieces of about 16 KiB; `content_of` gives a blob of at most `LARGEST` bytes, or None."""
    level = zstandard.ZstdCompressionParameters.from_level(LEVEL, source_size=WINDOW)
    packer = zstandard.ZstdCompressor(compression_params=level).compressobj()
    waiting, size, spoken = packer.compress(MAGIC), 0, 0
    for place, name in enumerate(names):
        content = content_of(name)
        size += len(content or b"")
        if size > MOST_BYTES:
            break
        spoken += 1
        waiting += packer.compress(HEAD.pack(place, NOT_HERE if content is None else len(content)) + (content or b""))
        if content is not None:
            waiting += packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        if len(waiting) >= PIECE:
            yield waiting
            waiting = b""
    yield waiting + packer.compress(HEAD.pack(END, spoken)) + packer.flush()


def unpacked(pieces: Iterator[bytes], refs: Sequence[BlobRef]) -> Iterator[Told]:
    """What the answer to `ask_for(refs)` says, blob by blob as the bytes come. BrokenPack where it cannot be read on."""
    unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    reader = unpacker.stream_reader(_Source(pieces), read_across_frames=True)  # type: ignore[arg-type]  # read() is all it asks for
    left = dict(enumerate(refs))
    if _exactly(reader, len(MAGIC)) != MAGIC:
        raise BrokenPack("上级节点的应答不是文件包")
    while True:
        place, length = HEAD.unpack(_exactly(reader, HEAD.size))
        if place == END:
            if length != len(refs) - len(left):
                raise BrokenPack("文件包的结尾与内容不符")
            _nothing_more(reader)
            return
        ref = left.pop(place, None)
        if ref is None:
            raise BrokenPack("文件包里有没要的文件，或同一个文件两次")
        yield _told(reader, ref, length)


def _told(reader: zstandard.ZstdDecompressionReader, ref: BlobRef, length: int) -> Told:
    if length == NOT_HERE:
        return Told(ref, None, genuine=False)
    if length > LARGEST:
        raise BrokenPack("文件包里的文件过大")
    content = _exactly(reader, length)
    return Told(ref, content, length == ref.size and hashlib.sha256(content).hexdigest() == ref.sha256)


def _nothing_more(reader: zstandard.ZstdDecompressionReader) -> None:
    """Read to the end of the source: only then every piece is counted, and the connection can be used again."""
    if _read(reader, 1):
        raise BrokenPack("文件包的结尾之后还有内容")


def _exactly(reader: zstandard.ZstdDecompressionReader, size: int) -> bytes:
    found = _read(reader, size)
    if len(found) < size:
        raise BrokenPack("文件包中途断开")
    return found


def _read(reader: zstandard.ZstdDecompressionReader, size: int) -> bytes:
    try:
        found: bytes = reader.read(size)
    except zstandard.ZstdError:
        raise BrokenPack("文件包无法解压") from None
    return found


class _Source:
    """The pieces of an answer as the unpacker reads them: never more than one ahead."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int) -> bytes:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = piece
        found, self._left = self._left[:size], self._left[size:]
        return found
